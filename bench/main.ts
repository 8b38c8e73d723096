/**
 * npm run bench: our three replicas under a client's load, and the original's beside them where LIBPAXOS3_BIN names the
 * folder of its sample programs; in turn, A B A B, medians. A machine's speed drifts; the ratio of one run does not.
 *
 *   npm run bench -- --rounds 5 --seconds 4 --outstanding 100 --value-size 64 --storage memory [--json]
 */
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { type Kind, type Load, type Measured, measure, median } from './cluster.ts';

const STORAGES = ['memory', 'lmdb-synced', 'lmdb-unsynced'] as const;

interface Bench {
  readonly load: Load;
  readonly rounds: number;
  readonly json: boolean;
  readonly originalBin: string | undefined;
}

function readArguments(): Bench {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '4' },
      outstanding: { type: 'string', default: '100' },
      'value-size': { type: 'string', default: '64' },
      storage: { type: 'string', default: 'memory' },
      json: { type: 'boolean', default: false },
    },
  });
  const storage = STORAGES.find((one) => one === values.storage);
  if (storage === undefined) throw new Error(`--storage is one of ${STORAGES.join(', ')}`);
  return {
    load: {
      outstanding: Number(values.outstanding),
      valueBytes: Number(values['value-size']),
      seconds: Number(values.seconds),
      storage,
    },
    rounds: Number(values.rounds),
    json: values.json,
    originalBin: process.env['LIBPAXOS3_BIN'],
  };
}

function row(kind: Kind, measured: readonly Measured[]): string {
  const of = (pick: (one: Measured) => number) => Math.round(median(measured.map(pick))).toLocaleString('en');
  const cpu = median(measured.map((one) => one.cpuMicrosPerValue)).toFixed(1);
  const rate = of((one) => one.valuesPerSecond).padStart(9);
  const latency = of((one) => one.latencyMicros).padStart(7);
  return `${kind.padEnd(9)} ${rate} values/s   ${latency} us mean latency   ${cpu.padStart(6)} us CPU a value`;
}

const bench = readArguments();
const kinds: readonly Kind[] = bench.originalBin === undefined ? ['ours'] : ['ours', 'original'];
const results: Record<Kind, Measured[]> = { ours: [], original: [] };
const loadBefore = loadavg()[0] ?? 0;
const say = (text: string) => {
  if (!bench.json) process.stdout.write(`${text}\n`);
};
const { outstanding, valueBytes, storage } = bench.load;
say(
  `3 replicas, ${outstanding} outstanding, ${valueBytes} bytes, ${storage}; load before: ${loadBefore.toFixed(1)}`,
);
if (bench.originalBin === undefined) say('LIBPAXOS3_BIN is not set: ours alone, with our client');
for (let round = 1; round <= bench.rounds; round++) {
  for (const kind of kinds) {
    const measured = await measure(kind, bench.load, { originalBin: bench.originalBin });
    results[kind].push(measured);
    say(`  round ${round} ${row(kind, [measured])}`);
  }
}
say('medians:');
for (const kind of kinds) say(`  ${row(kind, results[kind])}`);
const rate = (kind: Kind) => median(results[kind].map((one) => one.valuesPerSecond));
const ratio = bench.originalBin === undefined ? undefined : rate('ours') / rate('original');
if (ratio !== undefined) say(`ratio ours / original: ${ratio.toFixed(2)}`);
if (bench.json) process.stdout.write(`${JSON.stringify({ load: bench.load, loadBefore, results, ratio })}\n`);
