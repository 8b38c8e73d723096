/**
 * Who starts late on a cluster with a long history: a learner that learns all of it, and a proposer that needs none.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Config, makeConfig } from '../../src/config/index.ts';
import {
  AcceptorNode,
  Client,
  type Delivered,
  LearnerNode,
  type NodeEvent,
  type NodeHandle,
  ProposerNode,
} from '../../src/evpaxos/index.ts';
import { MemoryStorage } from '../../src/storage/index.ts';
import { freePorts } from '../support/ports.ts';

const HISTORY = 200_000;
const OUTSTANDING = 1000;
/** Three times as much on two cores with nothing else to do. Time in which others had the processors is not counted, */
const LEAST_PER_SECOND = 50_000;
/** but waiting is, so that on the wall clock it may not be much less. */
const LEAST_PER_SECOND_BUSY = 20_000;
const LONGEST_START_MS = 2000;

const storages = [0, 1, 2].map(() => new MemoryStorage());
const nodes: NodeHandle[] = [];
let config: Config;
let leader: NodeHandle;

beforeAll(async () => {
  const addresses = (await freePorts(6)).map((port) => ({ host: '127.0.0.1', port }));
  config = makeConfig({ acceptors: addresses.slice(0, 3), proposers: addresses.slice(3) });
  for (const [id, storage] of storages.entries())
    nodes.push(await AcceptorNode.start({ config, id, storage }));
  leader = await ProposerNode.start({ config, id: 0 });
  await fill();
}, 120_000);

afterAll(async () => {
  await leader?.close();
  await Promise.all(nodes.map((node) => node.close()));
});

/** Puts the history in, as a client does that waits for what it gave. */
async function fill(): Promise<void> {
  const client = await Client.start({ config, deliver: () => undefined });
  let given = 0;
  await new Promise<void>((resolve) => {
    let chosen = 0;
    const give = () => {
      if (given < HISTORY) client.offer(numbered(++given), next);
    };
    const next = () => {
      if (++chosen === HISTORY) resolve();
      give();
    };
    for (let i = 0; i < OUTSTANDING; i++) give();
  });
  await client.close();
}

function numbered(number: number): Uint8Array {
  const bytes = Buffer.alloc(64);
  bytes.writeUInt32LE(number, 0);
  return bytes;
}

/** Every record's ballots: they rise where an instance is run again. */
function ballots(): number[] {
  return storages.flatMap((storage) => {
    let accepted = 0;
    let promised = 0;
    for (let i = 1; i <= HISTORY; i++) {
      const record = storage.get(i);
      accepted += record?.acceptedBallot ?? 0;
      promised += record?.promisedBallot ?? 0;
    }
    return [accepted, promised];
  });
}

/** Gives one value to a proposer that starts now; how long that took, and what the proposer told. */
async function startLate(id: number): Promise<{ ms: number; events: NodeEvent[] }> {
  const events: NodeEvent[] = [];
  const startedAt = performance.now();
  nodes.push(await ProposerNode.start({ config, id, observer: { report: (event) => events.push(event) } }));
  const client = await Client.start({ config, proposerId: id, deliver: () => undefined });
  await client.submit(numbered(0));
  const ms = performance.now() - startedAt;
  await client.close();
  return { ms, events };
}

describe(`on a cluster with ${HISTORY} instances`, () => {
  it(`a late learner has them all, at ${LEAST_PER_SECOND} a second or more, though nothing new comes`, async () => {
    const startedAt = performance.now();
    const cpuBefore = process.cpuUsage();
    const numbers: number[] = [];
    let learner: LearnerNode | undefined;
    await new Promise<void>((resolve, reject) => {
      const deliver = ({ instanceId, value }: Delivered) => {
        numbers.push(Buffer.from(value.buffer, value.byteOffset).readUInt32LE(0));
        if (instanceId === HISTORY) resolve();
      };
      LearnerNode.start({ config, deliver }).then((started) => {
        learner = started;
      }, reject);
    });
    const perSecond = Math.round((HISTORY / (performance.now() - startedAt)) * 1000);
    const { user, system } = process.cpuUsage(cpuBefore);
    const perBusySecond = Math.round((HISTORY / (user + system)) * 1_000_000);
    await learner?.close();
    process.stdout.write(`a late learner: ${perSecond} instances/s, ${perBusySecond} a processor second\n`);
    expect(numbers.length).toBe(HISTORY);
    expect(new Set(numbers).size).toBe(HISTORY);
    expect(Math.max(perSecond, perBusySecond)).toBeGreaterThanOrEqual(LEAST_PER_SECOND);
    expect(perSecond).toBeGreaterThanOrEqual(LEAST_PER_SECOND_BUSY);
  });

  it('a late proposer follows the one that leads, and runs nothing again', async () => {
    const before = ballots();
    const { ms, events } = await startLate(1);
    process.stdout.write(`a late proposer that follows: a value after ${Math.round(ms)} ms\n`);
    expect(events.filter(({ type }) => type === 'leading')).toEqual([]);
    expect(ballots()).toEqual(before);
    expect(ms).toBeLessThan(LONGEST_START_MS);
  });

  it('a late proposer leads where nobody does, and runs nothing again', async () => {
    const before = ballots();
    await leader.close();
    for (const node of nodes.splice(storages.length)) await node.close();
    const { ms } = await startLate(2);
    process.stdout.write(`a late proposer that leads: a value after ${Math.round(ms)} ms\n`);
    expect(ballots()).toEqual(before);
    expect(ms).toBeLessThan(LONGEST_START_MS);
  });
});
