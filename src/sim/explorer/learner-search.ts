/**
 * LearnerSearch: every state that a learner can be in, given a set of acceptances, in whatever order and however often
 * they arrive. A learner sends nothing, and what was sent to it stays in the network: so whatever it can do at some time
 * it can also do at the end, and looking at each set of acceptances once is looking at every interleaving.
 */
import type { Check, Parts } from './configuration.ts';
import { judge } from './judge.ts';
import { LearnerNode } from './learner-node.ts';
import type { LetterSet } from './letters.ts';
import type { Fault } from './node.ts';
import { NodeStates } from './node-states.ts';
import { FIRST_DELIVERY, type Space } from './space.ts';

export interface LearnerFault {
  readonly fault: Fault;
  /** the letters that the learner takes, in order */
  readonly path: readonly number[];
}

export class LearnerSearch {
  readonly #space: Space;
  readonly #states: NodeStates;
  readonly #first: number;
  readonly #sets = new Set<string>();

  constructor(space: Space, parts: Parts) {
    this.#space = space;
    const order = Array.from({ length: space.configuration.acceptors }, (_, acceptor) => acceptor);
    this.#states = new NodeStates({
      names: ['l'],
      orders: [order],
      letters: space.letters,
      words: space.words,
      eventOf: (code) => space.eventOf(code),
      distrust: false,
    });
    this.#first = this.#states.number(LearnerNode.start(space.configuration, parts));
  }

  /** How many sets of acceptances came up, and how many states learners were in. */
  get sets(): number {
    return this.#sets.size;
  }
  get states(): number {
    return this.#states.count;
  }

  /** A learner's state after it took letters, and what it delivered with the last. */
  after(letters: readonly number[]): readonly string[] {
    let state = this.#first;
    let delivered: string[] = [];
    for (const letter of letters) {
      const step = this.#states.step(state, FIRST_DELIVERY + letter);
      state = step?.next ?? state;
      delivered = (step?.claims ?? []).map(({ instanceId, value }) => `delivers i=${instanceId} "${value}"`);
    }
    return delivered;
  }

  /**
   * Looks at a network, unless one with these acceptances was looked at before. Where learners go wrong, the first to
   * come by takes the fewest steps there.
   */
  look(network: LetterSet, checks: ReadonlySet<Check>): LearnerFault | undefined {
    const inbox = this.#space.letters.inbox(this.#space.nodes);
    let key = '';
    let any = 0;
    for (let word = 0; word < this.#space.words; word++) {
      const bits = (network[word] ?? 0) & (inbox[word] ?? 0);
      any |= bits;
      key += `${bits} `;
    }
    if (any === 0 || this.#sets.has(key)) return undefined;
    this.#sets.add(key);
    return this.#search(network, inbox, checks);
  }

  #search(network: LetterSet, inbox: LetterSet, checks: ReadonlySet<Check>): LearnerFault | undefined {
    const letters = membersOf(network, inbox);
    const paths = new Map<number, readonly number[]>([[this.#first, []]]);
    for (const [state, path] of paths) {
      for (const letter of letters) {
        const step = this.#states.step(state, FIRST_DELIVERY + letter);
        if (step === null) continue;
        const faults = [...step.faults];
        for (const claim of step.claims)
          judge.mustBeChosen(this.#space, network, 'the learner', claim, faults);
        const fault = faults.find(({ check }) => checks.has(check));
        if (fault !== undefined) return { fault, path: [...path, letter] };
        if (!paths.has(step.next)) paths.set(step.next, [...path, letter]);
      }
    }
    return undefined;
  }
}

function membersOf(network: LetterSet, inbox: LetterSet): number[] {
  const members: number[] = [];
  for (let word = 0; word < network.length; word++) {
    for (let bits = (network[word] ?? 0) & (inbox[word] ?? 0); bits !== 0; bits &= bits - 1)
      members.push(word * 32 + 31 - Math.clz32(bits & -bits));
  }
  return members;
}
