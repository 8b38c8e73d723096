import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Uncounted } from './uncounted.ts';

const INSTRUCTIONS_BYTES = 65_536;
const RECORDS_A_COMMIT = 10_000;

/** What is held through this grows old: it outlives several collections of what is young. */
async function grownOld(): Promise<WeakRef<SharedArrayBuffer>> {
  const held = new SharedArrayBuffer(INSTRUCTIONS_BYTES);
  await makeGarbage();
  return new WeakRef(held);
}

async function makeGarbage(): Promise<void> {
  let garbage: readonly number[] = [];
  for (let i = 0; i < 10_000; i++) {
    garbage = new Array<number>(1000).fill(garbage.length);
    if (i % 100 === 0) await setImmediate();
  }
}

it('has old memory freed that V8 counts as nothing, once enough records were written', async () => {
  const old = await grownOld();

  const uncounted = new Uncounted();
  while (old.deref() !== undefined) {
    for (let records = 0; records < 800_000; records += RECORDS_A_COMMIT) uncounted.note(RECORDS_A_COMMIT);
    await makeGarbage();
  }

  expect(old.deref()).toBeUndefined();
});
