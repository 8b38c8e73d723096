/**
 * InThread: three replicas and an original's client in one thread, without sockets: what the JavaScript of a value costs,
 * in units of a calibrated loop. It takes the shortest of many short stretches, which a busy machine hardly lengthens,
 * so two versions can be compared where nothing else can be measured.
 *
 *   node --import tsx test/guard/in-thread.ts [OUTSTANDING] [VALUE_BYTES] [SECONDS]
 */
import { encodeClientValue } from '../../src/transport/encode.ts';
import { MemoryCluster } from '../support/memory-cluster.ts';

/** Half a millisecond or so: well below what a scheduler gives at a time. */
const VALUES_A_STRETCH = 200;
/** The shortest are of those that happened to be alone; the very shortest may be an accident. */
const SHORT = 0.02;
const BETWEEN_MS = 0.2;
const TRIM_EVERY = 100_000;
const WARM_UP_ROUNDS = 2000;

const [outstanding = 100, valueBytes = 96, seconds = 3] = process.argv.slice(2).map(Number);
const value = new Uint8Array(valueBytes).fill(7);
const cluster = new MemoryCluster({ replicas: 3 });
await cluster.startAll();
const giver = cluster.connect('proposer', 0);
const learners = [0, 1, 2].map((id) => cluster.connect('acceptor', id));
// What the client makes of it is not ours to measure.
for (const peer of [giver, ...learners]) peer.data = () => undefined;

function round(): void {
  giver.say((out) => encodeClientValue(out, value), outstanding);
  cluster.world.advance(BETWEEN_MS);
}

let sum = 0;
/** 64 bytes summed a thousand times: 1,000 units. */
function calibrated(): void {
  for (let i = 0; i < 1000; i++) {
    for (let at = 0; at < 64; at++) sum = (sum + (value[at % valueBytes] ?? 0) * (at + 1)) | 0;
  }
}

function stretch(work: () => void): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

for (let i = 0; i < WARM_UP_ROUNDS; i++) round();
const { node } = cluster.leader;
const rounds = Math.max(1, Math.round(VALUES_A_STRETCH / outstanding));
const [units, stretches]: [number[], number[]] = [[], []];
let trimmedAt = node.delivered;
for (const endAt = performance.now() + 1000 * seconds; performance.now() < endAt; ) {
  units.push(stretch(calibrated) / 1000);
  const before = node.delivered;
  const tookMs = stretch(() => {
    for (let i = 0; i < rounds; i++) round();
  });
  stretches.push(tookMs / (node.delivered - before));
  if (node.delivered - trimmedAt < TRIM_EVERY) continue;
  trimmedAt = node.delivered;
  for (const one of cluster.nodes.values()) one.sendTrim(node.delivered - 1000);
}
const short = (all: number[]) => all.sort((a, b) => a - b)[Math.floor(all.length * SHORT)] ?? Number.NaN;
const [unitMs, valueMs] = [short(units), short(stretches)];
process.stdout.write(
  `${outstanding} outstanding, ${valueBytes} bytes: ${(valueMs / unitMs).toFixed(1)} units a value, ` +
    `${(1000 * valueMs).toFixed(2)} us; a unit is ${(1e6 * unitMs).toFixed(0)} ns here\n`,
);
if (sum === 1) throw new Error('never: but a sum that nobody looks at is not summed');
process.exit(0);
