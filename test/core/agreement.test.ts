/**
 * Agreement under any schedule: proposers of ours, some of which restart and have forgotten everything, acceptors asked
 * singly and for ranges, messages lost, repeated and reordered. fast-check prints the seed and the schedule of a failure.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { invariant } from '../../src/paxos/invariant.ts';
import { Cluster } from './cluster.ts';
import { Judge } from './judge.ts';
import { isPiece, shownValue } from './message.ts';

const RUNS = 500;
const INSTANCES = 6;
const bytes = (text: string) => new TextEncoder().encode(text);

interface Setup {
  readonly acceptors: number;
  readonly proposers: number;
  /** which acceptors take ranges, a bit mask */
  readonly ranged: number;
  readonly window: number;
  readonly pieces: number;
  /** whether holes are filled with no-ops */
  readonly fills: boolean;
}

const setups: fc.Arbitrary<Setup> = fc.record({
  acceptors: fc.integer({ min: 3, max: 5 }),
  proposers: fc.integer({ min: 1, max: 3 }),
  ranged: fc.nat(31),
  window: fc.integer({ min: 1, max: 3 }),
  pieces: fc.integer({ min: 1, max: 3 }),
  fills: fc.boolean(),
});
/** Each number is one step: what to do, and to which message or node. */
const schedules = fc.array(fc.nat(2 ** 20), { minLength: 100, maxLength: 500, size: 'max' });

/** A cluster on which a schedule is played. */
class Play {
  readonly judge: Judge;
  readonly cluster: Cluster;
  readonly #proposers: readonly string[];
  readonly #learners: readonly string[];
  /** by proposer: the values that its present process was given */
  readonly #given = new Map<string, string[]>();
  #values = 0;

  constructor({ acceptors, proposers, ranged, window, pieces, fills }: Setup) {
    this.judge = new Judge(acceptors);
    this.cluster = new Cluster({
      acceptors,
      proposers,
      learners: proposers,
      ranged: [0, 1, 2, 3, 4].filter((a) => ((ranged >> a) & 1) === 1),
      window,
      inFlight: 4,
      pieces,
      fills,
      observe: (event) => this.judge.observe(event),
    });
    this.#proposers = this.cluster.names('p');
    this.#learners = this.cluster.names('l');
    for (const p of this.#proposers) {
      this.cluster.start(p);
      this.propose(p);
      this.propose(p);
    }
  }

  propose(p: string): void {
    const value = bytes(`${p}-${++this.#values}`);
    this.#given.set(p, [...(this.#given.get(p) ?? []), shownValue(value)]);
    this.cluster.propose(p, value);
  }

  step(choice: number): void {
    const { cluster } = this;
    const pick = choice >> 5;
    const p = at(this.#proposers, pick);
    const kind = choice & 31;
    if (kind === 31) this.restart(pick);
    else if (kind === 30) this.propose(p);
    else if (kind === 29) cluster.timeout(p);
    else if (kind === 28) this.raise(p);
    else if (kind === 27) {
      cluster.repeat(at(this.#learners, pick), at(cluster.names('a'), pick >> 3), 1, INSTANCES);
    } else if (kind === 26) {
      if (cluster.proposer(p).ballot === 0) cluster.start(p);
      else cluster.open(p);
    } else if (cluster.inFlight.length > 0) {
      const message = at(cluster.inFlight, pick);
      if (kind >= 24) cluster.drop(message);
      else if (kind < 22) cluster.deliver(message);
      else if (!isPiece(message.body)) cluster.inFlight.push(message);
    }
  }

  /** Every third time a proposer, with its learner; else an acceptor. */
  restart(pick: number): void {
    const { cluster } = this;
    if (pick % 3 > 0) {
      cluster.restart(at(cluster.names('a'), pick >> 2));
      return;
    }
    const p = at(this.#proposers, pick >> 2);
    const l = `l${p.slice(1)}`;
    cluster.restart(p);
    cluster.restart(l);
    this.judge.restarted(l);
    this.#given.delete(p);
    cluster.start(p);
    this.propose(p);
  }

  /** The highest instance that is chosen; 0: none. */
  get highest(): number {
    return Math.max(0, ...this.judge.chosen.keys());
  }

  raise(p: string): void {
    const { ballot, highestSeen } = this.cluster.proposer(p);
    if (ballot > 0 && highestSeen > ballot) this.cluster.raise(p);
  }

  /** The faults stop. One proposer after the other leads until it has nothing left; every learner learns all. */
  finish(): void {
    const { cluster } = this;
    for (const p of this.#proposers) cluster.stepDown(p);
    cluster.settle();
    for (const p of this.#proposers) {
      this.lead(p, () => cluster.proposer(p).waitingCount === 0 && !cluster.proposer(p).holdsOwn());
      cluster.stepDown(p);
    }
    const chosen = [...this.judge.chosen.values()];
    expect(chosen).toEqual(expect.arrayContaining([...this.#given.values()].flat()));

    // Where a leader fell silent in the middle, acceptors hold a chosen value at several ballots, and who comes late
    // cannot tell that it is chosen. A proposer that knows nothing runs everything again.
    const last = at(this.#proposers, 0);
    cluster.restart(last);
    this.lead(last, () => {
      const isDone = cluster.proposer(last).low > this.highest;
      if (!isDone) this.propose(last);
      return isDone;
    });
    const { highest } = this;
    for (let round = 0; round < 10; round++) {
      for (const l of this.#learners) for (const a of cluster.names('a')) cluster.repeat(l, a, 1, highest);
      cluster.settle();
    }
    for (const l of this.#learners) expect(cluster.learner(l).nextInstanceId).toBe(highest + 1);
  }

  /** One proposer alone, until it is done. */
  lead(p: string, isDone: () => boolean): void {
    const { cluster } = this;
    for (let round = 0; round < 200; round++) {
      if (round > 0 && isDone()) return;
      cluster.start(p);
      cluster.settle();
      this.raise(p);
      cluster.timeout(p);
      cluster.settle();
    }
    throw new Error(`${p} hangs: ${cluster.proposer(p).waitingCount} values wait`);
  }
}

function at<T>(list: readonly T[], pick: number): T {
  const found = list[pick % list.length];
  invariant(found !== undefined, 'there is one to pick from');
  return found;
}

describe('agreement', () => {
  it('holds under any schedule, no value is chosen twice, and none is lost that a living proposer has', () => {
    fc.assert(
      fc.property(setups, schedules, (setup, schedule) => {
        const play = new Play(setup);
        for (const choice of schedule) play.step(choice);
        play.finish();
      }),
      { numRuns: RUNS },
    );
  });
});
