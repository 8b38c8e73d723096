import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OPTIONS } from './options.ts';
import { parseConfig } from './parse.ts';
import { ConfigError } from './problem.ts';

/** The lines of the error; anything but a ConfigError fails the test. */
function linesThrown(call: () => unknown): readonly string[] {
  try {
    call();
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split('\n');
    throw error;
  }
  return [];
}

describe('whatever the text', () => {
  const directive = fc.constantFrom('r', 'a', 'p', 'replica', ...OPTIONS.map((option) => option.directive));
  const word = fc.oneof(
    fc.constantFrom(
      '0',
      '1',
      '-1',
      '8800',
      '127.0.0.1',
      'node',
      'yes',
      'no',
      'lmdb',
      'quiet',
      '10mb',
      '#',
      '="',
    ),
    fc.string(),
    fc.integer().map(String),
  );
  const line = fc
    .tuple(directive, fc.array(word, { maxLength: 4 }))
    .map(([first, rest]) => [first, ...rest].join(' '));
  const lines = fc.array(fc.oneof(line, fc.string({ unit: 'binary' })), { maxLength: 15 });

  it('parseConfig throws nothing but a ConfigError with a place in every line', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          lines.map((all) => all.join('\n')),
        ),
        (text) => {
          for (const problem of linesThrown(() => parseConfig(text, 'f'))) {
            expect(problem).toMatch(/^f(:\d+)?: \S|^and \d+ more$/);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('a config that is taken has 1 to 10 acceptors, ids that are positions, and every option in its range', () => {
    fc.assert(
      fc.property(lines, (all) => {
        const text = `r 0 first 1\n${all.join('\n')}`;
        if (linesThrown(() => parseConfig(text)).length > 0) return;
        const { config } = parseConfig(text);
        expect(config.acceptors.length).toBeGreaterThan(0);
        expect(config.acceptors.length).toBeLessThanOrEqual(10);
        expect(config.acceptors.map(({ id }) => id)).toEqual(config.acceptors.map((_, index) => index));
        expect(config.heartbeatIntervalMs * 2).toBeLessThan(config.leaderTimeoutMs);
      }),
      { numRuns: 1_000 },
    );
  });
});
