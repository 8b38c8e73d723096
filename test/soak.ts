/**
 * soak: what is too long for CI, one after the other, each for a bounded time; then what became of each.
 *
 *   npm run soak                 an hour of fresh seeds, and whatever else of the list is there
 *   npm run soak -- --hours 8
 *
 * The exit code is 1 if one of them failed or ran into its limit.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

interface Part {
  /** a script of package.json; one that is not there is passed over */
  readonly script: string;
  readonly argv: readonly string[];
  readonly limitMinutes: number;
}

interface Outcome {
  readonly line: string;
  readonly isFine: boolean;
}

const { values } = parseArgs({ options: { hours: { type: 'string', default: '1' } } });
const hours = Number(values.hours);
if (!(hours > 0)) throw new Error(`--hours is a number above 0, not ${values.hours}`);

const PARTS: readonly Part[] = [
  { script: 'sim', argv: ['--hours', String(hours)], limitMinutes: 60 * hours + 5 },
  { script: 'explore', argv: ['all'], limitMinutes: 15 },
  { script: 'mutants', argv: [], limitMinutes: 120 },
  { script: 'fuzz', argv: ['--seconds', '600'], limitMinutes: 35 },
  { script: 'torture', argv: ['--seconds', '600'], limitMinutes: 15 },
  { script: 'bench', argv: ['--soak', '10'], limitMinutes: 15 },
  { script: 'torture', argv: ['--commands', '--seconds', '600'], limitMinutes: 15 },
  { script: 'torture', argv: ['--counter', '--seconds', '300'], limitMinutes: 10 },
  { script: 'counting', argv: ['60'], limitMinutes: 30 },
];

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'));
const outcomes: Outcome[] = [];
for (const part of PARTS) outcomes.push(part.script in scripts ? await run(part) : absent(part));
process.stdout.write(`\n${outcomes.map(({ line }) => line).join('\n')}\n`);
process.exitCode = outcomes.every(({ isFine }) => isFine) ? 0 : 1;

function absent({ script }: Part): Outcome {
  return { line: `not there: ${script}`, isFine: true };
}

function run({ script, argv, limitMinutes }: Part): Promise<Outcome> {
  process.stdout.write(`\n== npm run ${[script, ...argv].join(' ')}\n`);
  const startedAt = performance.now();
  const words = ['run', '--silent', script, '--', ...argv];
  const child = spawn('npm', words, { stdio: 'inherit', timeout: limitMinutes * 60_000 });
  return new Promise((resolve) => {
    const end = (what: string, isFine: boolean) => {
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
      resolve({ line: `${what}: ${[script, ...argv].join(' ')} (${seconds} s)`, isFine });
    };
    child.once('error', (error) => end(`FAILED (${error.message})`, false));
    child.once('close', (code, signal) =>
      end(
        code === 0 ? 'ok' : `FAILED (${code === null ? `stopped by ${signal}` : `exit code ${code}`})`,
        code === 0,
      ),
    );
  });
}
