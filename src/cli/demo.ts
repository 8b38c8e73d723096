/**
 * `demo`: a cluster of three replicas, its leader killed in the middle, and the proof that nothing was lost.
 */
import { Command, InvalidArgumentError } from 'commander';
import { parseCount, parseSeconds } from './arguments.ts';
import { DemoRun } from './demo/run.ts';
import type { Io } from './io.ts';

/** Enough for a start, a kill, a takeover, a return and a comparison. */
const MIN_SECONDS = 5;

const HELP = `
Starts three replicas as processes of their own, with storage-backend lmdb and lmdb-sync yes, in a
temporary directory that is removed at the end. A client in this process keeps values on their way,
and a learner listens. In the middle the replica that leads is killed with SIGKILL, and started again.
At the end what each replica and the learner delivered is compared, instance by instance.

You will see each replica's role and how far it is, values a second, latency, and what happened.
With --kills 20 --history 1000000 it tells how quickly another takes over, on a long history.
Ctrl-C ends it. The exit code is 0 if every replica delivered the same and nothing was lost.`;

interface DemoFlags {
  readonly seconds: number;
  readonly outstanding: number;
  readonly kills: number;
  readonly history?: number;
}

export function demoCommand(io: Io): Command {
  return new Command('demo')
    .summary('three replicas, one killed and brought back')
    .description('see three replicas agree, while one of them is killed and brought back')
    .option('--seconds <S>', `how long values flow, for each kill, from ${MIN_SECONDS}`, parseDemoSeconds, 18)
    .option('-o, --outstanding <N>', 'how many values are on their way at a time', parseCount, 100)
    .option('--kills <N>', 'how often whoever leads is killed', parseCount, 1)
    .option('--history <N>', 'how many instances are chosen before the first kill', parseCount)
    .addHelpText('after', HELP)
    .action(async ({ history = 0, ...flags }: DemoFlags) => {
      await new DemoRun(io, { ...flags, history }).run();
    });
}

function parseDemoSeconds(text: string): number {
  const seconds = parseSeconds(text);
  if (seconds >= MIN_SECONDS) return seconds;
  throw new InvalidArgumentError(`It takes a number of seconds from ${MIN_SECONDS}.`);
}
