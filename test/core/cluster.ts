/**
 * A cluster of core objects and the messages between them, for tests: acceptors a0, a1, …, proposers p0, …, learners
 * l0, …. Nothing moves by itself. A test delivers, loses, repeats and reorders what is in flight, restarts nodes and
 * lets time run out; the objects are the production ones, and what stands here is only who is asked what.
 *
 * Acceptors are originals, asked instance by instance, unless they are named as taking ranges.
 */
import { Acceptor } from '../../src/paxos/acceptor.ts';
import { ballotAbove, probeBallot } from '../../src/paxos/ballot.ts';
import { invariant } from '../../src/paxos/invariant.ts';
import { Learner } from '../../src/paxos/learner.ts';
import type { Accept } from '../../src/paxos/proposal.ts';
import { Proposer } from '../../src/paxos/proposer.ts';
import type { Submission } from '../../src/paxos/waiting.ts';
import { MemoryStorage } from '../../src/storage/memory.ts';
import type { ClusterEvent } from './event.ts';
import { type Body, isPiece, type Message } from './message.ts';

export interface ClusterOptions {
  readonly acceptors: number;
  readonly proposers: number;
  readonly learners: number;
  /** acceptors of ours, by number: asked for ranges */
  readonly ranged?: readonly number[];
  /** how many instances a proposer opens ahead; 1 unless told */
  readonly window?: number;
  /** how many it may hold open; 8 unless told */
  readonly inFlight?: number;
  /** the most records in one answer to a ranged prepare; 2 unless told */
  readonly pieces?: number;
  /** true: a proposer fills what nobody has a value for, below what it knows of */
  readonly fills?: boolean;
  readonly observe?: (event: ClusterEvent) => void;
}

interface AcceptorNode {
  readonly storage: MemoryStorage;
  core: Acceptor;
}

interface ProposerNode {
  core: Proposer;
  process: number;
  /** false: it was not started, or gave up; it takes no ballot by itself */
  stands: boolean;
  /** the acceptors that told it their highest ballot: those it may ask for ranges */
  readonly told: Set<string>;
}

interface LearnerNode {
  core: Learner;
  process: number;
}

export class Cluster {
  readonly inFlight: Message[] = [];
  readonly #options: ClusterOptions;
  readonly #acceptors: AcceptorNode[] = [];
  readonly #proposers: ProposerNode[] = [];
  readonly #learners: LearnerNode[] = [];
  readonly #preemptedBy = new Map<string, number>();

  constructor(options: ClusterOptions) {
    this.#options = options;
    for (let i = 0; i < options.acceptors; i++) {
      const storage = new MemoryStorage();
      this.#acceptors.push({ storage, core: new Acceptor(i, storage) });
    }
    for (let i = 0; i < options.proposers; i++) {
      this.#proposers.push({ core: this.#newProposer(i), process: 1, stands: false, told: new Set() });
    }
    for (let i = 0; i < options.learners; i++) this.#learners.push({ core: this.#newLearner(), process: 1 });
  }

  acceptor(name: string): Acceptor {
    return found(this.#acceptors, 'a', name).core;
  }

  proposer(name: string): Proposer {
    return found(this.#proposers, 'p', name).core;
  }

  learner(name: string): Learner {
    return found(this.#learners, 'l', name).core;
  }

  /** The names of all nodes of a kind. */
  names(kind: 'a' | 'p' | 'l'): string[] {
    const nodes = { a: this.#acceptors, p: this.#proposers, l: this.#learners }[kind];
    return nodes.map((_, i) => `${kind}${i}`);
  }

  /** A proposer opens its first instances and asks what was promised; with a quorum's word it takes a ballot. */
  start(name: string): void {
    found(this.#proposers, 'p', name).stands = true;
    for (const to of this.names('a')) if (this.#isRanged(to)) this.#send(name, to, { type: 'query' });
    this.open(name);
    this.#advance(name);
  }

  /** Opens as many instances as the window lets it, and asks the originals about them. */
  open(name: string): void {
    const core = this.proposer(name);
    const { from, to } = core.openInstances(0);
    for (let i = from; i < to; i++) this.#prepareSingles(name, i);
  }

  propose(name: string, value: Uint8Array): Submission {
    const submission = { value };
    this.proposer(name).propose(submission);
    this.#advance(name);
    return submission;
  }

  /** Takes the lowest ballot above everything heard of, and asks everybody again. */
  raise(name: string): void {
    const core = this.proposer(name);
    core.raise(ballotAbove(core.highestSeen, core.id), 0);
    this.#observe({ type: 'ballot', node: name, ballot: core.ballot });
    for (let i = core.low; i < core.next; i++) this.#prepareSingles(name, i, false);
    for (const to of this.names('a')) this.#prepareRange(name, to);
    this.#advance(name);
  }

  stepDown(name: string): void {
    found(this.#proposers, 'p', name).stands = false;
    this.proposer(name).stepDown(0);
  }

  /** Time runs out: what waits for a quorum is said again. */
  timeout(name: string): void {
    const { core, told } = found(this.#proposers, 'p', name);
    for (const instanceId of core.timedOutPrepares(0, 0)) this.#prepareSingles(name, instanceId);
    for (const accept of core.timedOutAccepts(0, 0)) this.#sendAccept(name, accept);
    for (const to of this.names('a')) {
      if (!this.#isRanged(to)) continue;
      if (told.has(to)) this.#prepareRange(name, to);
      else this.#send(name, to, { type: 'query' });
    }
  }

  /** A proposer asks an acceptor of ours what it ever promised, as it does first on every connection. */
  ask(name: string, acceptorName: string): void {
    this.#send(name, acceptorName, { type: 'query' });
  }

  /** A new process: an acceptor keeps its storage, a proposer and a learner have forgotten everything. */
  restart(name: string): void {
    const id = Number(name.slice(1));
    if (name.startsWith('a')) {
      const node = found(this.#acceptors, 'a', name);
      node.core = new Acceptor(id, node.storage);
      this.inFlight.splice(0, this.inFlight.length, ...this.inFlight.filter(({ to }) => to !== name));
      for (const p of this.names('p')) this.proposer(p).forget(id, 'session');
    } else if (name.startsWith('p')) {
      const node = found(this.#proposers, 'p', name);
      node.core = this.#newProposer(id);
      node.process++;
      node.stands = false;
      node.told.clear();
    } else {
      const node = found(this.#learners, 'l', name);
      node.core = this.#newLearner();
      node.process++;
    }
  }

  /** The connection of two nodes is cut: what is on it is lost. */
  cut(name: string, acceptorName: string): void {
    const isOnIt = ({ from, to }: Message) =>
      (from === name && to === acceptorName) || (from === acceptorName && to === name);
    this.inFlight.splice(0, this.inFlight.length, ...this.inFlight.filter((message) => !isOnIt(message)));
    if (name.startsWith('p')) this.proposer(name).forget(Number(acceptorName.slice(1)), 'session');
  }

  /** A learner asks an acceptor for what it accepted. */
  repeat(name: string, acceptorName: string, first: number, last: number): void {
    this.#send(name, acceptorName, { type: 'repeat', first, last });
  }

  /** Puts a message in flight that none of the nodes here would send: an original's, say. */
  inject(from: string, to: string, body: Body): void {
    this.#send(from, to, body);
  }

  /** Delivers a message; the pieces of a ranged promise on one connection in their order, whichever is asked for. */
  deliver(message: Message): void {
    const isEarlier = (other: Message) =>
      isPiece(other.body) && other.from === message.from && other.to === message.to;
    const index = isPiece(message.body) ? this.inFlight.findIndex(isEarlier) : this.inFlight.indexOf(message);
    const [next] = this.inFlight.splice(index, 1);
    if (next !== undefined) this.#handle(next);
  }

  /** Loses a message; with a piece, which is on a connection that keeps its order, the connection goes too. */
  drop(message: Message): void {
    if (isPiece(message.body)) this.cut(message.to, message.from);
    else this.inFlight.splice(this.inFlight.indexOf(message), 1);
  }

  /** Delivers what is in flight, and what that brings about, until nothing is, in the order in which it was sent. */
  settle(): void {
    for (let next = this.inFlight[0]; next !== undefined; next = this.inFlight[0]) this.deliver(next);
  }

  #handle(message: Message): void {
    const { from, to, process, body } = message;
    if (to.startsWith('a')) this.#toAcceptor(message);
    else if (to.startsWith('p')) {
      if (found(this.#proposers, 'p', to).process !== process) return;
      this.#toProposer(to, Number(from.slice(1)), body);
      this.#advance(to);
    } else if (body.type === 'accepted' && found(this.#learners, 'l', to).process === process) {
      this.#toLearner(to, Number(from.slice(1)), body.instanceId, body.valueBallot, body.value);
    }
  }

  #toAcceptor(message: Message): void {
    const { from, to: node, process, body } = message;
    const core = this.acceptor(node);
    const reply = (answer: Body) => this.#put({ from: node, to: from, process, body: answer });
    if (body.type === 'prepare') {
      const promise = core.receivePrepare(body.instanceId, body.ballot);
      if (typeof promise === 'string') this.#observe({ type: 'silent', node, body, why: promise });
      else {
        const { promisedBallot: ballot, acceptedBallot: valueBallot, value } = promise;
        reply({ type: 'promise', instanceId: body.instanceId, ballot, valueBallot, value });
      }
    } else if (body.type === 'accept') {
      this.#answerAccept(node, body, reply);
    } else if (body.type === 'repeat') {
      for (const { instanceId, acceptedBallot, value } of core.accepted(body.first, body.last)) {
        reply({ type: 'accepted', instanceId, ballot: acceptedBallot, valueBallot: acceptedBallot, value });
      }
    } else if (body.type === 'query') {
      reply({ type: 'status', highestBallot: core.highestBallot });
    } else if (body.type === 'prepare-from') {
      this.#answerRange(node, body, reply);
    }
  }

  #answerAccept(node: string, body: Body & { type: 'accept' }, reply: (body: Body) => void): void {
    const core = this.acceptor(node);
    const { instanceId, ballot, value } = body;
    const outcome = core.receiveAccept(instanceId, ballot, value);
    if (outcome === 'preempted') reply({ type: 'preempted', instanceId, ballot: core.preemptedBy });
    else if (outcome !== 'accepted') this.#observe({ type: 'silent', node, body, why: outcome });
    else {
      this.#observe({ type: 'accepted', node, body, why: outcome });
      const accepted: Body = { type: 'accepted', instanceId, ballot, valueBallot: ballot, value };
      for (const to of [...this.names('p'), ...this.names('l')]) this.#send(node, to, accepted);
    }
  }

  #answerRange(node: string, body: Body & { type: 'prepare-from' }, reply: (body: Body) => void): void {
    const core = this.acceptor(node);
    const { first: from, last: to, ballot } = body;
    const outcome = core.receivePrepareFrom(from, ballot);
    const first = Math.max(from, core.trimInstanceId + 1);
    if (outcome !== 'promised') {
      const promisedBallot = core.preemptedBy;
      if (outcome === 'refused') this.#observe({ type: 'silent', node, body, why: outcome });
      else reply({ type: 'promise-from', ballot, first, last: first, promisedBallot, count: 0 });
      return;
    }
    const records = [...core.accepted(first, to)];
    const told = records.slice(0, this.#options.pieces ?? 2);
    for (const { instanceId, acceptedBallot, value } of told) {
      reply({
        type: 'promised-value',
        ballot,
        instanceId,
        valueBallot: acceptedBallot,
        value: value.slice(),
      });
    }
    const next = records[told.length];
    const end = to < core.highestAccepted ? to : Number.MAX_SAFE_INTEGER;
    const last = next === undefined ? end : next.instanceId - 1;
    reply({ type: 'promise-from', ballot, first, last, promisedBallot: ballot, count: told.length });
  }

  #toProposer(node: string, acceptorId: number, body: Body): void {
    const { core, told } = found(this.#proposers, 'p', node);
    const acceptor = `a${acceptorId}`;
    const outcome = this.#received(core, acceptorId, body);
    if (outcome === 'preempted') this.#preempted(node, core);
    if (outcome === 'prepare' && body.type === 'promise') {
      this.#send(node, acceptor, { type: 'prepare', instanceId: body.instanceId, ballot: core.ballot });
    }
    if (body.type === 'accepted') {
      const finished = core.receiveAccepted(acceptorId, body.instanceId, body.valueBallot);
      if (finished?.chosen !== undefined) this.#chosen(node, body.instanceId, finished.chosen.value);
    }
    if (body.type === 'status') told.add(acceptor);
    const isAskedNext = body.type === 'status' ? outcome !== 'preempted' : outcome === 'counted';
    if (isAskedNext) this.#prepareRange(node, acceptor);
  }

  /** Once for each ballot that is in the way. */
  #preempted(node: string, { highestSeen: ballot }: Proposer): void {
    if (this.#preemptedBy.get(node) === ballot) return;
    this.#preemptedBy.set(node, ballot);
    this.#observe({ type: 'preempted', node, ballot });
  }

  #received(core: Proposer, acceptorId: number, body: Body): string {
    switch (body.type) {
      case 'promise':
        return core.receivePromise(acceptorId, body.instanceId, body.ballot, body.valueBallot, body.value);
      case 'preempted':
        return core.receivePreempted(acceptorId, body.instanceId, body.ballot);
      case 'status':
        return core.receiveHighestBallot(acceptorId, body.highestBallot);
      case 'promised-value': {
        const { ballot, instanceId, valueBallot, value } = body;
        core.receivePromisedValue(acceptorId, ballot, instanceId, valueBallot, value, 0);
        return 'ignored';
      }
      case 'promise-from': {
        const { ballot, first, last, promisedBallot, count } = body;
        return core.receivePromiseFrom(acceptorId, ballot, first, last, promisedBallot, count);
      }
      default:
        return 'ignored';
    }
  }

  /** A replica's learner tells the proposer of the same number what it delivers. */
  #toLearner(
    node: string,
    acceptorId: number,
    instanceId: number,
    valueBallot: number,
    value: Uint8Array,
  ): void {
    const core = this.learner(node);
    core.receiveAccepted(acceptorId, instanceId, valueBallot, value);
    for (let next = core.deliverNext(); next !== undefined; next = core.deliverNext()) {
      this.#observe({ type: 'delivered', node, instanceId: next.instanceId, value: next.value });
      const replica = this.#proposers[Number(node.slice(1))];
      const finished = replica?.core.receiveDelivered(next.instanceId, next.ballot, next.value);
      if (finished?.chosen !== undefined)
        this.#chosen(`p${node.slice(1)}`, next.instanceId, finished.chosen.value);
    }
  }

  #chosen(node: string, instanceId: number, value: Uint8Array): void {
    this.#observe({ type: 'chosen', node, instanceId, value });
  }

  /** A proposer goes as far as what it knows allows: takes its first ballot, sends ACCEPTs. */
  #advance(name: string): void {
    const { core, stands } = found(this.#proposers, 'p', name);
    if (stands && core.ballot === 0 && core.hasProbedQuorum()) this.raise(name);
    const known = Math.max(
      core.highestReported,
      this.#learners[Number(name.slice(1))]?.core.highestClosed ?? 0,
    );
    const fillBelow = this.#options.fills ? known : 0;
    for (let accept = core.accept(0, fillBelow); accept !== undefined; accept = core.accept(0, fillBelow))
      this.#sendAccept(name, accept);
  }

  #sendAccept(name: string, { instanceId, ballot, value }: Accept): void {
    for (const to of this.names('a')) this.#send(name, to, { type: 'accept', instanceId, ballot, value });
  }

  /** An original is probed with round 0 first, and asked at our ballot when it has answered that. */
  #prepareSingles(name: string, instanceId: number, mayProbe = true): void {
    const core = this.proposer(name);
    for (const to of this.names('a')) {
      const acceptorId = Number(to.slice(1));
      if (this.#isRanged(to) || !core.wantsPromise(acceptorId, instanceId)) continue;
      const isProbed = core.ballot > 0 && core.isProbed(acceptorId, instanceId);
      const ballot = isProbed ? core.ballot : probeBallot(core.id);
      if (isProbed || mayProbe) this.#send(name, to, { type: 'prepare', instanceId, ballot });
    }
  }

  /** Asks an acceptor of ours for the next stretch, if it was heard already what it promised. */
  #prepareRange(name: string, to: string): void {
    const { core, told } = found(this.#proposers, 'p', name);
    if (core.ballot === 0 || !told.has(to)) return;
    const range = core.rangeToPrepare(Number(to.slice(1)));
    if (range === undefined) return;
    this.#send(name, to, { type: 'prepare-from', first: range.from, last: range.to, ballot: core.ballot });
  }

  #isRanged(name: string): boolean {
    return this.#options.ranged?.includes(Number(name.slice(1))) ?? false;
  }

  #send(from: string, to: string, body: Body): void {
    const end = from.startsWith('a') ? to : from;
    const nodes = end.startsWith('p') ? this.#proposers : this.#learners;
    const process = nodes[Number(end.slice(1))]?.process ?? 0;
    this.#put({ from, to, process, body });
  }

  #put(message: Message): void {
    this.inFlight.push(message);
    this.#observe({ type: 'sent', message });
  }

  #observe(event: ClusterEvent): void {
    this.#options.observe?.(event);
  }

  #newProposer(id: number): Proposer {
    const { acceptors, window = 1, inFlight = 8 } = this.#options;
    return new Proposer({ id, acceptors, window, inFlight });
  }

  #newLearner(): Learner {
    return new Learner({ acceptors: this.#options.acceptors, window: 16 });
  }
}

function found<N>(nodes: readonly N[], kind: string, name: string): N {
  const node = name.startsWith(kind) ? nodes[Number(name.slice(1))] : undefined;
  invariant(node !== undefined, `${name} is a node of this cluster`);
  return node;
}
