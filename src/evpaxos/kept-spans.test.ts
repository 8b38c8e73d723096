/** KeptSpans: a whole cluster is started again, and its acceptors tell what is chosen without having it counted. */
import { describe, expect, it } from 'vitest';
import { MemoryCluster, type Sequence } from '../../test/support/memory-cluster.ts';
import { Learned, type Span } from '../paxos/learned.ts';
import { MemoryStorage } from '../storage/memory.ts';
import { KeptSpans } from './kept-spans.ts';

/** A storage that outlasts its process. */
class LastingStorage extends MemoryStorage {
  kept: readonly Span[] = [];
  readonly spans;

  constructor() {
    super();
    const keep = (spans: readonly Span[]) => {
      this.kept = spans;
    };
    const kept = () => this.kept;
    this.spans = {
      get kept() {
        return kept();
      },
      keep,
    };
  }

  override async close(): Promise<void> {}
}

const VALUES = Array.from({ length: 50 }, (_, i) => `value ${i}`);

/** Acceptors of a cluster whose proposer has gone, started again on what they had; and a learner that comes then. */
async function startedAgain(
  forget: boolean,
): Promise<{ readonly values: string[]; readonly counts: number }> {
  const cluster = new MemoryCluster({ acceptors: 3, proposers: 1 });
  const storages = [0, 1, 2].map(() => new LastingStorage());
  for (const [id, storage] of storages.entries()) await cluster.acceptor(id, storage);
  await cluster.proposer(0);
  cluster.world.advance(1000);
  for (const value of VALUES)
    cluster.nodes.get('proposer 0')?.values?.submit(new TextEncoder().encode(value));
  cluster.world.advance(2000);
  await cluster.closeAll();
  if (forget) for (const storage of storages) storage.kept = [];
  for (const [id, storage] of storages.entries()) await cluster.acceptor(id, storage);
  const sequence: Sequence = { values: [] };
  await cluster.learner('late', sequence);
  cluster.world.advance(2000);
  const counts = cluster.events.filter(({ event }) => event.type === 'counting').length;
  await cluster.closeAll();
  return { values: sequence.values, counts };
}

describe('what acceptors have learned', () => {
  it('is told by those who are started again', async () => {
    expect(await startedAgain(false)).toEqual({ values: VALUES, counts: 0 });
  });

  it('is counted where it was not kept', async () => {
    expect(await startedAgain(true)).toEqual({ values: VALUES, counts: 1 });
  });

  it('is kept again only when there is more of it, and not what is trimmed', () => {
    const kept: (readonly Span[])[] = [];
    const spans = {
      kept: [
        { from: 1, to: 9, ballot: 10 },
        { from: 12, to: 20, ballot: 21 },
      ],
      keep: (some: readonly Span[]) => kept.push(some),
    };
    const learned = new Learned();
    const keeping = new KeptSpans({ spans, trimInstanceId: 9 }, learned);
    expect(learned.spans).toEqual([{ from: 12, to: 20, ballot: 21 }]);
    keeping.keep();
    expect(kept).toEqual([]);
    learned.note(21, 21);
    keeping.keep();
    keeping.keep();
    expect(kept).toEqual([[{ from: 12, to: 21, ballot: 21 }]]);
  });
});
