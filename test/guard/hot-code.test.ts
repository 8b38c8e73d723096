/**
 * How long hot code takes, in units of a loop that was calibrated in the same moment on the same machine.
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { TIME_SLACK, TIMES } from './figures.ts';

const MEASURE = fileURLToPath(new URL('./measure.ts', import.meta.url));

it('the codec and the core take no longer than they did', () => {
  const text = execFileSync(process.execPath, ['--import', 'tsx', MEASURE], { encoding: 'utf8' });
  const ratios: Readonly<Record<string, number>> = JSON.parse(text);
  expect(Object.keys(ratios)).toEqual(Object.keys(TIMES));
  for (const [name, known] of Object.entries(TIMES)) {
    expect(ratios[name], `${name}: ${text}`).toBeGreaterThan(0);
    expect(ratios[name], `${name}: ${text}`).toBeLessThan(known * TIME_SLACK);
  }
}, 60_000);
