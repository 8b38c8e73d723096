import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  ASSERTING_FILES,
  LONG_FILES,
  LONG_FUNCTIONS,
  MAX_FILE_LINES,
  MAX_FUNCTION_LINES,
} from './allowances.ts';
import {
  bareReminders,
  lockFileFaults,
  machinePaths,
  missingHeader,
  moduleState,
  silentSkips,
  typeAssertions,
} from './rules.ts';
import { functionLengths, lineCount, parseSource, projectFiles, readSource } from './source.ts';

const files = projectFiles();
const typeScript = files.filter((path) => path.endsWith('.ts')).map(readSource);
const production = typeScript.filter(({ path }) => path.startsWith('src/') && !path.endsWith('.test.ts'));
const texts = files
  .filter(
    (path) =>
      /[.](ts|js|mjs|json|md|conf|css|html|sh)$|^[.]ci[/]run$/.test(path) && path !== 'package-lock.json',
  )
  .filter((path) => !path.startsWith('test/tidy/'))
  .map((path) => ({ path, text: readFileSync(path, 'utf8') }));

/** Compares sizes with a limit and its exceptions; each exception must be needed, and no larger than it need be. */
function ratchet(
  sizes: ReadonlyMap<string, number>,
  limit: number,
  allowed: Readonly<Record<string, number>>,
) {
  const tooLarge = [...sizes].filter(([name, size]) => size > (allowed[name] ?? limit));
  const tooGenerous = Object.entries(allowed).filter(([name, allowance]) => {
    const size = sizes.get(name) ?? 0;
    return size <= limit || size < allowance;
  });
  return {
    tooLarge: tooLarge.map(([name, size]) => `${name}: ${size} lines, ${allowed[name] ?? limit} allowed`),
    tooGenerous: tooGenerous.map(
      ([name, size]) => `${name}: ${size} allowed, ${sizes.get(name) ?? 0} needed`,
    ),
  };
}

function print(what: string, sizes: ReadonlyMap<string, number>, limit: number): void {
  const beyond = [...sizes].filter(([, size]) => size > limit).sort(([, a], [, b]) => b - a);
  for (const [name, size] of beyond) process.stdout.write(`${what} of ${size} lines: ${name}\n`);
}

describe('the project', () => {
  it('is looked at as a whole', () => {
    expect(production.length).toBeGreaterThan(20);
    expect(texts.map(({ path }) => path)).toContain('package.json');
  });

  it(`has no file beyond ${MAX_FILE_LINES} lines in src/, but those that are known`, () => {
    const sizes = new Map(production.map((source) => [source.path, lineCount(source)]));
    print('a file', sizes, MAX_FILE_LINES);
    expect(ratchet(sizes, MAX_FILE_LINES, LONG_FILES)).toEqual({ tooLarge: [], tooGenerous: [] });
  });

  it(`has no function beyond ${MAX_FUNCTION_LINES} lines in src/, but those that are known`, () => {
    const sizes = new Map<string, number>();
    for (const source of production) {
      for (const { name, lines } of functionLengths(source)) {
        const key = `${source.path} ${name}`;
        sizes.set(key, Math.max(lines, sizes.get(key) ?? 0));
      }
    }
    print('a function', sizes, MAX_FUNCTION_LINES);
    expect(ratchet(sizes, MAX_FUNCTION_LINES, LONG_FUNCTIONS)).toEqual({ tooLarge: [], tooGenerous: [] });
  });

  it('asserts types only where numbers are branded and bytes become fields', () => {
    const elsewhere = production.filter(({ path }) => !ASSERTING_FILES.includes(path));
    expect(elsewhere.flatMap(typeAssertions)).toEqual([]);
    const allowed = production.filter(({ path }) => ASSERTING_FILES.includes(path));
    expect(allowed.filter((source) => typeAssertions(source).length === 0)).toEqual([]);
  });

  it('keeps no mutable state in modules', () => {
    expect(production.flatMap(moduleState)).toEqual([]);
  });

  it('opens every file with what it is', () => {
    expect(production.flatMap(missingHeader)).toEqual([]);
  });

  it('skips no test without a reason that the run can print', () => {
    const tests = typeScript.filter(({ path }) => path.endsWith('.test.ts') || path.startsWith('test/'));
    expect(tests.flatMap(silentSkips)).toEqual([]);
  });

  it('has no bare reminders', () => {
    expect(texts.flatMap(({ path, text }) => bareReminders(path, text))).toEqual([]);
  });

  it('names no path of a single machine', () => {
    expect(texts.flatMap(({ path, text }) => machinePaths(path, text))).toEqual([]);
  });

  it('has no drawer for everything', () => {
    expect(files.filter((path) => /^(utils?|helpers?|misc|common)[.]/.test(basename(path)))).toEqual([]);
  });

  it('has a lock file that holds on any machine and platform', () => {
    const lock = JSON.parse(readFileSync('package-lock.json', 'utf8'));
    expect(Object.keys(lock.packages).length).toBeGreaterThan(100);
    expect(lockFileFaults(lock.packages)).toEqual([]);
  });
});

describe('the rules', () => {
  const source = (text: string) => parseSource('x.ts', text);

  it('see assertions, and not what only looks like one', () => {
    expect(typeAssertions(source('const a = b as Ballot;'))).toEqual(["x.ts:1 'as Ballot'"]);
    expect(typeAssertions(source('\nconst a = <Ballot>b;'))).toEqual(["x.ts:2 '<Ballot>' as an assertion"]);
    const harmless = `import { a as b } from './a.ts'; const c = ['x'] as const; const d = 1 satisfies number;`;
    expect(typeAssertions(source(harmless))).toEqual([]);
  });

  it('see mutable state of a module', () => {
    expect(moduleState(source('let count = 0;'))).toHaveLength(1);
    expect(moduleState(source('const a = 1; function f() { let b = 1; return b; }'))).toEqual([]);
  });

  it('see tests that are skipped in silence', () => {
    for (const silent of [
      'it.skip("x", f)',
      'describe.skipIf(a)("x", f)',
      'test.todo("x")',
      'it.only("x", f)',
    ]) {
      expect(silentSkips(source(silent))).toHaveLength(1);
    }
    expect(silentSkips(source('context.skip()'))).toHaveLength(1);
    expect(silentSkips(source('context.skip(missing)'))).toHaveLength(1);
    expect(silentSkips(source('context.skip("no strace"); context.skip(missing, "no strace")'))).toEqual([]);
  });

  it('measure a function from its first line to its last', () => {
    const text = 'class A {\n  /** why */\n  run(): void {\n    f();\n  }\n}\nconst g = () => {\n};\n';
    expect(functionLengths(source(text))).toEqual([
      { name: 'A.run', lines: 3 },
      { name: 'g', lines: 2 },
    ]);
  });

  it('see reminders and paths of a machine', () => {
    const home = ['', 'home'].join('/');
    expect(bareReminders('x', '// TODO: later')).toHaveLength(1);
    expect(bareReminders('x', '// TODO(#3): later')).toEqual([]);
    expect(machinePaths('x', `see ${home}/ann/libpaxos`)).toHaveLength(1);
    expect(machinePaths('x', `lmdb-env-path /tmp/acceptor, src${home}/x, https://a.b${home}/c`)).toEqual([]);
  });

  it('let sizes only shrink', () => {
    const sizes = new Map([
      ['a', 410],
      ['b', 300],
      ['c', 450],
    ]);
    expect(ratchet(sizes, 400, { a: 420, b: 410 })).toEqual({
      tooLarge: ['c: 450 lines, 400 allowed'],
      tooGenerous: ['a: 420 allowed, 410 needed', 'b: 410 allowed, 300 needed'],
    });
  });

  it('see what makes a lock file fail elsewhere', () => {
    const faults = lockFileFaults({
      'node_modules/a': {
        resolved: 'https://registry.example/a.tgz',
        optionalDependencies: { b: '1', c: '1' },
      },
      'node_modules/b': {},
    });
    expect(faults).toHaveLength(2);
  });

  it('see a missing header', () => {
    expect(missingHeader(source('import x from "x";'))).toHaveLength(1);
    expect(missingHeader(source('#!/usr/bin/env node\n/** The command line. */'))).toEqual([]);
  });
});
