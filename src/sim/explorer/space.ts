/**
 * Space: the states of a configuration as rows of integers, and the way from one to the next. A row holds
 *
 *   the number of each node's state · restarts used · the network, a bit a letter · two sums of hashes a renaming
 *
 * The hash of a state is the smallest of its sums over all renamings: states that differ in nothing but the acceptors'
 * names have the same.
 */
import { invariant } from '../../paxos/invariant.ts';
import { AcceptorNode } from './acceptor-node.ts';
import type { Configuration, Parts } from './configuration.ts';
import { hashText } from './hash.ts';
import { judge } from './judge.ts';
import type { Letter } from './letter.ts';
import { type LetterSet, Letters, WORD_BITS } from './letters.ts';
import { type Event, type ExploredNode, type Fault, Outcome } from './node.ts';
import { NodeStates, ReductionError, type Step } from './node-states.ts';
import { ProposerNode } from './proposer-node.ts';
import { type Renaming, renamingsOf } from './renamings.ts';

/** Events that are no deliveries have the codes below; 'lost' ends them, one for each acceptor. */
const SIMPLE = ['raise', 'step-down', 'restart', 'sync', 'repeat'] as const;
const FIRST_LOST = SIMPLE.length;
export const FIRST_DELIVERY = 16;
export const RESTART = SIMPLE.indexOf('restart');
/** Restarts of proposers and of acceptors share an integer. */
const ACCEPTORS_UNIT = 1 << 16;

/** An action is a node, and which of the steps it is that a walk from its state visits, in one integer. */
export const NODE_UNIT = 16;

export interface SpaceOptions {
  readonly configuration: Configuration;
  readonly parts: Parts;
  readonly symmetry: boolean;
  readonly distrust: boolean;
  /** room for letters: 32 a word */
  readonly words: number;
  /** true: whatever a node would say without changing is said at once; see saturate() */
  readonly saturated: boolean;
  /** true: letters that can change nothing any more are taken out of the network */
  readonly pruned: boolean;
}

/** The codes of what a node may do without being sent anything. */
interface OwnEvents {
  readonly always: readonly number[];
  readonly withRestart: readonly number[];
}

function ownEventsOf({ acceptors, ranged, acceptorRestarts, stepDowns }: Configuration) {
  const codes = (events: readonly (typeof SIMPLE)[number][]) => events.map((event) => SIMPLE.indexOf(event));
  const acceptor = codes(acceptorRestarts > 0 ? ['repeat', 'sync'] : ['repeat']);
  const proposer = codes(stepDowns ? ['raise', 'step-down'] : ['raise']);
  // A connection breaks when its acceptor ends. That it may break at any time is more than that, and no dearer.
  const breaking = acceptorRestarts > 0 ? Math.min(acceptors, ranged) : 0;
  for (let a = 0; a < breaking; a++) proposer.push(FIRST_LOST + a);
  return {
    acceptor: { always: acceptor, withRestart: [...acceptor, RESTART] },
    proposer: { always: proposer, withRestart: [...proposer, RESTART] },
  };
}

export class Space {
  readonly configuration: Configuration;
  readonly nodes: number;
  readonly words: number;
  readonly width: number;
  readonly letters: Letters;
  readonly states: readonly NodeStates[];
  readonly #renamings: readonly Renaming[];
  readonly #usedAt: number;
  readonly #networkAt: number;
  readonly #hashesAt: number;
  readonly #usedHashes = new Map<number, { readonly high: number; readonly low: number }>();
  readonly #parts: Parts;
  readonly #saturated: boolean;
  readonly #pruned: boolean;
  readonly #ownEvents: Readonly<Record<'acceptor' | 'proposer', OwnEvents>>;
  /** the letters that came into the network with the present step */
  readonly #added: Int32Array;
  #addedCount = 0;
  /** after canonicalHash() */
  high = 0;
  low = 0;

  constructor({ configuration, parts, symmetry, distrust, words, saturated, pruned }: SpaceOptions) {
    const { acceptors, proposers } = configuration;
    this.configuration = configuration;
    this.#parts = parts;
    this.words = words;
    this.#saturated = saturated;
    this.#pruned = pruned;
    this.#added = new Int32Array(words * WORD_BITS);
    this.#ownEvents = ownEventsOf(configuration);
    this.nodes = acceptors + proposers;
    this.#renamings = renamingsOf(configuration, symmetry);
    this.letters = new Letters(
      configuration,
      this.#renamings.map(({ renamed }) => renamed),
      words,
    );
    this.#usedAt = this.nodes;
    this.#networkAt = this.nodes + 1;
    this.#hashesAt = this.#networkAt + words;
    this.width = this.#hashesAt + 2 * this.#renamings.length;
    const orders = this.#renamings.map(({ order }) => order);
    this.states = Array.from({ length: this.nodes }, (_, node) => {
      const names = this.#renamings.map(({ renamed }) =>
        node < acceptors ? `a${renamed[node]}` : `p${node - acceptors}`,
      );
      const eventOf = (code: number) => this.eventOf(code);
      return new NodeStates({ names, orders, letters: this.letters, words, eventOf, distrust });
    });
  }

  /** Every node just started, its first questions in the network. */
  start(row: Int32Array): void {
    row.fill(0);
    const outcome = new Outcome();
    for (let node = 0; node < this.nodes; node++) {
      const started = this.#newNode(node);
      if (started instanceof ProposerNode) started.start(outcome);
      row[node] = this.stateOf(node).number(started);
      this.#addHashes(row, this.stateOf(node).state(row[node] ?? 0).hashes, 1);
    }
    for (const letter of outcome.letters) this.#addLetter(row, this.letters.number(letter));
    for (let node = 0; node < this.nodes; node++) this.#saturate(row, node);
  }

  #newNode(node: number): ExploredNode {
    const { acceptors } = this.configuration;
    return node < acceptors
      ? new AcceptorNode(node, this.configuration, this.#parts)
      : new ProposerNode(node - acceptors, this.configuration, this.#parts);
  }

  nameOf(node: number): string {
    const { acceptors } = this.configuration;
    return node < acceptors ? `a${node}` : `p${node - acceptors}`;
  }

  stateOf(node: number): NodeStates {
    const states = this.states[node];
    invariant(states !== undefined, 'every node has its states');
    return states;
  }

  eventOf(code: number): Event {
    if (code >= FIRST_DELIVERY)
      return { type: 'deliver', letter: this.letters.facts(code - FIRST_DELIVERY).letter };
    const simple = SIMPLE[code];
    if (simple === undefined) return { type: 'lost', acceptorId: code - FIRST_LOST };
    return { type: simple };
  }

  /** The codes of what a node may do in this state without being sent anything. */
  ownEvents(row: Int32Array, node: number): readonly number[] {
    const { acceptors, acceptorRestarts, proposerRestarts } = this.configuration;
    const used = row[this.#usedAt] ?? 0;
    const isAcceptor = node < acceptors;
    const mayRestart = isAcceptor
      ? Math.floor(used / ACCEPTORS_UNIT) < acceptorRestarts
      : used % ACCEPTORS_UNIT < proposerRestarts;
    const { [isAcceptor ? 'acceptor' : 'proposer']: events } = this.#ownEvents;
    return mayRestart ? events.withRestart : events.always;
  }

  /** The letters in a state's network, by word. */
  network(row: Int32Array, word: number): number {
    return row[this.#networkAt + word] ?? 0;
  }

  /** The whole network; a view that changes with the row. */
  networkOf(row: Int32Array): LetterSet {
    return row.subarray(this.#networkAt, this.#hashesAt);
  }

  /** True if a step sends something that is not in the network yet. Hot. */
  saysNews(row: Int32Array, step: Step): boolean {
    for (const letter of step.letters)
      if (!this.#has(row, letter) && this.#isWanted(row, letter)) return true;
    return false;
  }

  /** Takes a node's step from whatever silent state, in place. Hot. */
  apply(row: Int32Array, node: number, code: number, step: Step, faults: Fault[]): void {
    const { acceptors } = this.configuration;
    this.#addedCount = 0;
    if (code === RESTART) {
      this.#countRestart(row, node < acceptors ? ACCEPTORS_UNIT : 1);
      // The connections end, and with them what was under way to this process.
      if (node >= acceptors) this.#removeLettersTo(row, node, () => true);
    }
    this.#addHashes(row, this.stateOf(node).state(row[node] ?? 0).hashes, -1);
    row[node] = step.next;
    this.#addHashes(row, this.stateOf(node).state(step.next).hashes, 1);
    for (const letter of step.letters) {
      if (this.#has(row, letter) || !this.#isWanted(row, letter)) continue;
      this.#addLetter(row, letter);
      judge.sent(this, row, letter, faults);
    }
    this.judgeStep(row, node, step, faults);
    if (node >= acceptors && this.#pruned)
      this.#removeLettersTo(row, node, (letter) => this.#isDead(row, node, letter));
    this.#saturate(row, node);
    if (this.#pruned) this.#removeOutdone(row, node, code);
  }

  /** Questions are outdone when their acceptor changes, when a higher one is sent, and when who asked has ended. */
  #removeOutdone(row: Int32Array, changed: number, code: number): void {
    const { acceptors } = this.configuration;
    if (changed >= acceptors && code !== RESTART && !this.#hasAddedPrepare()) return;
    for (let a = 0; a < acceptors; a++)
      if (changed === a || changed >= acceptors)
        this.#removeLettersTo(row, a, (letter) => this.#isOutdone(row, a, letter));
  }

  #hasAddedPrepare(): boolean {
    for (let i = 0; i < this.#addedCount; i++)
      if (this.letters.facts(this.#added[i] ?? 0).letter.body.type === 'prepare') return true;
    return false;
  }

  /**
   * Has every node say what it can say without changing: answers to what is asked again. A state with more letters can
   * do all that one with fewer can, since any letter may stay undelivered; so the states with fewer need no looking at.
   */
  #saturate(row: Int32Array, changed: number): void {
    if (!this.#saturated) return;
    this.#answerAgain(row, changed);
    for (let i = 0; i < this.#addedCount; i++) {
      const letter = this.#added[i] ?? 0;
      const { receivers } = this.letters.facts(letter);
      for (let bits = receivers & ((1 << this.nodes) - 1); bits !== 0; bits &= bits - 1)
        this.#answer(row, 31 - Math.clz32(bits & -bits), letter);
    }
  }

  /** A node that has changed may answer everything in another way. */
  #answerAgain(row: Int32Array, node: number): void {
    const state = row[node] ?? 0;
    const states = this.stateOf(node);
    const { deaf, echoless } = states.state(state);
    const inbox = this.letters.inbox(node);
    for (const code of this.ownEvents(row, node))
      if (code !== RESTART) this.#sayUnchanged(row, state, states.step(state, code));
    for (let word = 0; word < this.letters.usedWords; word++) {
      let bits = this.network(row, word) & (inbox[word] ?? 0) & ~((deaf[word] ?? 0) | (echoless[word] ?? 0));
      for (; bits !== 0; bits &= bits - 1)
        this.#answer(row, node, word * WORD_BITS + 31 - Math.clz32(bits & -bits));
    }
  }

  #answer(row: Int32Array, node: number, letter: number): void {
    const state = row[node] ?? 0;
    const { deaf, echoless } = this.stateOf(node).state(state);
    const [word, bit] = [letter >> 5, 1 << (letter & 31)];
    if ((((deaf[word] ?? 0) | (echoless[word] ?? 0)) & bit) !== 0) return;
    const step = this.stateOf(node).step(state, FIRST_DELIVERY + letter);
    if (step === null) deaf[word] = (deaf[word] ?? 0) | bit;
    else if (step.next !== state) echoless[word] = (echoless[word] ?? 0) | bit;
    else this.#sayUnchanged(row, state, step);
  }

  #sayUnchanged(row: Int32Array, state: number, step: Step | null): void {
    if (step === null || step.next !== state || step.claims.length + step.faults.length > 0) return;
    for (const letter of step.letters)
      if (!this.#has(row, letter) && this.#isWanted(row, letter)) this.#addLetter(row, letter);
  }

  /** What a step shows by itself, in the state that it is taken in. */
  judgeStep(row: Int32Array, node: number, step: Step, faults: Fault[]): void {
    if (step.claims.length > 0) judge.claimed(this, row, node, step.claims, faults);
    faults.push(...step.faults);
  }

  #countRestart(row: Int32Array, unit: number): void {
    const used = row[this.#usedAt] ?? 0;
    row[this.#usedAt] = used + unit;
    const before = this.#usedHash(used);
    const after = this.#usedHash(used + unit);
    for (let r = this.#hashesAt; r < this.width; r += 2) {
      row[r] = ((row[r] ?? 0) + after.high - before.high) | 0;
      row[r + 1] = ((row[r + 1] ?? 0) + after.low - before.low) | 0;
    }
  }

  #usedHash(used: number): { readonly high: number; readonly low: number } {
    const hash = this.#usedHashes.get(used) ?? hashText(`used ${used}`);
    this.#usedHashes.set(used, hash);
    return hash;
  }

  /** Letters to a process that is gone reach nobody; what was told at once is not told again. */
  #isWanted(row: Int32Array, letter: number): boolean {
    const { proposer, letter: sent } = this.letters.facts(letter);
    if (proposer < 0) return true;
    const node = this.configuration.acceptors + proposer;
    const state = row[node] ?? 0;
    const { node: present } = this.stateOf(node).state(state);
    if (!(present instanceof ProposerNode) || present.process !== sent.process) return false;
    return !this.#pruned || !this.#isDead(row, node, letter);
  }

  /**
   * True for a PREPARE that changes its acceptor no more, and whose answers nobody needs: its process has ended, or has
   * asked for a higher ballot since; what is answered to that is the same, or says nothing new.
   */
  #isOutdone(row: Int32Array, node: number, letter: number): boolean {
    if (!this.stateOf(node).isDead(row[node] ?? 0, letter)) return false;
    const { letter: sent, higher } = this.letters.facts(letter);
    if (this.#isOfPast(row, sent)) return true;
    for (const other of higher) if (this.#has(row, other)) return true;
    return false;
  }

  #isOfPast(row: Int32Array, { from, process }: Letter): boolean {
    if (typeof from === 'string' || !('proposer' in from)) return false;
    const node = this.configuration.acceptors + from.proposer;
    const { node: present } = this.stateOf(node).state(row[node] ?? 0);
    return present instanceof ProposerNode && present.process !== process;
  }

  #isDead(row: Int32Array, node: number, letter: number): boolean {
    const state = row[node] ?? 0;
    if (!this.stateOf(node).isDead(state, letter)) return false;
    const step = this.stateOf(node).step(state, FIRST_DELIVERY + letter);
    if (step === null) return true;
    if (step.next !== state || this.saysNews(row, step))
      throw new ReductionError('a letter that can change nothing changes nothing');
    return true;
  }

  #has(row: Int32Array, letter: number): boolean {
    return ((row[this.#networkAt + (letter >> 5)] ?? 0) & (1 << (letter & 31))) !== 0;
  }

  #addLetter(row: Int32Array, letter: number): boolean {
    if (this.#has(row, letter)) return false;
    const at = this.#networkAt + (letter >> 5);
    row[at] = (row[at] ?? 0) | (1 << (letter & 31));
    this.#addHashes(row, this.letters.facts(letter).hashes, 1);
    this.#added[this.#addedCount++] = letter;
    return true;
  }

  /** Takes out letters to this node alone. */
  #removeLettersTo(row: Int32Array, node: number, which: (letter: number) => boolean): void {
    const inbox = this.letters.inbox(node);
    for (let word = 0; word < this.letters.usedWords; word++) {
      for (let bits = (inbox[word] ?? 0) & this.network(row, word); bits !== 0; bits &= bits - 1) {
        const letter = word * WORD_BITS + 31 - Math.clz32(bits & -bits);
        if (this.letters.facts(letter).receivers !== 1 << node || !which(letter)) continue;
        row[this.#networkAt + word] = (row[this.#networkAt + word] ?? 0) & ~(bits & -bits);
        this.#addHashes(row, this.letters.facts(letter).hashes, -1);
      }
    }
  }

  /** Adds a letter that nobody sent: what everybody knows by now. */
  tell(row: Int32Array, letter: number): void {
    this.#addLetter(row, letter);
  }

  #addHashes(row: Int32Array, hashes: Int32Array, sign: 1 | -1): void {
    const at = this.#hashesAt;
    for (let i = 0; i < hashes.length; i++) row[at + i] = (row[at + i] ?? 0) + sign * (hashes[i] ?? 0);
  }

  /** Leaves the smallest of the row's sums in `high` and `low`. Hot. */
  canonicalHash(row: Int32Array): void {
    let high = row[this.#hashesAt] ?? 0;
    let low = row[this.#hashesAt + 1] ?? 0;
    for (let at = this.#hashesAt + 2; at < this.width; at += 2) {
      const otherHigh = row[at] ?? 0;
      const otherLow = row[at + 1] ?? 0;
      if (otherHigh > high || (otherHigh === high && otherLow >= low)) continue;
      high = otherHigh;
      low = otherLow;
    }
    this.high = high;
    this.low = low;
  }
}
