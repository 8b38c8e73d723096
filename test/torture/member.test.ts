/**
 * Members: an end that nobody asked for is told, with the last words; others are not.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { Member } from './member.ts';

const FOREVER = 'setInterval(() => undefined, 1000);';
const PROMPT = 'process.on("SIGTERM", () => process.exit(0));';
const CLAIM = `console.log('{"type":"progress","delivered":7,"digest":"abc","leading":true}');`;

const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A member that runs a script, and the next thing that is told of it. */
function member(script: string) {
  const directory = mkdtempSync(join(tmpdir(), 'libpaxos-member-'));
  const told: string[] = [];
  let look: () => void = () => undefined;
  const tell = (text: string) => {
    told.push(text);
    look();
  };
  const made = new Member({
    name: 'r0',
    program: [process.execPath],
    words: ['-e', script],
    logPath: join(directory, 'r0.log'),
    claimed: (life, { delivered, digest }) => tell(`life ${life}: ${delivered} ${digest}`),
    failed: tell,
    stoppedByDisk: () => tell('stopped by its disk'),
  });
  ends.push(async () => {
    await made.kill();
    await made.close();
    rmSync(directory, { recursive: true });
  });
  const next = () =>
    new Promise<string>((resolve) => {
      look = () => {
        const text = told.shift();
        if (text !== undefined) resolve(text);
      };
      look();
    });
  return { made, next, told, log: () => readFileSync(join(directory, 'r0.log'), 'utf8') };
}

describe('a member', () => {
  it('that ends by itself is a fault, with its last words', async () => {
    const { made, next } = member('console.error("error: out of luck"); process.exitCode = 3;');
    made.start();
    const told = await next();
    expect(told).toMatch(/^r0: process \d+ ended with 3, and nobody asked for that; its last words:/);
    expect(told).toContain('error: out of luck');
    expect(made.isUp).toBe(false);
  });

  it('that is killed is none, and comes back as another life', async () => {
    const { made, next, told } = member(CLAIM + FOREVER);
    made.start();
    expect(await next()).toBe('life 1: 7 abc');
    expect([made.isLeading, made.claim?.delivered]).toEqual([true, 7]);
    await made.kill();
    expect([made.isUp, made.isLeading]).toEqual([false, false]);
    made.start();
    expect(await next()).toBe('life 2: 7 abc');
    expect(told).toEqual([]);
  });

  it('that stands still can be killed', async () => {
    const { made, next, told } = member(CLAIM + FOREVER);
    made.start();
    await next();
    made.stop();
    await made.kill();
    expect(told).toEqual([]);
  });

  it('may end when its disk fails, and says so', async () => {
    const script =
      'console.error("error: the data in /x/acceptor_0 could not be written: EIO"); process.exitCode = 1;';
    const { made, next } = member(script);
    made.start();
    made.hasBadDisk = true;
    expect(await next()).toBe('stopped by its disk');
  });

  it('ends when it is asked to, and it is told how if it did so badly', async () => {
    const good = member(PROMPT + CLAIM + FOREVER);
    good.made.start();
    await good.next();
    expect(await good.made.terminate()).toBeUndefined();
    const bad = member(`process.on("SIGTERM", () => process.exit(9));${CLAIM}${FOREVER}`);
    bad.made.start();
    await bad.next();
    expect(await bad.made.terminate()).toBe('r0 ended with 9');
  });
});
