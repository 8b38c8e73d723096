import { describe, expect, it } from 'vitest';
import { MemoryWorld } from '../../test/support/memory-world.ts';
import { PeerConnection } from '../../test/support/peer-connection.ts';
import { Role } from '../transport/messages.ts';
import { Upstream } from './upstream.ts';

const REPLICA = Role.acceptor | Role.proposer | Role.learner;
const LEADER_TIMEOUT_MS = 500;
/** Ballots end with their owner's id. */
const ballot = (round: number, id: number) => 10 * round + id;

class Scene {
  readonly world = new MemoryWorld();
  readonly connections: PeerConnection[];
  readonly up: Set<number>;
  readonly moves: (number | undefined)[] = [];
  isWaitedFor = false;
  readonly upstream: Upstream;

  constructor(roles: readonly number[] = [REPLICA, REPLICA, REPLICA]) {
    this.connections = roles.map((role, id) => new PeerConnection(role, id));
    this.up = new Set(roles.keys());
    this.upstream = new Upstream({
      clock: this.world,
      leaderTimeoutMs: LEADER_TIMEOUT_MS,
      ready: () => this.connections.filter((_, id) => this.up.has(id)).map(({ peer }) => peer),
      moved: (home) => void this.moves.push(home?.peerHello?.id),
      isWaitedFor: () => this.isWaitedFor,
    });
    this.look();
  }

  at(id: number): PeerConnection {
    const connection = this.connections[id];
    if (connection === undefined) throw new RangeError(`there is no replica ${id}`);
    return connection;
  }

  /** Everybody who is up tells that proposer `id` leads. */
  leads(round: number, id: number): void {
    for (const up of this.up) this.upstream.onLeader(this.at(up).peer, ballot(round, id));
    this.look();
  }

  close(id: number): void {
    this.up.delete(id);
    this.upstream.onPeerClosed(this.at(id).peer);
    this.look();
  }

  look(): void {
    this.world.advance(100);
    this.upstream.look();
  }

  get home(): number | undefined {
    return this.upstream.home?.peerHello?.id;
  }
}

describe('Upstream', () => {
  it('takes whoever is there, and moves to the leader as soon as it hears of one', () => {
    const scene = new Scene();
    expect(scene.home).toBe(0);
    scene.leads(1, 2);
    expect([scene.home, scene.upstream.leaderId]).toEqual([2, 2]);
    expect(scene.at(0).isClosed).toBe(true);
    scene.leads(2, 1);
    expect(scene.home).toBe(1);
    expect(scene.moves).toEqual([0, 2, 1]);
  });

  it('stays where it is while nobody leads', () => {
    const scene = new Scene();
    scene.leads(1, 2);
    scene.isWaitedFor = true;
    for (let i = 0; i < 200; i++) scene.look();
    expect([scene.home, scene.upstream.leaderId, scene.moves.length]).toEqual([2, undefined, 2]);
  });

  it('takes another when its own is lost, or silent', () => {
    const scene = new Scene();
    scene.close(0);
    expect(scene.home).toBe(1);
    scene.at(1).peer.silentMs = 10_000;
    scene.look();
    expect(scene.home).toBe(2);
    scene.close(2);
    expect(scene.home).toBe(1);
    scene.close(1);
    expect(scene.home).toBeUndefined();
  });

  it('leaves one that answers nothing although somebody leads, for a while', () => {
    const scene = new Scene();
    scene.isWaitedFor = true;
    for (let i = 0; i < 49; i++) scene.leads(1, 0);
    expect(scene.home).toBe(0);
    for (let i = 0; i < 5; i++) scene.leads(1, 0);
    expect(scene.home).not.toBe(0);
    scene.upstream.answered();
    scene.isWaitedFor = false;
    for (let i = 0; i < 60; i++) scene.leads(1, 0);
    expect(scene.home).toBe(0);
  });

  it('takes nobody who has no state machine', () => {
    const scene = new Scene([Role.acceptor, Role.proposer, REPLICA]);
    expect(scene.home).toBe(2);
    scene.leads(1, 1);
    expect(scene.home).toBe(2);
  });
});
