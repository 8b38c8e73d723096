/**
 * Scratch: copies of the project in which a mutant lives, below `.tmp/`, gone when the harness ends.
 *
 *   program    src/ as JavaScript, transpiled once; for each mutant a copy, with its files transpiled anew
 *   checkout   src/ and test/ as they are, with its files edited: for the tests
 */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { edited, filesOf, type Mutant } from './mutant.ts';

const ROOMS = ['paxos', 'storage', 'config', 'transport', 'evpaxos', 'statemachine', 'sim'] as const;
/** The program that runs seeds, beside the rooms. */
const SEEDS = 'test/mutants/seeds.ts';
const CHECKOUT = ['src', 'test', 'package.json', 'tsconfig.json', 'vitest.config.ts'] as const;

const COMPILER_OPTIONS = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.ESNext,
  verbatimModuleSyntax: true,
  rewriteRelativeImportExtensions: true,
} as const;

/** TypeScript as JavaScript, and what is wrong with its syntax; types are not looked at. */
export function transpiled(text: string): ts.TranspileOutput {
  return ts.transpileModule(text, { compilerOptions: COMPILER_OPTIONS, reportDiagnostics: true });
}

export class Scratch {
  readonly #root: string;
  readonly #folder: string;

  /** @param root the root of the project */
  constructor(root: string) {
    this.#root = root;
    const parent = join(root, '.tmp');
    mkdirSync(parent, { recursive: true });
    this.#folder = mkdtempSync(join(parent, 'mutants-'));
    for (const room of ROOMS) {
      const from = join(root, 'src', room);
      for (const name of readdirSync(from, { recursive: true, encoding: 'utf8' })) {
        if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
        this.#writeProgram(join(this.original, 'src', room, name), readFileSync(join(from, name), 'utf8'));
      }
    }
    // It says its version to others.
    cpSync(join(root, 'package.json'), join(this.original, 'package.json'));
    this.#writeProgram(join(this.#folder, 'seeds.ts'), readFileSync(join(root, SEEDS), 'utf8'));
  }

  /** The program that runs seeds of the program in a folder. */
  get seeds(): string {
    return join(this.#folder, 'seeds.js');
  }

  /** The program without a fault. */
  get original(): string {
    return join(this.#folder, 'original');
  }

  /** The program with a mutant in it. */
  program(mutant: Mutant): string {
    const folder = join(this.#folder, `${mutant.id}-program`);
    cpSync(this.original, folder, { recursive: true });
    for (const file of filesOf(mutant)) {
      this.#writeProgram(join(folder, file), this.#edited(mutant, file));
    }
    return folder;
  }

  /** The project with a mutant in it. */
  checkout(mutant: Mutant): string {
    const folder = join(this.#folder, `${mutant.id}-checkout`);
    for (const name of CHECKOUT) cpSync(join(this.#root, name), join(folder, name), { recursive: true });
    symlinkSync(join(this.#root, 'node_modules'), join(folder, 'node_modules'));
    for (const file of filesOf(mutant)) writeFileSync(join(folder, file), this.#edited(mutant, file));
    return folder;
  }

  /** A mutant's folder is not needed any more. */
  drop(folder: string): void {
    rmSync(folder, { recursive: true, force: true });
  }

  close(): void {
    this.drop(this.#folder);
  }

  #edited(mutant: Mutant, file: string): string {
    return edited(mutant, file, readFileSync(join(this.#root, file), 'utf8'));
  }

  /** Writes a file of TypeScript as JavaScript. */
  #writeProgram(path: string, text: string): void {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path.replace(/[.]ts$/, '.js'), transpiled(text).outputText);
  }
}
