/**
 * Letters by number: every letter of a search once, with its hash under each renaming of the acceptors, who may receive
 * it, and which others contradict it. A state's network is a set of these numbers, a row of bits.
 */
import { invariant } from '../../paxos/invariant.ts';
import type { Configuration } from './configuration.ts';
import { hashesOf } from './hash.ts';
import { type Addressee, type Letter, letterKey } from './letter.ts';
import { textOf } from './node.ts';

/** A set of letters, 32 to a word. */
export type LetterSet = Int32Array;

export const WORD_BITS = 32;

/** Letters that vote for the same value of an instance at the same ballot. */
export interface VoteGroup {
  readonly instanceId: number;
  readonly ballot: number;
  readonly value: string;
  readonly votes: LetterSet;
}

/** What the search has to know of a letter. */
export interface LetterFacts {
  readonly letter: Letter;
  readonly key: string;
  /** by renaming */
  readonly hashes: Int32Array;
  /** the proposer whose process this letter belongs to, if it goes to one; -1: none */
  readonly proposer: number;
  /** who may receive it, a bit mask of nodes */
  readonly receivers: number;
  /** of a PREPARE: those of the same process to the same acceptor at a higher ballot */
  readonly higher: number[];
  /** letters of another value at the same ballot and instance */
  readonly clashes: LetterSet;
  /** of an acceptance: those it is counted with */
  readonly group: VoteGroup | undefined;
}

export class Letters {
  readonly #words: number;
  readonly #renamings: readonly (readonly number[])[];
  readonly #configuration: Configuration;
  readonly #numbers = new Map<string, number>();
  readonly #facts: LetterFacts[] = [];
  readonly #groups = new Map<string, VoteGroup>();
  /** by node: acceptors first, then proposers, then the learner */
  readonly #inboxes: LetterSet[];

  constructor(configuration: Configuration, renamings: readonly (readonly number[])[], words: number) {
    this.#configuration = configuration;
    this.#renamings = renamings;
    this.#words = words;
    const { acceptors, proposers } = configuration;
    this.#inboxes = Array.from({ length: acceptors + proposers + 1 }, () => new Int32Array(words));
  }

  get count(): number {
    return this.#facts.length;
  }

  /** How many words hold them all. */
  get usedWords(): number {
    return (this.#facts.length + WORD_BITS - 1) >> 5;
  }

  get groups(): Iterable<VoteGroup> {
    return this.#groups.values();
  }

  facts(number: number): LetterFacts {
    const facts = this.#facts[number];
    invariant(facts !== undefined, 'a letter has a number before it is asked for');
    return facts;
  }

  /** What a node may receive. Grows as letters are found. */
  inbox(node: number): LetterSet {
    const inbox = this.#inboxes[node];
    invariant(inbox !== undefined, 'every node has an inbox');
    return inbox;
  }

  /** The number of a letter, a new one if it was never seen. */
  number(letter: Letter): number {
    const key = letterKey(letter);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.#facts.length;
    invariant(number < this.#words * WORD_BITS, `a search has at most ${this.#words * WORD_BITS} letters`);
    this.#numbers.set(key, number);
    const hashes = hashesOf(this.#renamings.map((renamed) => `letter ${letterKey(letter, renamed)}`));
    const proposer = typeof letter.to === 'object' && 'proposer' in letter.to ? letter.to.proposer : -1;
    const clashes = new Int32Array(this.#words);
    const receivers = this.#addToInboxes(letter, number);
    const group = this.#groupOf(letter, number);
    const higher: number[] = [];
    this.#facts.push({ letter, key, hashes, proposer, receivers, higher, clashes, group });
    this.#addToHigher(number);
    this.#addToClashes(number);
    return number;
  }

  #addToInboxes({ to }: Letter, number: number): number {
    let receivers = 0;
    const { acceptors, proposers } = this.#configuration;
    for (let node = 0; node <= acceptors + proposers; node++) {
      if (!this.#isReceiver(to, node)) continue;
      addTo(this.inbox(node), number);
      receivers |= 1 << node;
    }
    return receivers;
  }

  #isReceiver(to: Addressee, node: number): boolean {
    const { acceptors, proposers } = this.#configuration;
    const isLearner = node === acceptors + proposers;
    if (typeof to === 'object')
      return 'acceptor' in to ? node === to.acceptor : node === acceptors + to.proposer;
    if (to === 'acceptors') return node < acceptors;
    if (to === 'learner') return isLearner;
    return node >= acceptors && (to === 'all' || !isLearner);
  }

  /** Two ACCEPTs, or two acceptances, of one ballot and instance carry one value. */
  #addToClashes(number: number): void {
    const mine = proposal(this.facts(number).letter);
    if (mine === undefined) return;
    for (const [other, { letter, clashes }] of this.#facts.entries()) {
      const theirs = proposal(letter);
      if (theirs === undefined || theirs.at !== mine.at || theirs.value === mine.value) continue;
      addTo(clashes, number);
      addTo(this.facts(number).clashes, other);
    }
  }

  #addToHigher(number: number): void {
    const mine = this.facts(number);
    if (mine.letter.body.type !== 'prepare') return;
    for (const [other, theirs] of this.#facts.entries()) {
      if (theirs.letter.body.type !== 'prepare' || !isSameQuestion(mine.letter, theirs.letter)) continue;
      const isHigher = theirs.letter.body.ballot > mine.letter.body.ballot;
      if (isHigher) mine.higher.push(other);
      else if (other !== number) theirs.higher.push(number);
    }
  }

  #groupOf({ body, isRetold }: Letter, number: number): VoteGroup | undefined {
    if (body.type !== 'accepted' || isRetold === true) return undefined;
    const { instanceId, ballot } = body;
    const value = textOf(body.value);
    const key = `${instanceId} ${ballot} ${value}`;
    const group = this.#groups.get(key) ?? { instanceId, ballot, value, votes: new Int32Array(this.#words) };
    this.#groups.set(key, group);
    addTo(group.votes, number);
    return group;
  }
}

/** True if two PREPAREs differ in nothing but the ballot. */
function isSameQuestion(one: Letter, other: Letter): boolean {
  if (one.body.type !== 'prepare' || other.body.type !== 'prepare') return false;
  const at = ({ from, to, process, body }: Letter) =>
    JSON.stringify([from, to, process, { ...body, ballot: 0 }]);
  return at(one) === at(other);
}

function proposal({ body, isRetold }: Letter): { readonly at: string; readonly value: string } | undefined {
  if (isRetold === true || (body.type !== 'accept' && body.type !== 'accepted')) return undefined;
  return { at: `${body.instanceId} ${body.ballot}`, value: textOf(body.value) };
}

function addTo(set: LetterSet, number: number): void {
  set[number >> 5] = (set[number >> 5] ?? 0) | (1 << (number & 31));
}
