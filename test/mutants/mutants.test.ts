/**
 * The list of mutants: each still finds the code that it changes, and what comes out is code, and other code.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { MUTANTS } from './list/all.ts';
import { edited, filesOf } from './mutant.ts';
import { transpiled } from './scratch.ts';

describe('mutants', () => {
  test('there are 50 or more, each with a name of its own', () => {
    const ids = MUTANTS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(50);
    for (const id of ids) expect(id).toMatch(/^[a-z0-9-]+$/);
  });

  test.each(MUTANTS)('$id finds its place, once, and changes the program', (mutant) => {
    for (const file of filesOf(mutant)) {
      const changed = compiled(edited(mutant, file, readFileSync(file, 'utf8')));
      expect(changed.faults).toEqual([]);
      expect(changed.program).not.toBe(original(file));
    }
  });

  test('one that finds its place nowhere, or twice, says so', () => {
    const edit = { file: 'a.ts', find: 'x', replace: 'y' };
    const mutant = { id: 'm', breaks: '', edits: [edit] } as const;
    expect(() => edited(mutant, 'a.ts', 'z')).toThrow('nowhere in a.ts');
    expect(() => edited(mutant, 'a.ts', 'x x')).toThrow('2 times in a.ts');
    expect(edited(mutant, 'b.ts', 'x x')).toBe('x x');
  });
});

const originals = new Map<string, string>();

function original(file: string): string {
  const known = originals.get(file);
  if (known !== undefined) return known;
  const { program } = compiled(readFileSync(file, 'utf8'));
  originals.set(file, program);
  return program;
}

function compiled(text: string) {
  const { outputText: program, diagnostics = [] } = transpiled(text);
  return { program, faults: diagnostics.map(({ messageText }) => messageText) };
}
