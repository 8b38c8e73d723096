import { describe, expect, it } from 'vitest';
import { HeldStorage } from '../../test/support/held-storage.ts';
import { MemoryCluster } from '../../test/support/memory-cluster.ts';
import { MemoryWorld } from '../../test/support/memory-world.ts';
import { MemoryStorage } from '../storage/memory.ts';
import { BusyPoll } from './busy-poll.ts';
import { Turn } from './turn.ts';

interface Input {
  readonly afterMs: number;
  /** whether its turn leaves something under way */
  readonly leaves: 'something' | 'nothing';
}

const LOOK_MS = 0.1;
const NEAR_MS = 0.09;
const FAR_MS = 0.11;

/** A leader's turns, each followed by two that it asks for itself, on a clock that tells how long it is to stay awake. */
class Scene {
  readonly world = Object.assign(new MemoryWorld(), {
    busyPoll: (forMs: number) => {
      this.awakeMs = forMs;
    },
  });
  readonly turn = new Turn(this.world);
  #isUnderWay = false;
  #ownTurns = 0;
  /** for how long the last turn asked to stay awake; undefined: not at all */
  awakeMs: number | undefined;

  constructor(busyPollMicros = 1000 * LOOK_MS) {
    const poll = new BusyPoll({ config: { busyPollMicros }, turn: this.turn, clock: this.world });
    this.turn.addStep(() => {
      if (this.#ownTurns-- > 0) this.turn.schedule();
      return false;
    });
    this.turn.setEnd(() => poll.turnEnded(this.#isUnderWay));
  }

  /** Input comes; true if the leader stays awake afterwards. */
  input({ afterMs, leaves }: Input): boolean {
    this.world.advance(afterMs);
    this.awakeMs = undefined;
    this.#isUnderWay = leaves === 'something';
    this.#ownTurns = 2;
    this.turn.schedule();
    this.world.settle();
    return this.awakeMs !== undefined;
  }

  /** The same inputs, so many times; how often it stayed awake after each of them. */
  inputs(times: number, ...inputs: readonly Input[]): readonly number[] {
    const awake = inputs.map(() => 0);
    for (let i = 0; i < times; i++) {
      for (const [place, input] of inputs.entries())
        if (this.input(input)) awake[place] = (awake[place] ?? 0) + 1;
    }
    return awake;
  }
}

const value = (afterMs: number): Input => ({ afterMs, leaves: 'something' });
const lastAnswer = (afterMs: number): Input => ({ afterMs, leaves: 'nothing' });

describe('BusyPoll', () => {
  it('stays awake where both values and answers are near, from the tenth on, for as long as it was told', () => {
    const scene = new Scene();
    expect(scene.inputs(9, value(NEAR_MS), lastAnswer(NEAR_MS))).toEqual([0, 0]);
    expect(scene.inputs(100, value(NEAR_MS), lastAnswer(NEAR_MS))).toEqual([100, 100]);
    expect(scene.awakeMs).toBeCloseTo(LOOK_MS);
  });

  it('stays awake while much is under way, and its answers are near', () => {
    const scene = new Scene();
    expect(scene.inputs(109, value(NEAR_MS))).toEqual([100]);
  });

  it('sleeps where answers are far, whatever turns it asks for itself', () => {
    const scene = new Scene();
    expect(scene.inputs(100, value(5), lastAnswer(FAR_MS))).toEqual([0, 0]);
    expect(scene.inputs(100, value(FAR_MS))).toEqual([0]);
  });

  it('stays awake for near answers alone where values are far, also where answers come behind the last', () => {
    const scene = new Scene();
    const late = [lastAnswer(NEAR_MS), lastAnswer(NEAR_MS), lastAnswer(NEAR_MS)];
    const [forAnswer = 0, ...forValue] = scene.inputs(100, value(1), lastAnswer(NEAR_MS), ...late);
    expect(forAnswer).toBeGreaterThan(85);
    expect(forValue).toEqual([0, 0, 0, 0]);
  });

  it('sleeps once the next value is overdue, though other input comes', () => {
    const scene = new Scene();
    scene.inputs(50, value(NEAR_MS), lastAnswer(NEAR_MS));
    expect(scene.input(lastAnswer(0.04))).toBe(true);
    expect(scene.awakeMs).toBeCloseTo(0.06);
    expect(scene.input(lastAnswer(0.07))).toBe(false);
  });

  it('sleeps again soon where it was near for long, and stays awake again as soon', () => {
    const scene = new Scene();
    scene.inputs(1000, value(NEAR_MS), lastAnswer(NEAR_MS));
    const [forAnswer = 0, forValue = 0] = scene.inputs(100, value(FAR_MS), lastAnswer(FAR_MS));
    expect([forAnswer <= 8, forValue <= 8]).toEqual([true, true]);
    scene.inputs(1000, value(FAR_MS), lastAnswer(FAR_MS));
    expect(scene.inputs(20, value(NEAR_MS), lastAnswer(NEAR_MS)).map((times) => times >= 10)).toEqual([
      true,
      true,
    ]);
  });

  it('sleeps where it is told to', () => {
    expect(new Scene(0).inputs(100, value(0), lastAnswer(0))).toEqual([0, 0]);
  });
});

describe('who stays awake', () => {
  /** Three replicas, of which those that follow answer when the test says so; and who asked to stay awake since it was looked last. */
  async function started() {
    const cluster = new MemoryCluster({ replicas: 3 });
    const storages = [0, 1, 2].map((id) => (id === 0 ? new MemoryStorage() : new HeldStorage()));
    for (const [id, storage] of storages.entries()) await cluster.replica(id, undefined, { storage });
    const client = await cluster.client('client', { values: [] });
    const answered = async () => {
      for (let times = 0; times < 3; times++) {
        for (const storage of storages)
          if (storage instanceof HeldStorage) for (const { resolve } of storage.commits.splice(0)) resolve();
        await cluster.settled();
      }
    };
    const advance = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += 10) {
        cluster.world.advance(10);
        await answered();
      }
    };
    const awake = () => [...new Set(cluster.awake.splice(0))];
    /** Values, each so long after the answers to the last, and these so long after it. */
    const values = async (count: number, afterMs: number) => {
      for (let i = 0; i < count; i++) {
        client.offer(new TextEncoder().encode(`value ${i}`), undefined);
        await cluster.settled();
        cluster.world.advance(afterMs);
        await answered();
        cluster.world.advance(afterMs);
      }
    };
    await advance(2000);
    expect(cluster.leader.id).toBe(0);
    return { cluster, advance, awake, values };
  }

  it('is the leader while answers and values are near, and nobody else', async () => {
    const { awake, values } = await started();
    await values(40, 0.01);
    expect(awake()).toEqual(['replica 0']);
    await values(20, 1);
    awake();
    await values(40, 1);
    expect(awake()).toEqual([]);
  });

  it('is nobody where nothing is proposed, or the leader is gone', async () => {
    const { cluster, advance, awake, values } = await started();
    await values(40, 0.01);
    awake();
    await advance(10_000);
    expect(awake()).toEqual([]);
    await cluster.close('replica 0');
    await advance(5000);
    expect([awake(), cluster.leader.name === 'replica 0']).toEqual([[], false]);
  });
});
