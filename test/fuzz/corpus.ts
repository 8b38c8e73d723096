/**
 * The corpus: inputs that once reached something new, a file a target, an input a line, in hex, so that a change of it
 * can be read. It is kept small: of inputs that reach the same the shortest stays.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

function pathOf(target: string): string {
  return fileURLToPath(new URL(`corpus/${target}.hex`, import.meta.url));
}

export function readCorpus(target: string): Uint8Array[] {
  const path = pathOf(target);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => new Uint8Array(Buffer.from(line, 'hex')));
}

export function writeCorpus(target: string, inputs: readonly Uint8Array[]): void {
  const lines = inputs.map((input) => `${Buffer.from(input).toString('hex')}\n`);
  writeFileSync(pathOf(target), lines.sort().join(''));
}
