/**
 * Nodes of ours among ones that behave as the original's, on virtual time: what test/original does with the original
 * itself, where that is at hand.
 */
import { describe, expect, it } from 'vitest';
import { ballotAbove } from '../../src/paxos/ballot.ts';
import { MemoryStorage } from '../../src/storage/index.ts';
import { encodePrepare, encodeRepeat } from '../../src/transport/encode.ts';
import { Role } from '../../src/transport/messages.ts';
import { OriginalAcceptor, OriginalProposer } from '../support/like-original.ts';
import { MemoryCluster, type Sequence } from '../support/memory-cluster.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

/** Three acceptors of ours, a proposer of ours with id 1, an original one with id 0, and a learner. */
async function withOriginalProposer() {
  const cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
  const storages = [0, 1, 2].map(() => new MemoryStorage());
  for (const [id, storage] of storages.entries()) await cluster.acceptor(id, storage);
  const original = await OriginalProposer.start(cluster, 0);
  const ours = await cluster.proposer(1);
  const sequence: Sequence = { values: [] };
  await cluster.learner('learner', sequence);
  cluster.world.advance(1000);
  return { cluster, storages, original, ours, sequence };
}

/** Gives a proposer of ours values, a hundred at a time. */
function give(cluster: MemoryCluster, count: number, name = 'proposer 1'): void {
  for (let i = 0; i < count; i++) {
    cluster.nodes.get(name)?.values?.submit(bytes(`ours ${i}`));
    if (i % 100 === 99) cluster.world.advance(5);
  }
  cluster.world.advance(200);
}

function eventsOf(cluster: MemoryCluster, type: string): number {
  return cluster.events.filter(({ event }) => event.type === type).length;
}

/** The ballots at which the instances from 1 to `last` were accepted, each once. */
function ballots(storages: readonly MemoryStorage[], last: number): number[] {
  const found = new Set<number>();
  for (const storage of storages)
    for (const { acceptedBallot } of storage.accepted(1, last)) found.add(acceptedBallot);
  return [...found];
}

describe('a proposer of ours beside an original one', () => {
  it('is not driven to ever higher ballots by one that only prepares', async () => {
    const { cluster, ours, sequence } = await withOriginalProposer();
    give(cluster, 3000);
    expect(sequence.values).toHaveLength(3000);
    expect(ours.proposer?.core.ballot).toBeLessThan(50);
    expect(eventsOf(cluster, 'stepped-down')).toBe(0);
    await cluster.closeAll();
  });

  it('follows one that gets values chosen, gives it its own, and leads again when it is silent', async () => {
    const { cluster, original, ours, sequence } = await withOriginalProposer();
    original.propose(bytes('theirs'));
    cluster.world.settle();
    expect(sequence.values).toEqual(['theirs']);
    expect(ours.proposer?.isLeading).toBe(false);
    give(cluster, 1);
    expect(sequence.values).toEqual(['theirs', 'ours 0']);
    expect(ours.proposer?.isLeading).toBe(false);
    cluster.world.advance(2000);
    expect(ours.proposer?.isLeading).toBe(true);
    give(cluster, 1);
    expect(sequence.values).toEqual(['theirs', 'ours 0', 'ours 0']);
    await cluster.closeAll();
  });

  it('takes one for alive that gets values chosen at lower ballots than before', async () => {
    const { cluster, original, ours } = await withOriginalProposer();
    for (let i = 0; i < 200; i++) {
      original.propose(bytes(`theirs ${i}`));
      cluster.world.advance(50);
    }
    expect(ours.proposer?.isLeading).toBe(false);
    expect(eventsOf(cluster, 'leading')).toBeLessThanOrEqual(2);
    await cluster.closeAll();
  });
});

describe('a client of ours, told to use a proposer of ours', () => {
  it('gives its values straight to an original while that gets values chosen, and then to ours again', async () => {
    const { cluster, original, ours, sequence } = await withOriginalProposer();
    const client = await cluster.client('client', { values: [] }, 1);
    cluster.world.advance(2000);
    give(cluster, 1, 'client');
    expect(sequence.values).toEqual(['ours 0']);
    original.propose(bytes('theirs'));
    cluster.world.settle();
    give(cluster, 1);
    expect(original.givers, 'by way of our proposer').toBe(1);
    let chosen = 0;
    client.values?.submit(bytes('straight'), () => chosen++);
    cluster.world.settle();
    expect(original.givers, 'and straight').toBe(2);
    expect(sequence.values).toEqual(['ours 0', 'theirs', 'ours 0', 'straight']);
    expect(chosen).toBe(1);
    cluster.world.advance(2000);
    expect(ours.proposer?.isLeading).toBe(true);
    give(cluster, 1, 'client');
    expect(sequence.values.at(-1)).toBe('ours 0');
    expect(ours.proposer?.isLeading, 'nothing went to the original').toBe(true);
    await cluster.closeAll();
  });
});

describe('a proposer of ours that has outvoted an active original', () => {
  it('yields when it sees that values are chosen all the same, at lower ballots', async () => {
    const cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
    const acceptors: OriginalAcceptor[] = [];
    for (const id of [0, 1, 2]) acceptors.push(await OriginalAcceptor.listen(cluster, id));
    const ours = await cluster.proposer(1);
    cluster.world.advance(2000);
    give(cluster, 10);
    expect(ours.proposer?.isLeading).toBe(true);
    // Far above what ours has prepared, at a ballot below its own.
    for (const acceptor of acceptors) acceptor.accept(1000, 10, bytes('theirs'));
    cluster.world.settle();
    expect(ours.proposer?.isLeading).toBe(false);
    await cluster.closeAll();
  });
});

describe('a proposer of ours that is outvoted by an original again and again', () => {
  it('yields after a few ballots, and leads again when the other is silent', async () => {
    const cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
    for (const id of [0, 1, 2]) await cluster.acceptor(id);
    const ours = await cluster.proposer(1);
    cluster.world.advance(1000);
    const original = [0, 1, 2].map((id) => cluster.connect('acceptor', id));
    for (let i = 0; i < 20; i++) {
      const { low, highestSeen } = ours.proposer?.core ?? { low: 0, highestSeen: 0 };
      const ballot = ballotAbove(highestSeen, 0);
      for (const peer of original) peer.say((out) => encodePrepare(out, low, ballot));
      ours.values?.submit(bytes(`ours ${i}`));
      cluster.world.advance(10);
    }
    expect(ours.proposer?.isLeading).toBe(false);
    expect(eventsOf(cluster, 'stepped-down')).toBe(1);
    expect(ours.proposer?.core.low, 'it got values through before').toBeGreaterThan(1);
    cluster.world.advance(2000);
    expect(ours.proposer?.isLeading).toBe(true);
    await cluster.closeAll();
  });
});

describe('an original proposer that was idle while one of ours led', () => {
  it('does not run again what was chosen meanwhile', async () => {
    const { cluster, storages, original, sequence } = await withOriginalProposer();
    give(cluster, 3000);
    const before = ballots(storages, 2500);
    for (let i = 0; i < 200; i++) original.propose(bytes(`theirs ${i}`));
    cluster.world.settle();
    expect(sequence.values.slice(3000)).toHaveLength(200);
    expect(new Set(sequence.values.slice(3000)).size).toBe(200);
    expect(original.lowest).toBeGreaterThan(3200);
    expect(ballots(storages, 2500)).toEqual(before);
    await cluster.closeAll();
  });

  it('is left alone where originals are a quorum: their learners would not catch up', async () => {
    const cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
    await OriginalAcceptor.listen(cluster, 0);
    await OriginalAcceptor.listen(cluster, 1);
    await cluster.acceptor(2);
    const original = await OriginalProposer.start(cluster, 0);
    await cluster.proposer(1);
    cluster.world.advance(3000);
    give(cluster, 500);
    original.propose(bytes('theirs'));
    cluster.world.settle();
    const trims = original.trimsHeard;
    expect(trims.filter((trim) => trim > 0)).toEqual([]);
    await cluster.closeAll();
  });
});

describe('an acceptor of ours that is asked to repeat', () => {
  it('tells an original that misses much a long stretch, and one that misses little that', async () => {
    const cluster = new MemoryCluster({ acceptors: 1, proposers: 1 });
    await cluster.startAll();
    give(cluster, 3000, 'proposer 0');
    const told = (from: number, to: number, isOurs = false) => {
      const learner = cluster.connect('acceptor', 0);
      if (isOurs) learner.sayHello(cluster.hello(Role.learner));
      learner.say((out) => encodeRepeat(out, from, to));
      cluster.world.settle();
      return learner.messages.filter(({ type }) => type === 'accepted').length;
    };
    expect(told(1, 11)).toBe(2048);
    expect(told(2990, 3000)).toBe(11);
    expect(told(1, 5)).toBe(5);
    expect(told(1, 11, true)).toBe(11);
    await cluster.closeAll();
  });
});

describe('on original acceptors with a history', () => {
  const HISTORY = 20_000;

  async function withHistory() {
    const cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
    const acceptors: OriginalAcceptor[] = [];
    for (const id of [0, 1, 2]) acceptors.push(await OriginalAcceptor.listen(cluster, id));
    for (const acceptor of acceptors) {
      for (let iid = 1; iid <= HISTORY; iid++) acceptor.put(iid, 12, bytes(`old ${iid}`));
    }
    return { cluster, acceptors };
  }

  it('a late learner of ours has it all at once, though nothing new comes', async () => {
    const { cluster, acceptors } = await withHistory();
    const sequence: Sequence = { values: [] };
    await cluster.learner('learner', sequence);
    cluster.world.advance(1500);
    expect(sequence.values).toHaveLength(HISTORY);
    for (const { repeated } of acceptors) expect(repeated).toBeLessThan(1.2 * HISTORY);
    await cluster.closeAll();
  });

  it('a late proposer of ours begins at its end', async () => {
    const { cluster, acceptors } = await withHistory();
    await cluster.proposer(0);
    cluster.world.advance(1500);
    give(cluster, 100, 'proposer 0');
    for (const acceptor of acceptors) expect(acceptor.ballots(HISTORY - 1024)).toEqual([12]);
    expect(acceptors[0]?.ballots(HISTORY + 100)).toHaveLength(2);
    await cluster.closeAll();
  });
});

describe('where originals are most of the acceptors, and an instance was accepted at a ballot by each', () => {
  /** A leader begins so far below the end that it does not run the first ones again. */
  const HISTORY = 3000;

  /** Acceptors 0 and 1 are originals. Instance 1 is chosen and cannot be told from the records; all others can. */
  async function scattered() {
    const cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
    const originals = [await OriginalAcceptor.listen(cluster, 0), await OriginalAcceptor.listen(cluster, 1)];
    const storage = new MemoryStorage();
    storage.put(1, 30, 30, bytes('old 1'));
    for (const [id, original] of originals.entries()) original.put(1, 12 + 10 * id, bytes('old 1'));
    for (let iid = 2; iid <= HISTORY; iid++) {
      storage.put(iid, 12, 12, bytes(`old ${iid}`));
      for (const original of originals) original.put(iid, 12, bytes(`old ${iid}`));
    }
    await cluster.acceptor(2, storage);
    const leader = await cluster.proposer(0);
    cluster.world.advance(2000);
    return { cluster, originals, leader };
  }

  it('a late learner has it: the originals are asked what they promised there, and then for it', async () => {
    const { cluster, originals, leader } = await scattered();
    const sequence: Sequence = { values: [] };
    await cluster.learner('learner', sequence);
    cluster.world.advance(3000);
    expect(sequence.values).toHaveLength(HISTORY);
    expect(sequence.values.slice(0, 2)).toEqual(['old 1', 'old 2']);
    const { ballot = 0 } = leader.proposer?.core ?? {};
    for (const original of originals) expect(original.ballots(1)).toEqual([ballot]);
    await cluster.closeAll();
  });

  it('it takes another ballot where an original has promised ours, or more: a former process may have used it', async () => {
    for (const more of [0, 40]) {
      const { cluster, originals, leader } = await scattered();
      const { ballot = 0 } = leader.proposer?.core ?? {};
      for (const [id, original] of originals.entries())
        original.promise(1, { promised: ballot + more, accepted: 12 + 10 * id }, bytes('old 1'));
      const sequence: Sequence = { values: [] };
      await cluster.learner('learner', sequence);
      cluster.world.advance(3000);
      expect(sequence.values).toHaveLength(HISTORY);
      expect(leader.proposer?.core.ballot).toBe(ballot + more + 10);
      await cluster.closeAll();
    }
  });
});

describe('a late proposer of ours where every acceptor is an original', () => {
  it('follows the one that leads', async () => {
    const cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
    for (const id of [0, 1, 2]) await OriginalAcceptor.listen(cluster, id);
    const first = await cluster.proposer(0);
    cluster.world.advance(2000);
    const second = await cluster.proposer(1);
    cluster.world.advance(5000);
    expect([first, second].map((node) => node.proposer?.isLeading)).toEqual([true, false]);
    expect(eventsOf(cluster, 'stepped-down')).toBe(0);
    const sequence: Sequence = { values: [] };
    await cluster.learner('learner', sequence);
    give(cluster, 10, 'proposer 1');
    cluster.world.advance(1500);
    expect(sequence.values).toHaveLength(10);
    await cluster.closeAll();
  });
});

describe('proposers of ours that start together', () => {
  it('do not outvote each other', async () => {
    const cluster = new MemoryCluster({ replicas: 3 });
    for (const id of [0, 1, 2]) await cluster.replica(id);
    cluster.world.advance(1000);
    expect(cluster.leader.node.proposer?.core.ballot).toBeLessThan(30);
    expect(eventsOf(cluster, 'leading')).toBeLessThanOrEqual(2);
    await cluster.closeAll();
  });
});

describe('a leader whose process stood still', () => {
  it('goes on: it could hear nobody meanwhile, but that says nothing of them', async () => {
    const cluster = new MemoryCluster({ acceptors: 3, proposers: 1 });
    await cluster.startAll();
    cluster.world.stall(5000);
    cluster.world.advance(1000);
    expect(cluster.leader.id).toBe(0);
    expect(eventsOf(cluster, 'stepped-down')).toBe(0);
    await cluster.closeAll();
  });
});
