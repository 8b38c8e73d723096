import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryCluster, type RawPeer } from '../../test/support/memory-cluster.ts';
import type { ByteBuffer } from '../transport/buffer.ts';
import { encodeMessage } from '../transport/describe.ts';
import type { Message } from '../transport/message-log.ts';
import { Role } from '../transport/messages.ts';
import type { Peer } from './peer.ts';
import type { MachineHandler, PeerListener } from './roles.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (from: Uint8Array) => new TextDecoder().decode(from);

/** Writes down what it hears. */
class Listening implements MachineHandler, PeerListener {
  readonly heard: string[] = [];
  readonly ready: Peer[] = [];
  closed = 0;

  onPeerReady(peer: Peer): void {
    this.ready.push(peer);
  }
  onPeerClosed(): void {
    this.closed++;
  }
  onCommands(_peer: Peer, session: number, items: Uint8Array): void {
    this.heard.push(`commands ${session} ${text(items)}`);
  }
  onResults(_peer: Peer, session: number, results: Uint8Array): void {
    this.heard.push(`results ${session} ${text(results)}`);
  }
  onRead(_peer: Peer, token: number, consistency: number, query: Uint8Array): void {
    this.heard.push(`read ${token} ${consistency} ${text(query)}`);
  }
  onReadResult(_peer: Peer, token: number, status: number, answer: Uint8Array): void {
    this.heard.push(`read result ${token} ${status} ${text(answer)}`);
  }
  onSnapshotAt(_peer: Peer, instanceId: number, snapshotId: number, length: number): void {
    this.heard.push(`snapshot ${instanceId} ${snapshotId} ${length}`);
  }
  onFetchSnapshot(_peer: Peer, snapshotId: number, offset: number): void {
    this.heard.push(`fetch ${snapshotId} ${offset}`);
  }
  onSnapshotPiece(_peer: Peer, snapshotId: number, offset: number, total: number, piece: Uint8Array): void {
    this.heard.push(`piece ${snapshotId} ${offset} ${total} ${text(piece)}`);
  }
  onSessionOpened(_peer: Peer, nonceHigh: number, nonceLow: number, session: number): void {
    this.heard.push(`opened ${nonceHigh} ${nonceLow} ${session}`);
  }
}

const MESSAGES: readonly Message[] = [
  { type: 'commands', session: 5, items: bytes('a') },
  { type: 'results', session: 5, results: bytes('b') },
  { type: 'read', token: 7, consistency: 1, query: bytes('c') },
  { type: 'readResult', token: 7, status: 2, answer: bytes('d') },
  { type: 'snapshotAt', instanceId: 9, snapshotId: 8, bytes: 300 },
  { type: 'fetchSnapshot', snapshotId: 8, offset: 256 },
  { type: 'snapshotPiece', snapshotId: 8, offset: 256, totalBytes: 300, piece: bytes('e') },
  { type: 'sessionOpened', nonceHigh: 1, nonceLow: 2, session: 5 },
];

function sayAll(peer: RawPeer): void {
  for (const message of MESSAGES) peer.say((out: ByteBuffer) => encodeMessage(out, message));
}

describe('a node with a state machine', () => {
  let cluster: MemoryCluster;
  let machine: Listening;

  beforeEach(async () => {
    machine = new Listening();
    cluster = new MemoryCluster({ replicas: 3 });
    await cluster.replica(0, undefined, { machine: () => machine });
  });

  afterEach(() => cluster.closeAll());

  it('hands it what a peer of ours says, and tells it who comes and goes', async () => {
    const peer = cluster.connect('acceptor', 0);
    peer.sayHello(cluster.hello(Role.client));
    sayAll(peer);
    await cluster.settled();
    expect(machine.heard).toEqual([
      'commands 5 a',
      'results 5 b',
      'read 7 1 c',
      'read result 7 2 d',
      'snapshot 9 8 300',
      'fetch 8 256',
      'piece 8 256 300 e',
      'opened 1 2 5',
    ]);
    expect(machine.ready.some((one) => one.peerHello?.roles === Role.client)).toBe(true);
    peer.link?.close();
    await cluster.settled();
    expect(machine.closed).toBe(1);
  });

  it('does not hear who has not said HELLO', async () => {
    const peer = cluster.connect('acceptor', 0);
    sayAll(peer);
    await cluster.settled();
    expect(machine.heard).toEqual([]);
    expect(peer.isClosed).toBe(false);
  });
});

describe('a node without one', () => {
  it('passes over what is meant for one', async () => {
    const cluster = new MemoryCluster({ acceptors: 1 });
    await cluster.startAll();
    const peer = cluster.connect('acceptor', 0);
    peer.sayHello(cluster.hello(Role.client));
    sayAll(peer);
    await cluster.settled();
    expect(peer.isClosed).toBe(false);
    expect(cluster.failures).toEqual([]);
    await cluster.closeAll();
  });
});
