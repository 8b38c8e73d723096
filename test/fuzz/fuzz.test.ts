/**
 * Fuzzing in CI: every input of the corpus, and a moment of new ones, which the commit's hash decides: each commit tries
 * others. That is done in processes of their own, since both the test runner and the fuzzer ask V8 for coverage.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SeededRandom } from '../../src/transport/random.ts';
import { readCorpus } from './corpus.ts';
import { Crash, Fuzzer } from './fuzzer.ts';
import { Mutator } from './mutator.ts';
import { mustHold } from './target.ts';
import { TARGETS } from './targets.ts';

const PROGRAM = ['--import', 'tsx', 'test/fuzz/main.ts'];
const MAX_CORPUS_BYTES = 200_000;
/** Outside a git checkout. */
const NO_COMMIT = 'fa11bacc0de0';
/** Hexadecimal digits of the hash that make the seed. */
const DIGITS = 11;

/** Runs the program to its end. */
function run(...argv: string[]): Promise<{ code: unknown; out: string; err: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [...PROGRAM, ...argv], (error, out, err) =>
      resolve({ code: error === null ? 0 : error.code, out, err }),
    );
  });
}

async function seedOfCommit(): Promise<number> {
  const { stdout } = await promisify(execFile)('git', ['rev-parse', 'HEAD']).catch(() => ({
    stdout: NO_COMMIT,
  }));
  return Number.parseInt(stdout.slice(0, DIGITS), 16);
}

const seed = await seedOfCommit();

describe.each(TARGETS)('$name', (target) => {
  it('bears every input of its corpus', { timeout: 60_000 }, async () => {
    const corpus = readCorpus(target.name);
    expect(corpus.length).toBeGreaterThan(20);
    for (const input of corpus) await target.run(input);
  });

  it(`bears a second of new inputs, seed ${seed}`, { timeout: 60_000 }, async () => {
    const argv = ['--target', target.name, '--seconds', '1', '--seed', String(seed), '--json'];
    const { code, out, err } = await run(...argv);
    expect(code, err).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ target: target.name, seed });
  });
});

describe('the fuzzer', () => {
  /** Bears all but an input that begins with three certain bytes. */
  const target = {
    name: 'picky',
    maxBytes: 64,
    batch: 16,
    beginnings: () => [],
    words: [],
    run: (input: Uint8Array) => {
      const known = [0xa5, 0x5a, 0x77].findIndex((byte, at) => input[at] !== byte);
      mustHold(known !== -1, () => 'three bytes');
      return [`${known} bytes`];
    },
  };

  it('comes, by what inputs lead to, to one that chance would not find', async () => {
    const fuzzer = new Fuzzer({ target, seed: 1 });
    const crash: unknown = await (async () => {
      while (fuzzer.runs < 100_000) await fuzzer.step();
    })().catch((error: unknown) => error);
    expect(crash).toBeInstanceOf(Crash);
    expect(crash).toMatchObject({ message: 'three bytes' });
    expect(crash instanceof Crash && [...crash.input.subarray(0, 3)]).toEqual([0xa5, 0x5a, 0x77]);
  });

  it('makes the same of the same seed, no longer than may be', () => {
    const made = [1, 1, 2].map((one) => {
      const mutator = new Mutator(new SeededRandom(one), [Uint8Array.of(9, 9)], 64);
      return Array.from({ length: 500 }, () => mutator.mutate(new Uint8Array(60), Uint8Array.of(1, 2, 3)));
    });
    expect(made[1]).toEqual(made[0]);
    expect(made[2]).not.toEqual(made[0]);
    expect(Math.max(...made.flat().map(({ length }) => length))).toBe(64);
  });
});

describe('npm run fuzz', () => {
  it('says what is wrong with how it was called', async () => {
    const { code, err } = await run('--target', 'nothing');
    expect(code).toBe(2);
    expect(err).toContain('codec, config, node');
  });
});

it('the corpora are small enough to be kept here', () => {
  const bytes = TARGETS.map(
    ({ name }) => readFileSync(new URL(`corpus/${name}.hex`, import.meta.url)).length,
  );
  expect(bytes.reduce((sum, one) => sum + one, 0)).toBeLessThan(MAX_CORPUS_BYTES);
});
