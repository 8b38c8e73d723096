/**
 * The program chat.mjs in README.md, word for word, as three processes: what is typed into one is printed by all, in one
 * order; two go on without the third; and the third, started again, prints everything from the beginning. The other
 * program, kv.mjs, runs from the packed package: test/package/tarball.test.ts.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { freePorts } from '../support/ports.ts';
import { RunningProgram, readmeProgram } from '../support/readme.ts';

/** The program runs in a directory from which tsx cannot be found by its name. */
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm')).href;
/** A checkout's tests run what is in src/, built or not. */
const SRC = new URL('../../src/index.ts', import.meta.url).href;

it('chats as README.md says', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'libpaxos-chat-'));
  const ports = await freePorts(3);
  const program = readmeProgram('chat.mjs').replace("'libpaxos'", JSON.stringify(SRC));
  writeFileSync(join(directory, 'chat.mjs'), program);
  writeFileSync(
    join(directory, 'paxos.conf'),
    ports.map((port, id) => `replica ${id} 127.0.0.1 ${port}\n`).join(''),
  );
  const start = (id: number) => new RunningProgram(directory, ['--import', TSX, 'chat.mjs', String(id)]);
  const [first, second, third] = [start(0), start(1), start(2)];
  const chats = [first, second, third];
  onTestFinished(async () => {
    await Promise.all(chats.map((chat) => chat.kill()));
    rmSync(directory, { recursive: true });
  });

  first.type('one');
  second.type('two');
  third.type('three');
  const sequences = await Promise.all([first.printed(3), second.printed(3), third.printed(3)]);
  expect(sequences[0].map((line) => line.replace(/^\d+ /, '')).sort()).toEqual([
    '0: one',
    '1: two',
    '2: three',
  ]);
  expect(sequences[0].map((line) => line.split(' ')[0])).toEqual(['1', '2', '3']);
  expect(sequences[1]).toEqual(sequences[0]);
  expect(sequences[2]).toEqual(sequences[0]);

  await third.kill();
  first.type('four');
  const longer = await Promise.all([first.printed(4), second.printed(4)]);
  expect(longer[0].at(-1)).toBe('4 0: four');
  expect(longer[1]).toEqual(longer[0]);

  const again = start(2);
  chats.push(again);
  expect(await again.printed(4)).toEqual(longer[0]);
});
