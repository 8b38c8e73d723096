/**
 * OriginalProposer: a proposer as the original's is, step for step. It leads no one and follows no one: it prepares a
 * window of instances, one by one, and proposes whatever it was given.
 *
 *   CLIENT_VALUE → queue → lowest instance that a quorum promised → ACCEPT → a quorum accepted: forgotten
 *   a higher ballot in its way → its own next ballot, one step up, for that instance alone
 *
 * Started a second time it would begin at its first ballot again, and break agreement: so a run never starts it again.
 */
import type { Config } from '../../config/config.ts';
import { sameBytes } from '../../paxos/acceptor.ts';
import { Quorum } from '../../paxos/quorum.ts';
import type { Message } from '../../transport/message-log.ts';

/** Ballots of one proposer are so far apart. */
const MAX_PROPOSERS = 10;

interface Instance {
  readonly instanceId: number;
  ballot: number;
  value: Uint8Array | undefined;
  promised: Uint8Array | undefined;
  promisedBallot: number;
  readonly quorum: Quorum;
  since: number;
}

type Said<Type extends Message['type']> = Extract<Message, { readonly type: Type }>;

export interface OriginalProposerOptions {
  readonly id: number;
  readonly config: Config;
  /** ms */
  readonly now: () => number;
  readonly after: (delayMs: number, call: () => void) => void;
  readonly tellAcceptors: (message: Message) => void;
}

export class OriginalProposer {
  readonly #options: OriginalProposerOptions;
  readonly #preparing = new Map<number, Instance>();
  readonly #accepting = new Map<number, Instance>();
  readonly #values: Uint8Array[] = [];
  #lastPrepared = 0;
  #trimmed = 0;

  constructor(options: OriginalProposerOptions) {
    this.#options = options;
  }

  /** Prepares the first instances, and looks for what has waited too long from now on. */
  start(): void {
    this.#prepareAhead();
    this.#checkTimeouts();
  }

  /** The lowest instance that it has not finished. */
  get lowest(): number {
    return Math.min(...this.#preparing.keys(), ...this.#accepting.keys());
  }

  /** The highest ballot that it has used. */
  get highestBallot(): number {
    return Math.max(
      ...[...this.#preparing.values(), ...this.#accepting.values()].map(({ ballot }) => ballot),
    );
  }

  receive(message: Message): void {
    switch (message.type) {
      case 'promise':
        this.#receivePromise(message);
        this.#tryAccept();
        break;
      case 'accepted':
        if (this.#receiveAccepted(message)) this.#tryAccept();
        break;
      case 'preempted':
        if (this.#receivePreempted(message)) this.#tryAccept();
        break;
      case 'acceptorState':
        if (message.trimInstanceId <= this.#trimmed) break;
        this.#trimmed = message.trimInstanceId;
        this.setInstanceId(message.trimInstanceId);
        break;
      case 'clientValue':
        this.#values.push(message.value.slice());
        this.#tryAccept();
        break;
      default:
    }
  }

  /** Everything up to here is settled. In a replica each delivery says so. */
  setInstanceId(instanceId: number): void {
    if (instanceId <= this.#lastPrepared) return;
    this.#lastPrepared = instanceId;
    for (const instances of [this.#preparing, this.#accepting]) {
      for (const [i, { value }] of instances) {
        if (i > instanceId) continue;
        if (value !== undefined) this.#values.push(value);
        instances.delete(i);
      }
    }
  }

  #receivePromise({ acceptorId, instanceId, ballot, valueBallot, value }: Said<'promise'>): void {
    const instance = this.#preparing.get(instanceId);
    if (instance === undefined || ballot < instance.ballot) return;
    if (ballot > instance.ballot) {
      this.#preempt(instance);
      return;
    }
    if (!instance.quorum.add(acceptorId)) return;
    if (value.length === 0 || valueBallot <= instance.promisedBallot) return;
    instance.promisedBallot = valueBallot;
    instance.promised = value.slice();
  }

  #receiveAccepted({ acceptorId, instanceId, ballot }: Said<'accepted'>): boolean {
    const instance = this.#accepting.get(instanceId);
    if (instance === undefined || instance.ballot !== ballot || !instance.quorum.add(acceptorId))
      return false;
    if (instance.quorum.reached()) {
      const { promised, value } = instance;
      if (promised !== undefined && value !== undefined && !sameBytes(promised, value))
        this.#values.push(value);
      this.#accepting.delete(instanceId);
    }
    return true;
  }

  #receivePreempted({ instanceId, ballot }: Said<'preempted'>): boolean {
    const instance = this.#accepting.get(instanceId);
    if (instance === undefined || ballot <= instance.ballot) return false;
    this.#accepting.delete(instanceId);
    this.#preparing.set(instanceId, instance);
    this.#preempt(instance);
    return true;
  }

  /** One step up, whatever ballot won. */
  #preempt(instance: Instance): void {
    instance.ballot += MAX_PROPOSERS;
    instance.promised = undefined;
    instance.promisedBallot = 0;
    instance.quorum.clear();
    instance.since = this.#now;
    this.#prepare(instance);
  }

  /** Looks at the lowest instance alone. */
  #tryAccept(): void {
    for (;;) {
      const instance = this.#preparing.get(Math.min(...this.#preparing.keys()));
      if (instance === undefined || !instance.quorum.reached()) break;
      instance.value ??= this.#values.shift();
      if (instance.promised === undefined && instance.value === undefined) break;
      this.#preparing.delete(instance.instanceId);
      this.#accepting.set(instance.instanceId, instance);
      instance.quorum.clear();
      instance.since = this.#now;
      this.#accept(instance);
    }
    this.#prepareAhead();
  }

  #prepareAhead(): void {
    const { id, config } = this.#options;
    while (this.#preparing.size < config.proposerPreexecWindow) {
      const instanceId = ++this.#lastPrepared;
      const instance: Instance = {
        instanceId,
        ballot: MAX_PROPOSERS + id,
        quorum: new Quorum(config.acceptors.length),
        value: undefined,
        promised: undefined,
        promisedBallot: 0,
        since: this.#now,
      };
      this.#preparing.set(instanceId, instance);
      this.#prepare(instance);
    }
  }

  #checkTimeouts(): void {
    const { after, config } = this.#options;
    const timeoutMs = config.proposerTimeoutS * 1000;
    after(timeoutMs, () => {
      for (const instance of this.#timedOut(this.#preparing, timeoutMs)) this.#prepare(instance);
      for (const instance of this.#timedOut(this.#accepting, timeoutMs)) this.#accept(instance);
      this.#checkTimeouts();
    });
  }

  *#timedOut(instances: ReadonlyMap<number, Instance>, timeoutMs: number): Generator<Instance> {
    for (const instance of instances.values()) {
      if (instance.quorum.reached() || this.#now - instance.since < timeoutMs) continue;
      instance.since = this.#now;
      yield instance;
    }
  }

  get #now(): number {
    return this.#options.now();
  }

  #prepare({ instanceId, ballot }: Instance): void {
    this.#options.tellAcceptors({ type: 'prepare', instanceId, ballot });
  }

  #accept({ instanceId, ballot, promised, value }: Instance): void {
    const proposed = promised ?? value;
    if (proposed === undefined) return;
    this.#options.tellAcceptors({ type: 'accept', instanceId, ballot, value: proposed });
  }
}
