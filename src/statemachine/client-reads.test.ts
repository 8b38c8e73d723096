import { describe, expect, it } from 'vitest';
import { MemoryWorld } from '../../test/support/memory-world.ts';
import { PaxosError } from '../paxos/error.ts';
import { Consistency, ReadStatus } from '../transport/messages.ts';
import { ClientReads, MAX_OUTSTANDING_READS } from './client-reads.ts';

const QUERY = Uint8Array.of(1);
const text = (bytes: string) => new TextEncoder().encode(bytes);

function scene() {
  const world = new MemoryWorld();
  const asked: number[] = [];
  const state = { isReady: true };
  const reads: ClientReads<string> = new ClientReads(
    world,
    {
      isReady: () => state.isReady,
      read: (token) => void asked.push(token),
      wake: () => world.endOfTurn(() => reads.flush()),
    },
    (bytes) => new TextDecoder().decode(bytes),
  );
  const read = (signal?: AbortSignal) =>
    reads
      .read(QUERY, Consistency.linearizable, signal)
      .catch((error: unknown) => (error instanceof PaxosError ? error.code : String(error)));
  return { world, asked, state, reads, read };
}

describe('ClientReads', () => {
  it('asks at the end of a turn, and settles each with its own answer, once', async () => {
    const { world, asked, reads, read } = scene();
    const [a, b] = [read(), read()];
    expect(asked).toEqual([]);
    world.settle();
    expect(asked).toEqual([1, 2]);
    reads.onReadResult(2, ReadStatus.ok, text('two'));
    reads.onReadResult(1, ReadStatus.failed, text('no'));
    reads.onReadResult(1, ReadStatus.ok, text('late'));
    expect(await Promise.all([a, b])).toEqual(['READ_FAILED', 'two']);
    expect(reads.isWaitedFor).toBe(false);
  });

  it('asks again on another connection, and after a while where nobody could tell', async () => {
    const { world, asked, state, reads, read } = scene();
    const a = read();
    world.settle();
    reads.onReadResult(1, ReadStatus.unavailable, QUERY);
    world.settle();
    expect(asked).toEqual([1]);
    world.advance(100);
    expect(asked).toEqual([1, 1]);
    state.isReady = false;
    reads.reconnected();
    world.settle();
    expect(asked).toEqual([1, 1]);
    state.isReady = true;
    reads.flush();
    expect(asked).toEqual([1, 1, 1]);
    reads.onReadResult(1, ReadStatus.ok, text('yes'));
    expect(await a).toBe('yes');
  });

  it('stops waiting when the signal says so, and asks that no more', async () => {
    const { world, asked, reads, read } = scene();
    const abort = new AbortController();
    const a = read(abort.signal);
    abort.abort();
    world.settle();
    expect([await a, await read(abort.signal), asked.length]).toEqual(['ABORTED', 'ABORTED', 0]);
    expect(reads.isWaitedFor).toBe(false);
  });

  it('lets so many wait, refuses more, and ends all when it is closed', async () => {
    const { reads, read } = scene();
    const all = Array.from({ length: MAX_OUTSTANDING_READS }, () => read());
    expect(await read()).toBe('QUEUE_FULL');
    reads.close(new PaxosError('CLOSED', 'closed'));
    expect(new Set(await Promise.all(all))).toEqual(new Set(['CLOSED']));
    expect(await read()).toBe('CLOSED');
  });

  it('keeps nothing of what was given up while nobody could be asked', async () => {
    const { state, reads, read } = scene();
    state.isReady = false;
    const living = read();
    for (let i = 0; i < 10_000; i++) {
      const giver = new AbortController();
      const given = read(giver.signal);
      giver.abort();
      expect(await given).toBe('ABORTED');
    }
    expect(reads.keptCount).toBeLessThan(5000);
    reads.close(new PaxosError('CLOSED', 'closed'));
    expect(await living).toBe('CLOSED');
  });
});
