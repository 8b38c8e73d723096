/**
 * TrimmedLoad: keeps 100 values of 64 bytes under way, trims what is 100,000 instances old, and prints a line a second,
 * with the percentiles of the whole run beside those of the second.
 *
 *   node --import tsx bench/programs/trimmed-load.ts paxos.conf
 *   {"values":…,"overallUs":{"p50":…,"p99":…,"p999":…,"max":…}}
 *
 * The first values are not counted: a compiler of ours has to warm up.
 */
import { library, Tally } from '../built.ts';

const { Client, LearnerNode } = library;
const OUTSTANDING = 100;
const KEPT = 100_000;
const WARM_UP_VALUES = 100_000;

const [config = ''] = process.argv.slice(2);
const overall = new Tally(true);
/** when the value of each slot was given */
const givenAt: number[] = new Array(OUTSTANDING).fill(performance.now());
let chosen = 0;
let toldChosen = 0;

const trimmer = await LearnerNode.start({ config, deliver: () => undefined });
const client = await Client.start({ config, deliver: delivered });
for (let slot = 0; slot < OUTSTANDING; slot++) give(slot);

function delivered({ instanceId, value }: { readonly instanceId: number; readonly value: Uint8Array }): void {
  const slot = value[0] ?? 0;
  const now = performance.now();
  chosen++;
  if (chosen > WARM_UP_VALUES) overall.add(value.length, 1000 * (now - (givenAt[slot] ?? now)));
  if (chosen % KEPT === 0) trimmer.sendTrim(instanceId - KEPT);
  give(slot);
}

/** The first byte tells which one came back. */
function give(slot: number): void {
  const value = new Uint8Array(64).fill(7);
  value[0] = slot;
  givenAt[slot] = performance.now();
  client.offer(value);
}

setInterval(() => {
  const { max, percentiles } = overall.latency;
  process.stdout.write(
    `${JSON.stringify({ values: chosen - toldChosen, overallUs: { ...percentiles, max } })}\n`,
  );
  toldChosen = chosen;
}, 1000);
