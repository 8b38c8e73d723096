/**
 * A whole node as a target: any bytes, on connections to it, or from an acceptor that it connects to.
 *
 *   byte 0: who is fed    byte 1: in pieces of how many bytes    the rest: the bytes
 *
 * Must hold: nothing is thrown, no node ends by a fault of its own, a value that is given afterwards is chosen and
 * delivered soon, and who learns learns the same, in order. Acceptor 0 may be told nonsense that is no nonsense to it:
 * it is one of three.
 */
import { randomInt, SeededRandom } from '../../src/transport/random.ts';
import { MemoryCluster, type RawPeer, type Sequence } from '../support/memory-cluster.ts';
import { recordedBy } from '../support/mutation.ts';
import { codec } from './codec.ts';
import { type FuzzTarget, mustHold } from './target.ts';

const MAX_BYTES = 600;
const PIECE_MS = 5;
const AFTER_MS = 300;
const STEP_MS = 20;
/** So long a good value may take, on the virtual clock. */
const PATIENCE_MS = 5000;
const MIN_PIECE_BYTES = 16;
const RECORDINGS = 30;

interface Scene {
  readonly cluster: MemoryCluster;
  readonly sequences: readonly Sequence[];
  readonly feed: (bytes: Uint8Array) => void;
}

const SCENES = [() => inbound('acceptor'), () => inbound('proposer'), replicas, outbound] as const;

export const node: FuzzTarget = {
  name: 'node',
  maxBytes: MAX_BYTES,
  batch: 8,
  beginnings: () => {
    const random = new SeededRandom(1);
    const directions = ['toServer', 'toServer', 'toServer', 'toClient'] as const;
    const links = [/acceptor0/, /proposer0/, /replica0/, /acceptor0|replica0/];
    return SCENES.flatMap((_, who) => {
      const recorded = recordedBy(directions[who] ?? 'toServer', links[who]);
      const bytes = Array.from({ length: RECORDINGS }, () => recorded(random));
      return [...bytes, ...codec.beginnings()].map((one) =>
        Uint8Array.of(who, randomInt(random, 0, 255), ...one.subarray(0, MAX_BYTES - 2)),
      );
    });
  },
  words: codec.words,
  run: async (input) => {
    const make = SCENES[(input[0] ?? 0) % SCENES.length] ?? replicas;
    const scene = await make();
    const pieceBytes = MIN_PIECE_BYTES + (input[1] ?? 0);
    for (let at = 2; at < input.length; at += pieceBytes) {
      scene.feed(input.subarray(at, at + pieceBytes));
      scene.cluster.world.advance(PIECE_MS);
    }
    scene.cluster.world.advance(AFTER_MS);
    mustGoThrough(scene);
    await scene.cluster.settled();
    mustBeSound(scene);
    const outcome = outcomeOf(scene);
    await scene.cluster.closeAll();
    return outcome;
  },
};

async function observed(cluster: MemoryCluster, without: readonly number[] = []): Promise<Sequence[]> {
  const sequences: Sequence[] = [{ values: [] }, { values: [] }];
  for (const [id] of cluster.config.acceptors.entries()) {
    if (without.includes(id)) continue;
    if (cluster.config.replicas) await cluster.replica(id);
    else await cluster.acceptor(id);
  }
  if (!cluster.config.replicas) await cluster.proposer(0);
  await cluster.client('client', sequences[0]);
  await cluster.learner('learner', sequences[1] ?? { values: [] });
  cluster.world.advance(AFTER_MS);
  return sequences;
}

/** Everything comes in by a connection to acceptor or proposer 0; by a new one when the last was closed. */
function feeder(cluster: MemoryCluster, to: 'acceptor' | 'proposer'): (bytes: Uint8Array) => void {
  let peer: RawPeer | undefined;
  return (bytes) => {
    if (peer === undefined || peer.isClosed) peer = cluster.connect(to, 0);
    peer.link?.write(bytes);
    cluster.world.settle();
  };
}

async function inbound(to: 'acceptor' | 'proposer'): Promise<Scene> {
  const cluster = new MemoryCluster({ acceptors: 3, proposers: 1 });
  const sequences = await observed(cluster);
  return { cluster, sequences, feed: feeder(cluster, to) };
}

async function replicas(): Promise<Scene> {
  const cluster = new MemoryCluster({ replicas: 3 });
  const sequences = await observed(cluster);
  return { cluster, sequences, feed: feeder(cluster, 'acceptor') };
}

/** Acceptor 0 is played: whoever connects to it is fed. */
async function outbound(): Promise<Scene> {
  const cluster = new MemoryCluster({ acceptors: 3, proposers: 1 });
  const peers = new Set<RawPeer>();
  await cluster.play(0, (peer) => peers.add(peer));
  const sequences = await observed(cluster, [0]);
  const feed = (bytes: Uint8Array): void => {
    for (const peer of peers) peer.link?.write(bytes);
    cluster.world.settle();
  };
  return { cluster, sequences, feed };
}

/** A value that is given now is chosen, and learned by everybody. */
function mustGoThrough({ cluster, sequences }: Scene): void {
  let isChosen = false;
  cluster.nodes.get('client')?.offer(new TextEncoder().encode('a good value'), () => {
    isChosen = true;
  });
  const isLearned = () => sequences.every(({ values }) => values.includes('a good value'));
  for (let ms = 0; ms < PATIENCE_MS && !(isChosen && isLearned()); ms += STEP_MS)
    cluster.world.advance(STEP_MS);
  mustHold(isChosen, () => 'a good value is not chosen any more');
  mustHold(
    isLearned(),
    () => `a value is chosen and not learned: ${sequences.map(({ values }) => values.length).join()}`,
  );
}

function mustBeSound({ cluster, sequences }: Scene): void {
  mustHold(cluster.failures.length === 0, () => `nodes ended: ${cluster.failures.join('; ')}`);
  const [first = [], second = []] = sequences.map(({ values }) => values);
  for (let at = 0; at < Math.min(first.length, second.length); at++)
    mustHold(
      first[at] === second[at],
      () => `instance ${at + 1} is ${first[at]} to one, and ${second[at]} to another`,
    );
}

/** What nodes said of it. */
function outcomeOf({ cluster }: Scene): readonly string[] {
  return cluster.events.map(({ event }) => event.type);
}
