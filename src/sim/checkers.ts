/**
 * Checkers: what must hold after every event of a run, whatever the faults. They look from outside, at what is
 * submitted, sent, written to disk and delivered; none asks the code under test whether it is right.
 *
 *   agreement      an instance has one value, for every learner and on the disks, for ever
 *   validity       only what was submitted is delivered
 *   order          a learner delivers every instance once, in order, without gaps
 *   ballots        a ballot carries one value an instance, for ever
 *   promises       what an acceptor promised it keeps: nothing sinks, nothing lower is accepted afterwards
 *   durability     nothing is answered before it is on disk; what is delivered, or told to be chosen, is on those of a
 *                  majority
 *   trim           nothing is trimmed that a checkpoint lacks, or that was never there
 */
import { sameBytes } from '../paxos/acceptor.ts';
import type { MemoryStorage } from '../storage/memory.ts';
import type { Message } from '../transport/message-log.ts';
import { Ballots } from './ballots.ts';
import { Choices, text } from './choices.ts';
import type { SimDisk, Write } from './disk.ts';
import { Sequences } from './sequences.ts';
import { Violation } from './violation.ts';

export interface CheckersOptions {
  readonly disks: readonly SimDisk[];
  /** so many of the acceptors, the first ones, are as the original's are, which carry out any TRIM */
  readonly originals?: number;
  /** false: only order and validity are asked for */
  readonly judged?: boolean;
  /** the highest instance that every learner has in a checkpoint */
  readonly safeTrim: () => number;
}

export class Checkers {
  readonly #options: CheckersOptions;
  readonly #sequences: Sequences;
  readonly #choices: Choices;
  readonly #ballots = new Ballots();
  /** by ballot: the instances that its leader rightly told to be chosen */
  readonly #counted = new Map<number, { readonly from: number; readonly to: number }>();
  /** by acceptor, then instance: the highest ballot it told that it promised */
  readonly #told: readonly Map<number, number>[];

  constructor(options: CheckersOptions) {
    this.#options = options;
    this.#sequences = new Sequences(options.judged !== false);
    this.#choices = new Choices(options.disks.length);
    this.#told = options.disks.map(() => new Map<number, number>());
  }

  /** By instance, the value that was chosen. */
  get chosen(): ReadonlyMap<number, string> {
    return this.#sequences.chosen;
  }

  /** The highest instance that was delivered anywhere. */
  get highestChosen(): number {
    return this.#sequences.highestChosen;
  }

  get deliveries(): number {
    return this.#sequences.deliveries;
  }

  submitted(value: string): void {
    this.#sequences.submitted(value);
  }

  /** A learner, at `expected`, delivered an instance. */
  delivered(learner: string, expected: number, instanceId: number, bytes: Uint8Array): void {
    const isFirst = this.#sequences.delivered(learner, expected, instanceId, bytes);
    if (isFirst) this.#isChosen(learner, instanceId, bytes);
  }

  /** What is delivered first anywhere was accepted, at one ballot, by a majority of disks. */
  #isChosen(learner: string, instanceId: number, bytes: Uint8Array): void {
    if (this.#choices.isChosen(instanceId, bytes)) return;
    const what = `${learner} delivered "${text(bytes)}", which no majority of disks has accepted`;
    throw new Violation('durability', what, instanceId);
  }

  /** A client was told that its value is chosen. */
  settled(value: string): void {
    if (this.#options.judged === false || this.#choices.has(value)) return;
    throw new Violation('durability', `"${value}" was told to be chosen, and no majority has accepted it`);
  }

  /**
   * A message leaves a process of which `acceptorId` is the acceptor; undefined: it has none.
   * @param movesOn it goes to an original proposer, which is told to go on above what is chosen by a trim point there
   */
  sent(acceptorId: number | undefined, message: Message, movesOn = false): void {
    if (this.#options.judged === false) return;
    if (message.type === 'accept') this.#ballots.proposed(message.instanceId, message.ballot, message.value);
    if (message.type === 'chosen') this.#isCounted(message.ballot, message.from, message.to);
    if (message.type === 'chosenValue') this.#isLearned(message.instanceId, message.ballot, message.value);
    const durable = acceptorId === undefined ? undefined : this.#options.disks[acceptorId]?.durable;
    if (acceptorId === undefined || durable === undefined) return;
    switch (message.type) {
      case 'promise':
        this.#isPromised(acceptorId, durable, message.instanceId, message.ballot);
        break;
      case 'accepted':
        this.#isAccepted(acceptorId, durable, message.instanceId, message.valueBallot, message.value);
        break;
      case 'acceptedRange':
        for (let i = message.from; i <= message.to; i++)
          this.#isAccepted(acceptorId, durable, i, message.ballot, undefined);
        break;
      case 'promiseFrom':
        if (message.promisedBallot <= message.ballot) this.#isFloor(acceptorId, durable, message.ballot);
        break;
      case 'preempted':
        this.#isPromised(acceptorId, durable, message.instanceId, message.ballot - 1);
        break;
      case 'status':
        if (
          message.highestBallot > durable.highestBallot ||
          message.trimInstanceId > durable.trimInstanceId
        ) {
          throw new Violation(
            'durability',
            `acceptor ${acceptorId} told of a ballot or trim that is not on its disk`,
          );
        }
        break;
      case 'acceptorState':
        if (movesOn) this.#areChosen(acceptorId, message.trimInstanceId);
        else if (message.trimInstanceId > durable.trimInstanceId) {
          throw new Violation('durability', `acceptor ${acceptorId} told of a trim that is not on its disk`);
        }
        break;
      default:
    }
  }

  /** Whoever is told to go on above an instance proposes nothing up to there any more. */
  #areChosen(acceptorId: number, last: number): void {
    for (let i = this.#sequences.highestChosen + 1; i <= last; i++) {
      if (this.#choices.isSettled(i)) continue;
      throw new Violation('trim', `acceptor ${acceptorId} told an original to go on above what is open`, i);
    }
  }

  /** A leader told that a majority accepted every instance of a stretch at its ballot. */
  #isCounted(ballot: number, from: number, to: number): void {
    const known = this.#counted.get(ballot) ?? { from, to: from - 1 };
    for (let i = from >= known.from ? Math.max(from, known.to + 1) : from; i <= to; i++) {
      if (this.#choices.isChosenAt(i, ballot)) continue;
      const what = `was told to be chosen at ballot ${ballot}, which no majority of disks has accepted`;
      throw new Violation('durability', `instance ${i} ${what}`, i);
    }
    this.#counted.set(ballot, { from: Math.min(from, known.from), to: Math.max(to, known.to) });
  }

  /** Somebody tells what was chosen, and at which ballot: a majority of disks has accepted just that. */
  #isLearned(instanceId: number, ballot: number, value: Uint8Array): void {
    if (this.#choices.isChosen(instanceId, value) && this.#choices.isChosenAt(instanceId, ballot)) return;
    const what = `"${text(value)}" was told to be chosen at ballot ${ballot}, which no majority of disks has accepted`;
    throw new Violation('durability', what, instanceId);
  }

  #isPromised(acceptorId: number, durable: MemoryStorage, instanceId: number, ballot: number): void {
    if (instanceId <= durable.trimInstanceId) return;
    const promised = Math.max(durable.promisedBallot(instanceId), durable.promiseFloor);
    if (promised < ballot) {
      const text = `acceptor ${acceptorId} told a promise of ${ballot}; on its disk is ${promised}`;
      throw new Violation('durability', text, instanceId);
    }
    this.#tell(acceptorId, instanceId, ballot);
  }

  #tell(acceptorId: number, instanceId: number, ballot: number): void {
    const told = this.#told[acceptorId];
    if (told !== undefined && (told.get(instanceId) ?? 0) < ballot) told.set(instanceId, ballot);
  }

  #isFloor(acceptorId: number, durable: MemoryStorage, ballot: number): void {
    if (durable.promiseFloor < ballot) {
      const text = `acceptor ${acceptorId} promised ${ballot} for all; on its disk is ${durable.promiseFloor}`;
      throw new Violation('durability', text);
    }
  }

  #isAccepted(
    acceptorId: number,
    durable: MemoryStorage,
    instanceId: number,
    ballot: number,
    value: Uint8Array | undefined,
  ): void {
    if (instanceId <= durable.trimInstanceId) return;
    const record = durable.get(instanceId);
    const acceptedBallot = record?.acceptedBallot ?? 0;
    if (acceptedBallot < ballot) {
      const text = `acceptor ${acceptorId} told that it accepted at ${ballot}; on its disk is ${acceptedBallot}`;
      throw new Violation('durability', text, instanceId);
    }
    if (value === undefined || record === undefined) return;
    if (acceptedBallot === ballot && !sameBytes(record.value, value)) {
      throw new Violation(
        'durability',
        `acceptor ${acceptorId} told another value than is on its disk`,
        instanceId,
      );
    }
  }

  /** An acceptor's disk is about to change. */
  written(acceptorId: number, durable: MemoryStorage, write: Write): void {
    if (this.#options.judged === false) return;
    if (write.type === 'floor') {
      if (write.ballot < durable.promiseFloor)
        throw new Violation('promises', `the floor of acceptor ${acceptorId} sank`);
      return;
    }
    const { instanceId } = write;
    if (write.type === 'trim') {
      if (instanceId > this.#options.safeTrim()) {
        throw new Violation('trim', `acceptor ${acceptorId} trims what a checkpoint lacks`, instanceId);
      }
      if (acceptorId >= (this.#options.originals ?? 0) && instanceId > durable.highestAccepted) {
        throw new Violation('trim', `acceptor ${acceptorId} trims what it never accepted`, instanceId);
      }
      return;
    }
    const promised = durable.promisedBallot(instanceId);
    if (write.promisedBallot < promised) {
      throw new Violation(
        'promises',
        `acceptor ${acceptorId} sank from ${promised} to ${write.promisedBallot}`,
        instanceId,
      );
    }
    const record = durable.get(instanceId);
    const isNew = write.acceptedBallot > (record?.acceptedBallot ?? 0);
    if (!isNew && record !== undefined && !sameBytes(record.value, write.value)) {
      throw new Violation(
        'promises',
        `acceptor ${acceptorId} replaced a value without a higher ballot`,
        instanceId,
      );
    }
    const kept = Math.max(this.#told[acceptorId]?.get(instanceId) ?? 0, durable.promiseFloor);
    if (isNew && write.acceptedBallot < kept) {
      const text = `acceptor ${acceptorId} accepted at ${write.acceptedBallot} after it promised ${kept}`;
      throw new Violation('promises', text, instanceId);
    }
    if (!isNew) return;
    const other = this.#choices.accepted(acceptorId, instanceId, write.acceptedBallot, write.value);
    if (other !== undefined) {
      const values = `"${text(write.value)}" and "${text(other)}"`;
      throw new Violation('agreement', `majorities of disks accepted ${values}`, instanceId);
    }
  }
}
