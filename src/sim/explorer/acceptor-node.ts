/**
 * AcceptorNode: an acceptor's process, its storage, and the answers that wait for the disk. Where acceptors never end,
 * everything is on disk at once.
 *
 * Beside its state it keeps what it ever told: the promises and acceptances that others may rely on.
 */
import { Acceptor } from '../../paxos/acceptor.ts';
import type { StateWriter } from '../../paxos/state.ts';
import { MemoryStorage } from '../../storage/memory.ts';
import type { Message } from '../../transport/message-log.ts';
import type { Configuration, Parts } from './configuration.ts';
import { type Letter, letterKey } from './letter.ts';
import { type Event, type ExploredNode, type Outcome, textOf } from './node.ts';

interface Vote {
  readonly ballot: number;
  readonly value: string;
}

/** Renames whatever acceptor a letter names to 0, so that what waits is written down without naming this node. */
const NAMELESS = new Array<number>(10).fill(0);

export class AcceptorNode implements ExploredNode {
  readonly #id: number;
  readonly #configuration: Configuration;
  readonly #parts: Parts;
  #storage: MemoryStorage;
  #core: Acceptor;
  /** what is on disk; undefined: all of it, always */
  #disk: MemoryStorage | undefined;
  #waiting: Letter[] = [];
  /** by instance */
  #toldPromises: number[];
  #toldVotes: (Vote | undefined)[];

  constructor(id: number, configuration: Configuration, parts: Parts) {
    this.#id = id;
    this.#configuration = configuration;
    this.#parts = parts;
    this.#storage = new MemoryStorage();
    this.#core = parts.acceptor(id, this.#storage);
    this.#disk = configuration.acceptorRestarts > 0 ? new MemoryStorage() : undefined;
    this.#toldPromises = new Array<number>(configuration.instances + 1).fill(0);
    this.#toldVotes = new Array<Vote | undefined>(configuration.instances + 1).fill(undefined);
  }

  copy(): AcceptorNode {
    const copy = new AcceptorNode(this.#id, this.#configuration, this.#parts);
    copy.#storage = this.#storage.copy();
    copy.#core = this.#core.copy(copy.#storage);
    copy.#disk = this.#disk?.copy();
    copy.#waiting = [...this.#waiting];
    copy.#toldPromises = [...this.#toldPromises];
    copy.#toldVotes = [...this.#toldVotes];
    return copy;
  }

  /** A PREPARE at or below what was promised changes nothing here any more; but it is answered. */
  isDead({ body }: Letter): boolean {
    return body.type === 'prepare' && body.ballot <= this.#core.promisedBallot(body.instanceId);
  }

  writeState(to: StateWriter): void {
    const { instances } = this.#configuration;
    this.#core.writeState(to, instances);
    for (const promise of this.#toldPromises) to.number(promise);
    for (const vote of this.#toldVotes) {
      to.number(vote?.ballot ?? 0);
      to.bytes(vote === undefined ? undefined : new TextEncoder().encode(vote.value));
    }
    if (this.#disk === undefined) return;
    new Acceptor(this.#id, this.#disk).writeState(to, instances);
    const letters = this.#waiting.map((letter) => letterKey(letter, NAMELESS)).sort();
    for (const letter of letters) to.bytes(new TextEncoder().encode(letter));
  }

  apply(event: Event, outcome: Outcome): void {
    if (event.type === 'deliver') this.#receive(event.letter);
    else if (event.type === 'repeat') this.#repeat();
    else if (event.type === 'restart') this.#restart();
    const isSynced = this.#disk === undefined || this.#parts.answersBeforeSync === true;
    if (event.type === 'sync' || isSynced) this.#release(outcome);
    this.#check(outcome);
  }

  #receive({ from, process, body }: Letter): void {
    const answer = (message: Message) => {
      if (typeof from === 'object')
        this.#post({ from: { acceptor: this.#id }, to: from, process, body: message });
    };
    if (body.type === 'prepare') this.#receivePrepare(body.instanceId, body.ballot, answer);
    else if (body.type === 'accept') this.#receiveAccept(body.instanceId, body.ballot, body.value, answer);
    else if (body.type === 'query') answer(this.#status());
    else if (body.type === 'prepareFrom') this.#receivePrepareFrom(body.from, body.to, body.ballot, answer);
  }

  #receivePrepare(instanceId: number, ballot: number, answer: (message: Message) => void): void {
    const promise = this.#core.receivePrepare(instanceId, ballot);
    if (typeof promise === 'string') return;
    const { promisedBallot, acceptedBallot: valueBallot, value } = promise;
    answer({ type: 'promise', acceptorId: this.#id, instanceId, ballot: promisedBallot, valueBallot, value });
  }

  #receiveAccept(
    instanceId: number,
    ballot: number,
    value: Uint8Array,
    answer: (message: Message) => void,
  ): void {
    const acceptorId = this.#id;
    const result = this.#core.receiveAccept(instanceId, ballot, value);
    if (result === 'preempted')
      answer({ type: 'preempted', acceptorId, instanceId, ballot: this.#core.preemptedBy });
    if (result === 'accepted') this.#post(this.#accepted(instanceId, ballot, value));
  }

  #accepted(instanceId: number, ballot: number, value: Uint8Array): Letter {
    const body: Message = {
      type: 'accepted',
      acceptorId: this.#id,
      instanceId,
      ballot,
      valueBallot: ballot,
      value,
    };
    return { from: { acceptor: this.#id }, to: 'all', process: 0, body };
  }

  #status(): Message {
    const { highestBallot, highestAccepted, trimInstanceId } = this.#core;
    const unknown = { token: 0, chosen: 0, leaderBallot: 0 };
    return {
      type: 'status',
      acceptorId: this.#id,
      highestBallot,
      highestAccepted,
      trimInstanceId,
      ...unknown,
    };
  }

  #receivePrepareFrom(from: number, to: number, ballot: number, answer: (message: Message) => void): void {
    const acceptorId = this.#id;
    const result = this.#core.receivePrepareFrom(from, ballot);
    if (result === 'refused') return;
    const last = { type: 'promiseFrom', acceptorId, ballot, from, trimInstanceId: 0 } as const;
    if (result === 'preempted') {
      answer({ ...last, to: from, promisedBallot: this.#core.preemptedBy, count: 0 });
      return;
    }
    let count = 0;
    for (const { instanceId, acceptedBallot: valueBallot, value } of this.#core.accepted(from, to)) {
      answer({ type: 'promisedValue', acceptorId, ballot, instanceId, valueBallot, value: value.slice() });
      count++;
    }
    answer({ ...last, to: Number.MAX_SAFE_INTEGER, promisedBallot: ballot, count });
  }

  /** A learner asks. What was told when it was accepted is nothing new. */
  #repeat(): void {
    for (const { instanceId, acceptedBallot, value } of this.#core.accepted(
      1,
      this.#configuration.instances,
    )) {
      const vote = this.#toldVotes[instanceId];
      if (vote?.ballot === acceptedBallot && vote.value === textOf(value)) continue;
      const letter = this.#accepted(instanceId, acceptedBallot, value.slice());
      if (this.#waiting.some((waiting) => letterKey(waiting) === letterKey(letter))) continue;
      this.#post({ ...letter, isRetold: true });
    }
  }

  #restart(): void {
    if (this.#disk === undefined) return;
    this.#storage = this.#disk.copy();
    this.#core = this.#parts.acceptor(this.#id, this.#storage);
    this.#waiting = [];
  }

  #post(letter: Letter): void {
    const key = letterKey(letter);
    if (!this.#waiting.some((waiting) => letterKey(waiting) === key)) this.#waiting.push(letter);
  }

  /** What was written is on disk, and what waited for that leaves. */
  #release(outcome: Outcome): void {
    if (this.#disk !== undefined && this.#parts.answersBeforeSync !== true) this.#disk = this.#storage.copy();
    for (const letter of this.#waiting) {
      this.#note(letter.body, letter.isRetold === true, outcome);
      outcome.letters.push(letter);
    }
    this.#waiting = [];
  }

  #note(body: Letter['body'], isRetold: boolean, outcome: Outcome): void {
    if (body.type === 'promise' || body.type === 'promiseFrom') {
      const ballot = body.type === 'promise' ? body.ballot : body.promisedBallot;
      const from = body.type === 'promise' ? body.instanceId : body.from;
      const to = body.type === 'promise' ? body.instanceId : this.#configuration.instances;
      for (let i = from; i <= to; i++) this.#toldPromises[i] = Math.max(ballot, this.#toldPromises[i] ?? 0);
    } else if (body.type === 'accepted' && !isRetold) {
      const { instanceId, ballot } = body;
      const told = this.#toldPromises[instanceId] ?? 0;
      if (ballot < told)
        outcome.faults.push({
          check: 'promises',
          what: `a${this.#id} accepts at ballot ${ballot} in instance ${instanceId}, and had promised ${told}`,
        });
      this.#toldPromises[instanceId] = Math.max(ballot, told);
      this.#toldVotes[instanceId] = { ballot, value: textOf(body.value) };
    }
  }

  /** What was told is on disk, now and after any crash. */
  #check(outcome: Outcome): void {
    const disk = this.#disk === undefined ? this.#core : new Acceptor(this.#id, this.#disk);
    for (let i = 1; i <= this.#configuration.instances; i++) {
      const told = this.#toldPromises[i] ?? 0;
      const kept = disk.promisedBallot(i);
      if (kept < told)
        outcome.faults.push({
          check: 'promises',
          what: `a${this.#id} told that it promised ballot ${told} in instance ${i}, and keeps ${kept}`,
        });
    }
  }
}
