import { describe, expect, it } from 'vitest';
import { invariant } from '../../paxos/invariant.ts';
import { Proposer } from '../../paxos/proposer.ts';
import { type Configuration, type Parts, PRODUCTION_PARTS } from './configuration.ts';
import { CONFIGURATIONS, SMALLEST } from './configurations.ts';
import { Explorer } from './explorer.ts';
import type { ExplorerOptions, ExplorerReport } from './search.ts';

const LONG_MS = 120_000;
/** The configurations that every run of the tests goes through. The others take longer. */
const IN_TESTS = ['small', 'medium', 'disk'];

function explored(configuration: Configuration, options: ExplorerOptions = {}): ExplorerReport {
  const explorer = new Explorer(configuration, options);
  while (explorer.advance(10_000) === 'more');
  return explorer.report();
}

describe('the core', () => {
  for (const { name, configuration, states, depth } of CONFIGURATIONS) {
    if (!IN_TESTS.includes(name)) continue;
    it(`breaks nothing in any of the ${states} states of "${name}"`, { timeout: LONG_MS }, () => {
      expect(explored(configuration)).toMatchObject({
        states,
        depth,
        isComplete: true,
        violation: undefined,
      });
    });
  }
});

/** A state for every delivery, nothing left out. */
const PLAIN: ExplorerOptions = { late: false, saturated: false, pruned: false, symmetry: false };

describe('what makes the search small', () => {
  const tiny = { ...SMALLEST, ballots: 1 };

  const small: Partial<Configuration>[] = [
    { proposers: 1, ballots: 1, proposerRestarts: 1 },
    { proposers: 1, ballots: 2, acceptors: 2 },
    { acceptors: 2, ballots: 1 },
    { acceptors: 2, ballots: 1, proposerRestarts: 1 },
  ];
  for (const changes of small) {
    const name = JSON.stringify(changes);
    it(`is sound: without it the same node states and acceptances come up ${name}`, {
      timeout: LONG_MS,
    }, () => {
      const configuration = { ...SMALLEST, ...changes };
      const plain = explored(configuration, PLAIN);
      const reduced = explored(configuration, { symmetry: false });
      expect(plain.isComplete && reduced.isComplete).toBe(true);
      expect(reduced.acceptances).toBe(plain.acceptances);
      expect(reduced.nodeStates).toBe(plain.nodeStates);
      expect(reduced.states).toBeLessThan(plain.states / 5);
    });
  }

  it('is sound with two ballots, where questions are outdone by others', { timeout: LONG_MS }, () => {
    const two = { ...SMALLEST, acceptors: 2 };
    const kept = explored(two, { pruned: false, symmetry: false });
    const pruned = explored(two, { symmetry: false });
    expect(pruned.acceptances).toBe(kept.acceptances);
    expect(pruned.nodeStates).toBe(kept.nodeStates);
    expect(pruned.states).toBeLessThan(kept.states / 2);
  });

  it('takes states as one that differ in the names of acceptors only', { timeout: LONG_MS }, () => {
    const apart = explored(SMALLEST, { symmetry: false });
    // As the tests of the core have it.
    const together = CONFIGURATIONS.find(({ configuration }) => configuration === SMALLEST);
    if (together === undefined) throw new Error('there is no smallest configuration');
    expect(apart.depth).toBe(together.depth);
    expect(apart.states / together.states).toBeGreaterThan(4);
    expect(apart.states / together.states).toBeLessThanOrEqual(6);
  });

  it('stands on keys that tell all: objects with the same key behave alike', { timeout: LONG_MS }, () => {
    const report = explored({ ...tiny, proposerRestarts: 1 }, { distrust: true });
    expect(report.isComplete).toBe(true);
    expect(report.compared).toBeGreaterThan(4000);
  });
});

/** The same object, but for what is changed in it; copies of it are changed as well. */
function altered<T extends object & { copy(...args: never[]): T }>(
  core: T,
  change: (core: T) => Partial<T>,
): T {
  const changes: Partial<T> = change(core);
  return new Proxy(core, {
    get(target, key) {
      if (key === 'copy') return (...args: never[]) => altered(target.copy(...args), change);
      const found: unknown = Reflect.get(Object.hasOwn(changes, key) ? changes : target, key, target);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}

const withAcceptor = (change: Parameters<typeof altered<ReturnType<Parts['acceptor']>>>[1]): Parts => ({
  ...PRODUCTION_PARTS,
  acceptor: (id, storage) => altered(PRODUCTION_PARTS.acceptor(id, storage), change),
});
const withProposer = (change: (core: Proposer) => Partial<Proposer>): Parts => ({
  ...PRODUCTION_PARTS,
  proposer: (options) => altered(new Proposer(options), change),
});
const withLearner = (change: Parameters<typeof altered<ReturnType<Parts['learner']>>>[1]): Parts => ({
  ...PRODUCTION_PARTS,
  learner: (options) => altered(PRODUCTION_PARTS.learner(options), change),
});

function violation(configuration: Configuration, parts: Parts, options: ExplorerOptions = {}) {
  const report = explored(configuration, { ...options, parts });
  if (report.violation === undefined) throw new Error(`nothing found in ${report.states} states`);
  return report.violation;
}

const NO_VALUE = new Uint8Array(0);
const TWO_CHOSEN = 'two values are chosen in instance 1: "x0" at ballot 10 and "x1" at ballot 11';

describe('a planted fault is found, with the shortest way to it:', { timeout: LONG_MS }, () => {
  const forgetful = withAcceptor((core) => ({
    receivePrepare: (instanceId, ballot) => {
      if (ballot <= core.promisedBallot(instanceId)) return core.receivePrepare(instanceId, ballot);
      return { promisedBallot: ballot, acceptedBallot: 0, value: NO_VALUE };
    },
  }));

  it('an acceptor that promises and does not store it', () => {
    expect(violation(SMALLEST, forgetful)).toEqual({
      check: 'promises',
      what: 'a0 told that it promised ballot 1 in instance 1, and keeps 0',
      steps: 1,
      isShortest: true,
      trace: [
        '      to begin with',
        '        p0→a0 prepare i=1 b=0',
        '        p0→a1 prepare i=1 b=0',
        '        p0→a2 prepare i=1 b=0',
        '        p1→a0 prepare i=1 b=1',
        '        p1→a1 prepare i=1 b=1',
        '        p1→a2 prepare i=1 b=1',
        '   1  a0: p1→a0 prepare i=1 b=1 arrives',
        '        a0→p1 promise a0 i=1 b=1 vb=0 value=-',
      ],
    });
  });

  it('and what comes of it in the end', () => {
    const end = violation(SMALLEST, forgetful, { checks: ['agreement'] });
    expect(end).toMatchObject({ what: TWO_CHOSEN, steps: 20, isShortest: true });
    expect(end.trace.filter((line) => line.includes(' accepted a')).length).toBeGreaterThanOrEqual(4);
  });

  it('an acceptor that accepts below what it promised', () => {
    const parts = withAcceptor((core) => ({
      receiveAccept: (instanceId, ballot, value) => {
        const outcome = core.receiveAccept(instanceId, ballot, value);
        return outcome === 'preempted' ? 'accepted' : outcome;
      },
    }));
    const what = 'a0 accepts at ballot 10 in instance 1, and had promised 11';
    expect(violation(SMALLEST, parts)).toMatchObject({
      check: 'promises',
      what,
      steps: 14,
      isShortest: true,
    });
  });

  it('a learner that counts every acceptance twice', () => {
    const parts = withLearner((core) => ({
      receiveAccepted: (acceptorId, ...rest) => {
        core.receiveAccepted((acceptorId + 1) % 3, ...rest);
        return core.receiveAccepted(acceptorId, ...rest);
      },
    }));
    const { trace, ...found } = violation(SMALLEST, parts);
    const what = 'the learner takes "x0" for chosen in instance 1: no quorum accepted it';
    expect(found).toEqual({ check: 'learning', what, steps: 10, isShortest: true });
    expect(trace.slice(-4)).toEqual([
      '   9  a0: p0→acceptors accept i=1 b=10 value=x0 arrives',
      '        a0→all accepted a0 i=1 b=10 vb=10 value=x0',
      '  10  learner: a0→all accepted a0 i=1 b=10 vb=10 value=x0 arrives',
      '        the learner delivers i=1 "x0"',
    ]);
  });

  it('a learner that takes what a leader counted for the value of another ballot', () => {
    const parts = withLearner((core) => ({
      receiveChosen: (ballot, from, to) => core.receiveChosen(Math.min(ballot, 10), from, to),
    }));
    const found = violation({ ...SMALLEST, brief: true }, parts, { maxSecondStates: 0 });
    const what = 'the learner takes "x0" for chosen in instance 1: no quorum accepted it';
    expect(found).toMatchObject({ check: 'learning', what });
  });

  it('a repetition that tells the promised ballot as the accepted one', () => {
    const parts = withAcceptor((core) => ({
      *accepted(from, to) {
        for (const record of core.accepted(from, to))
          yield { ...record, acceptedBallot: core.promisedBallot(record.instanceId) };
      },
    }));
    const found = violation({ ...SMALLEST, ballots: 3 }, parts);
    expect(found).toMatchObject({ check: 'learning', steps: 18, isShortest: true });
  });

  it('a proposer that does not run the value it was told of', () => {
    const parts = withProposer((core) => ({
      receivePromise: (acceptorId, instanceId, ballot) =>
        core.receivePromise(acceptorId, instanceId, ballot, 0, NO_VALUE),
    }));
    // The shortest way to that is looked for above; to look for it once more takes as long as all the rest.
    const found = violation(SMALLEST, parts, { maxSecondStates: 0 });
    expect(found).toMatchObject({ check: 'agreement', isShortest: false });
    expect(found.what).toMatch(/^two values are chosen in instance 1: /);
  });

  it('a proposer that runs the first value it is told of, not the one of the highest ballot', () => {
    const parts = withProposer((core) => ({
      receivePromise: (acceptorId, instanceId, ballot, valueBallot, value) =>
        core.receivePromise(acceptorId, instanceId, ballot, Math.min(valueBallot, 1), value),
    }));
    const found = violation({ ...SMALLEST, ballots: 3 }, parts, { maxSecondStates: 0 });
    expect(found).toMatchObject({ check: 'agreement', isShortest: false });
    expect(found.what).toBe('two values are chosen in instance 1: "x1" at ballot 11 and "x0" at ballot 20');
  });

  it('a restarted proposer that takes its first ballot again without asking', () => {
    const parts = withProposer((core) => ({
      openInstances: (now) => {
        const opened = core.openInstances(now);
        for (let a = 0; a < core.acceptors; a++) core.receivePromise(a, 1, core.id, 0, NO_VALUE);
        return opened;
      },
    }));
    const alone = { ...SMALLEST, proposers: 1, ballots: 1, proposerRestarts: 1 };
    expect(violation(alone, parts)).toMatchObject({
      check: 'ballots',
      what:
        'one ballot carries two values: p0→acceptors accept i=1 b=10 value=x0, ' +
        'and p0→acceptors accept i=1 b=10 value=y0',
      steps: 10,
      isShortest: true,
    });
  });

  it('an acceptor that answers before it is on disk', () => {
    const parts = { ...PRODUCTION_PARTS, answersBeforeSync: true };
    const configuration = { ...SMALLEST, ballots: 1, acceptorRestarts: 1 };
    expect(violation(configuration, parts)).toMatchObject({ check: 'promises', steps: 1 });
  });

  it('an invariant of the core itself', () => {
    const parts = withAcceptor((core) => ({
      receiveAccept: (instanceId, ballot, value) => {
        invariant(ballot < 11, 'nobody gets as far as 11');
        return core.receiveAccept(instanceId, ballot, value);
      },
    }));
    const what = 'invariant broken: nobody gets as far as 11';
    expect(violation(SMALLEST, parts)).toMatchObject({ check: 'invariant', what, isShortest: true });
  });
});
