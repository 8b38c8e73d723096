/**
 * Runs seeds of one copy of the program, in a process of its own, and stops at the first that finds a fault. The copy
 * may be broken in any way; whatever it throws is a fault found.
 *
 *   node seeds.js FOLDER FROM COUNT [commands]   prints a SeedLine a seed; runs all, or those of commands alone
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** One seed's end; `checker` if it found a fault. */
export interface SeedLine {
  readonly seed: number;
  readonly checker?: string;
  readonly message?: string;
}

const [folder = '', from = '1', count = '1', kind = 'all'] = process.argv.slice(2);

function print(line: SeedLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function found(seed: number, error: unknown): never {
  const message = error instanceof Error ? error.message : String(error);
  const thrown = message.startsWith('invariant broken') ? 'invariant' : 'crash';
  const checker = error instanceof Error && 'checker' in error ? String(error.checker) : thrown;
  print({ seed, checker, message });
  process.exit(0);
}

let running = Number(from);
process.on('unhandledRejection', (error) => found(running, error));
process.on('uncaughtException', (error) => found(running, error));

const sim: typeof import('../../src/sim/index.ts') = await import(
  pathToFileURL(join(folder, 'src/sim/index.js')).href
);
for (const end = running + Number(count); running < end; running++) {
  try {
    const simulation = new sim.Simulation({ seed: running });
    if (kind === 'all' || simulation.plan.commands !== undefined) await simulation.run();
    print({ seed: running });
  } catch (error) {
    found(running, error);
  }
}
