import { describe, expect, it } from 'vitest';
import { MemoryWorld } from '../../test/support/memory-world.ts';
import { PeerConnection } from '../../test/support/peer-connection.ts';
import { makeConfig } from '../config/index.ts';
import { Role } from '../transport/messages.ts';
import { Confirmations, MAX_CLOCK_DRIFT } from './confirmations.ts';
import { Turn } from './turn.ts';

const BALLOT = 11;
const LEASE_MS = 1000;
const LASTS_MS = (LEASE_MS * (1 - MAX_CLOCK_DRIFT)) / (1 + MAX_CLOCK_DRIFT);

/** A leader's side of it, before three acceptors that the test plays. */
class Scene {
  readonly world = new MemoryWorld();
  readonly acceptors = [0, 1, 2].map(
    (id) => new PeerConnection(Role.acceptor, id, 2 ** 20, { acceptorId: id, proposerId: -1 }),
  );
  /** every answer, with when it came */
  readonly answers: [name: string, next: number, atMs: number][] = [];
  readonly core = { ballot: BALLOT, newValuesFrom: 5, hasProbedQuorum: () => true };
  readonly confirmations: Confirmations;

  constructor(readLeaseMs: number) {
    const address = (port: number) => ({ host: 'memory', port });
    const config = makeConfig(
      { replicas: [1, 2, 3].map(address) },
      { valueFormat: 'commands', readLeaseMs, heartbeatIntervalMs: 100 },
    );
    this.confirmations = new Confirmations({
      core: this.core,
      isLeading: () => true,
      config,
      peers: { acceptors: this.acceptors.map(({ peer }) => peer) },
      clock: this.world,
      turn: new Turn(this.world),
    });
  }

  ask(name: string): void {
    this.confirmations.ask((next) => this.answers.push([name, next, this.world.now()]));
    this.world.settle();
  }

  /** The tokens that acceptor 0 was asked to confirm. */
  asked(): number[] {
    const [first] = this.acceptors;
    return first?.heard().flatMap((one) => (one.type === 'confirm' ? [one.token] : [])) ?? [];
  }

  /** Two of three confirm. */
  confirm(token = 0): void {
    for (const { peer } of this.acceptors.slice(0, 2)) this.confirmations.onConfirmed(peer, BALLOT, token);
    this.world.settle();
  }
}

describe('a question to a leader', () => {
  it('that comes while a round is under way is answered by the next one, with what was proposed since', () => {
    const scene = new Scene(0);
    scene.ask('early');
    const [first] = scene.asked();
    // Proposed, chosen and answered to its client while the first round is still out.
    scene.core.newValuesFrom = 6;
    scene.ask('late');
    expect(scene.asked()).toEqual([]);
    scene.confirm(first);
    expect(scene.answers).toEqual([['early', 5, 0]]);
    const [second] = scene.asked();
    scene.confirm(second);
    expect(scene.answers).toEqual([
      ['early', 5, 0],
      ['late', 6, 0],
    ]);
  });
});

describe('the lease of a leader', () => {
  /** How long after it was asked for a lease that is confirmed so late is still used, ms. */
  function usedFor(confirmedAfterMs: number): number {
    const scene = new Scene(LEASE_MS);
    scene.ask('first');
    const [token] = scene.asked();
    scene.world.advance(confirmedAfterMs);
    scene.confirm(token);
    let lastAtMs = 0;
    for (let before = 0; before < scene.answers.length; ) {
      before = scene.answers.length;
      lastAtMs = scene.world.now();
      scene.world.advance(1);
      scene.ask('again');
    }
    return lastAtMs;
  }

  it('ends before that of an acceptor whose clock is as fast as it may be, if its own is as slow', () => {
    expect(usedFor(0)).toBe(Math.floor(LASTS_MS));
    expect(usedFor(0) / (1 - MAX_CLOCK_DRIFT)).toBeLessThanOrEqual(LEASE_MS / (1 + MAX_CLOCK_DRIFT));
  });

  it('counts from when it was asked for, however late it is confirmed', () => {
    expect(usedFor(90)).toBe(Math.floor(LASTS_MS));
  });
});
