/**
 * Golden traces: stories of the protocol in Markdown, run on the real core objects. In each fenced block stand commands,
 * a line of dashes, and what they brought about. UPDATE_TRACES=1 writes anew what was brought about; read the
 * difference before it is committed.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Interpreter } from './interpreter.ts';

const FOLDER = new URL('.', import.meta.url);
const FENCE = '```';
const DASHES = '----';
const files = readdirSync(FOLDER).filter((name) => name.endsWith('.md') && name !== 'README.md');

/** A trace as it should be, given the commands in it. */
function played(text: string): string {
  const interpreter = new Interpreter();
  const parts = text.split(`${FENCE}\n`);
  // Every second part stands between two fences.
  const blocks = parts.map((part, index) => (index % 2 === 1 ? playedBlock(interpreter, part) : part));
  return blocks.join(`${FENCE}\n`);
}

/** The steps of a block stand apart by an empty line. */
function playedBlock(interpreter: Interpreter, block: string): string {
  const steps = block
    .trimEnd()
    .split('\n\n')
    .map((step) => playedStep(interpreter, step));
  return `${steps.join('\n\n')}\n`;
}

function playedStep(interpreter: Interpreter, step: string): string {
  const lines = step.split('\n');
  const commands = lines.slice(0, lines.indexOf(DASHES));
  const happened = commands.flatMap((command) => interpreter.run(command));
  return [...commands, DASHES, ...happened].join('\n');
}

describe('traces', () => {
  it('are there', () => expect(files.length).toBeGreaterThan(15));

  for (const file of files) {
    it(file.replace(/\.md$/, '').replaceAll('-', ' '), () => {
      const path = new URL(file, FOLDER);
      const text = readFileSync(path, 'utf8');
      const actual = played(text);
      if (process.env['UPDATE_TRACES'] === '1') writeFileSync(path, actual);
      else expect(actual).toBe(text);
    });
  }
});
