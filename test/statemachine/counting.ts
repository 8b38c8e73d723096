/**
 * Counting: clients add to one counter, one by one, in a cluster on virtual time whose network cuts, delays and doubles,
 * and whose replicas crash. What is to be seen is whether the counter is the number of answered additions in the end.
 *
 *   node --import tsx test/statemachine/counting.ts [MINUTES [SEED]]      an hour unless told
 */
import { fileURLToPath } from 'node:url';
import type { ApplyContext, SnapshotReader, StateMachine } from '../../src/statemachine/index.ts';
import { TestCluster } from '../../src/testing/index.ts';
import { freshSeed } from '../../src/transport/random.ts';

const CLIENTS = 8;
const MINUTE_MS = 60_000;
/** Each client waits for up to so long between an answer and its next addition. */
const MAX_PAUSE_MS = 2000;
const FAULTS = {
  delayMs: 2,
  tail: 0.01,
  loss: 0.01,
  duplication: 0.1,
  reordering: 0.02,
  cutsEveryMs: 2000,
  crashesEveryMs: 10_000,
  partitionsEveryMs: 20_000,
};

class Counter implements StateMachine<null, number, null, number> {
  #sum = 0;

  apply(_command: null, _context: ApplyContext): number {
    this.#sum++;
    return this.#sum;
  }

  read(): number {
    return this.#sum;
  }

  snapshot(): string {
    return String(this.#sum);
  }

  async restore(reader: SnapshotReader): Promise<void> {
    this.#sum = Number(await reader.text());
  }
}

export interface Counted {
  /** additions that had an answer */
  readonly answered: number;
  /** the counter, as the state of each replica has it */
  readonly sums: readonly number[];
  /** how many answers were given to more than one addition */
  readonly answeredTwice: number;
  /** how often another replica led */
  readonly leaders: number;
}

/** Lets eight clients count for so long, of virtual time. */
export async function count(minutes: number, seed: number): Promise<Counted> {
  await using cluster = await TestCluster.start({
    machine: () => new Counter(),
    seed,
    verifyDeterminism: false,
    config: { snapshotLogBytes: 16 * 1024 },
  });
  const answers = new Set<number>();
  let answered = 0;
  let leaders = 0;
  let leader: number | undefined;
  const end = cluster.nowMs + minutes * MINUTE_MS;
  const add = async (client: ReturnType<typeof cluster.client>, number: number) => {
    for (let turn = number; cluster.nowMs < end; turn++) {
      answers.add(await client.propose(null));
      answered++;
      if (cluster.leader !== undefined && cluster.leader !== leader) {
        leader = cluster.leader;
        leaders++;
      }
      // Not by chance: pauses of all lengths come up, and are the same for equal seeds.
      await cluster.advance((turn * 137) % MAX_PAUSE_MS);
    }
  };
  cluster.faults(FAULTS);
  await Promise.all(Array.from({ length: CLIENTS }, (_, i) => add(cluster.client(), 11 * i)));
  await cluster.settle();
  const sums = (await cluster.states()).map((state) => Number(Buffer.from(state).toString()));
  return { answered, sums, answeredTwice: answered - answers.size, leaders };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [minutes = '60', seed = String(freshSeed())] = process.argv.slice(2);
  const { answered, sums, answeredTwice, leaders } = await count(Number(minutes), Number(seed));
  const isRight = answeredTwice === 0 && sums.every((sum) => sum === answered);
  const what = `${answered} additions answered in ${minutes} min of virtual time, and the replicas count ${sums.join(', ')}`;
  process.stdout.write(
    `seed ${seed}: ${what}; another led ${leaders} times: ${isRight ? 'clean' : 'WRONG'}\n`,
  );
  process.exitCode = isRight ? 0 : 1;
}
