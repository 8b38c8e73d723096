/** Every example's snapshot, restored into a new machine: the same state, which gives the same snapshot. */
import { expect, it } from 'vitest';
import { Counter } from '../../examples/counter.mjs';
import { Election } from '../../examples/election.mjs';
import { KeyValue } from '../../examples/kv.mjs';
import { Locks } from '../../examples/lock.mjs';
import { Queue } from '../../examples/queue.mjs';
import type { StateMachine } from '../../src/statemachine/machine.ts';
import { ChunkReader, chunksOf } from '../../src/statemachine/snapshot-reader.ts';

const CONTEXT = { instanceId: 1, index: 0, timeMs: 1000, session: 1, sequence: 1, random: () => 0 };
const leaseMs = 5000;

/** A machine after some commands, and a new one. */
function pair<Command, Result>(
  name: string,
  make: () => StateMachine<Command, Result>,
  commands: readonly Command[],
) {
  const machine = make();
  for (const command of commands) machine.apply(command, CONTEXT);
  return { name, machine, another: make() };
}

it.each([
  pair('counter', () => new Counter(), [{ add: 3 }]),
  pair('kv', () => new KeyValue(), [{ key: 'a', value: '1' }, { key: 'b', value: '2' }, { key: 'a' }]),
  pair('lock', () => new Locks(), [
    { do: 'acquire', lock: 'a', owner: 'ann', leaseMs },
    { do: 'write', lock: 'a', token: 1 },
    { do: 'acquire', lock: 'b', owner: 'bob', leaseMs },
  ]),
  pair('election', () => new Election(), [{ candidate: 'ann', leaseMs }]),
  pair('queue', () => new Queue(), [
    { do: 'add', work: 'a' },
    { do: 'add', work: 'b' },
    { do: 'take', hiddenMs: 5000 },
  ]),
])('the snapshot of $name holds all of its state', async ({ machine, another }) => {
  const before = String(another.snapshot());
  const snapshot = String(machine.snapshot());
  expect(snapshot).not.toBe(before);
  await another.restore(new ChunkReader(chunksOf(snapshot)));
  expect(another.snapshot()).toBe(snapshot);
});
