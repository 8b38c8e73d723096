/**
 * ProposerNode: a proposer's process: the core, and whom it asks what. As the networked proposer does it, but that it
 * takes a higher ballot whenever it likes, as if its time had run out.
 *
 *   start: probes, or asks for the status → a quorum told → first ballot → prepare → promises → accept
 *
 * Nothing is said again: what was sent stays in the network.
 */
import { ballotAbove, probeBallot } from '../../paxos/ballot.ts';
import type { Proposer } from '../../paxos/proposer.ts';
import type { StateWriter } from '../../paxos/state.ts';
import type { Message } from '../../transport/message-log.ts';
import type { Configuration, Parts } from './configuration.ts';
import type { Letter } from './letter.ts';
import { highestBallot, inFlight, isRanged, valueFrom } from './limits.ts';
import { type Event, type ExploredNode, type Outcome, textOf } from './node.ts';

export class ProposerNode implements ExploredNode {
  readonly #id: number;
  readonly #configuration: Configuration;
  readonly #parts: Parts;
  #core: Proposer;
  #process = 1;
  #hasStarted = false;
  /** false: it gave its ballot up, and takes none by itself */
  #stands = true;
  /** the acceptors of ours that told what they promised, a bit mask */
  #told = 0;
  #delivered = 0;
  /** the instances that it knows to be chosen, a bit mask */
  #finished = 0;

  constructor(id: number, configuration: Configuration, parts: Parts) {
    this.#id = id;
    this.#configuration = configuration;
    this.#parts = parts;
    this.#core = this.#newCore();
  }

  get process(): number {
    return this.#process;
  }

  copy(): ProposerNode {
    const copy = new ProposerNode(this.#id, this.#configuration, this.#parts);
    copy.#core = this.#core.copy();
    copy.#process = this.#process;
    copy.#hasStarted = this.#hasStarted;
    copy.#stands = this.#stands;
    copy.#told = this.#told;
    copy.#delivered = this.#delivered;
    copy.#finished = this.#finished;
    return copy;
  }

  /**
   * A promise below all that was heard of says nothing new: but for its acceptor's first answer, which makes it probed,
   * and for a promise of the present ballot. The next ballot is above it, and the acceptor is asked for that anyway.
   */
  isDead({ from, body }: Letter): boolean {
    const core = this.#core;
    if (body.type === 'preempted') return body.ballot <= core.highestSeen;
    if (body.type !== 'promise' || typeof from === 'string' || !('acceptor' in from)) return false;
    const { instanceId, ballot } = body;
    if (((this.#finished >> instanceId) & 1) !== 0) return ballot <= core.highestSeen;
    if (ballot > core.highestSeen || !core.isProbed(from.acceptor, instanceId)) return false;
    return core.ballot === 0 || ballot !== core.ballot || !core.wantsPromise(from.acceptor, instanceId);
  }

  writeState(to: StateWriter): void {
    to.number(this.#process);
    to.number(this.#stands ? 1 : 0);
    to.number(this.#delivered);
    to.number(this.#finished);
    to.mask(this.#told);
    this.#core.writeState(to);
  }

  apply(event: Event, outcome: Outcome): void {
    switch (event.type) {
      case 'deliver':
        this.#receive(event.letter, outcome);
        break;
      case 'raise':
        this.#raise(outcome);
        break;
      case 'step-down':
        this.#stepDown();
        break;
      case 'restart':
        this.#restart(outcome);
        break;
      case 'lost':
        this.#core.forget(event.acceptorId, 'session');
        this.#told &= ~(1 << event.acceptorId);
        break;
      default:
        return;
    }
    this.#advance(outcome);
  }

  /** Hands values in, opens the instances, and asks what was promised. */
  start(outcome: Outcome): void {
    for (let i = 1; i <= this.#configuration.instances; i++)
      this.#core.propose({ value: valueFrom(this.#id, this.#process, i) });
    const { from, to } = this.#core.openInstances(0);
    for (let i = from; i < to; i++) {
      for (const acceptor of this.#acceptors()) {
        if (isRanged(this.#configuration, acceptor)) continue;
        this.#send({ acceptor }, { type: 'prepare', instanceId: i, ballot: probeBallot(this.#id) }, outcome);
      }
    }
    for (const acceptor of this.#acceptors())
      if (isRanged(this.#configuration, acceptor))
        this.#send({ acceptor }, { type: 'query', token: 0 }, outcome);
  }

  #restart(outcome: Outcome): void {
    this.#process++;
    this.#core = this.#newCore();
    this.#stands = true;
    this.#told = 0;
    this.#delivered = 0;
    this.#finished = 0;
    this.start(outcome);
  }

  #receive({ body, from }: Letter, outcome: Outcome): void {
    if (body.type === 'delivered') {
      this.#receiveChosen(body.instanceId, body.ballot, body.value, outcome);
      return;
    }
    if (typeof from === 'string' || !('acceptor' in from)) return;
    const acceptorId = from.acceptor;
    const result = this.#handle(acceptorId, body, outcome);
    if (result === 'prepare' && body.type === 'promise') this.#prepare(acceptorId, body.instanceId, outcome);
    if (body.type === 'status') this.#told |= 1 << acceptorId;
    const isAskedNext = body.type === 'status' ? result !== 'preempted' : result === 'counted';
    if (isAskedNext) this.#prepareRange(acceptorId, outcome);
  }

  #handle(acceptorId: number, body: Message, outcome: Outcome): string {
    const core = this.#core;
    switch (body.type) {
      case 'promise':
        return core.receivePromise(acceptorId, body.instanceId, body.ballot, body.valueBallot, body.value);
      case 'preempted':
        return core.receivePreempted(acceptorId, body.instanceId, body.ballot);
      case 'status':
        return core.receiveHighestBallot(acceptorId, body.highestBallot);
      case 'promisedValue': {
        const { ballot, instanceId, valueBallot, value } = body;
        core.receivePromisedValue(acceptorId, ballot, instanceId, valueBallot, value, 0);
        return 'told';
      }
      case 'promiseFrom': {
        const { ballot, from, to, promisedBallot, count } = body;
        return core.receivePromiseFrom(acceptorId, ballot, from, to, promisedBallot, count);
      }
      case 'accepted': {
        const finished = core.receiveAccepted(acceptorId, body.instanceId, body.valueBallot, body.value);
        if (finished === undefined) return 'told';
        this.#finished |= 1 << body.instanceId;
        outcome.claims.push({ instanceId: body.instanceId, value: textOf(body.value) });
        return 'told';
      }
      default:
        return 'unknown';
    }
  }

  /** Its learner delivers, in instance order. */
  #receiveChosen(instanceId: number, ballot: number, value: Uint8Array, outcome: Outcome): void {
    if (instanceId !== this.#delivered + 1) return;
    this.#delivered = instanceId;
    this.#finished |= 1 << instanceId;
    const finished = this.#core.receiveDelivered(instanceId, ballot, value);
    if (finished?.chosen !== undefined)
      outcome.claims.push({ instanceId, value: textOf(finished.chosen.value) });
  }

  #raise(outcome: Outcome): void {
    const core = this.#core;
    const ballot = ballotAbove(core.highestSeen, core.id);
    if (core.low > this.#configuration.instances || ballot > highestBallot(this.#configuration)) return;
    if (core.ballot === 0 && !core.hasProbedQuorum()) return;
    core.raise(ballot, 0);
    this.#stands = true;
    for (let i = core.low; i < core.next; i++) {
      for (const acceptor of this.#acceptors()) {
        if (isRanged(this.#configuration, acceptor) || !core.wantsPromise(acceptor, i)) continue;
        if (core.isProbed(acceptor, i)) this.#prepare(acceptor, i, outcome);
      }
    }
    for (const acceptor of this.#acceptors()) this.#prepareRange(acceptor, outcome);
  }

  #stepDown(): void {
    if (this.#core.ballot === 0) return;
    this.#core.stepDown(0);
    this.#stands = false;
  }

  /** Takes its first ballot as soon as it may, and proposes all it can. */
  #advance(outcome: Outcome): void {
    const core = this.#core;
    if (this.#stands && core.ballot === 0 && core.hasProbedQuorum()) this.#raise(outcome);
    for (let accept = core.accept(0); accept !== undefined; accept = core.accept(0))
      this.#send('acceptors', { type: 'accept', ...accept }, outcome);
    const { ballot, countedFrom: from, low } = core;
    if (this.#configuration.brief && ballot > 0 && from < low)
      this.#send('learner', { type: 'chosen', ballot, from, to: low - 1 }, outcome);
  }

  #prepare(acceptor: number, instanceId: number, outcome: Outcome): void {
    this.#send({ acceptor }, { type: 'prepare', instanceId, ballot: this.#core.ballot }, outcome);
  }

  #prepareRange(acceptor: number, outcome: Outcome): void {
    const { ballot } = this.#core;
    if (ballot === 0 || (this.#told & (1 << acceptor)) === 0) return;
    const range = this.#core.rangeToPrepare(acceptor);
    if (range !== undefined) this.#send({ acceptor }, { type: 'prepareFrom', ...range, ballot }, outcome);
  }

  #send(to: Letter['to'], body: Message, outcome: Outcome): void {
    outcome.letters.push({ from: { proposer: this.#id }, to, process: this.#process, body });
  }

  #acceptors(): number[] {
    return Array.from({ length: this.#configuration.acceptors }, (_, acceptor) => acceptor);
  }

  #newCore(): Proposer {
    const { acceptors, instances } = this.#configuration;
    return this.#parts.proposer({
      id: this.#id,
      acceptors,
      window: instances,
      inFlight: inFlight(this.#configuration),
    });
  }
}
