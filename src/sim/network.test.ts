/**
 * The simulated network: what it keeps of TCP's promises, whatever the weather.
 */
import { describe, expect, test } from 'vitest';
import { SeededRandom } from '../transport/random.ts';
import type { Link, LinkEvents } from '../transport/transport.ts';
import { KERNEL_BYTES, SimNetwork } from './network.ts';
import { SimProcess } from './process.ts';
import { Scheduler } from './scheduler.ts';

const PORT = 1000;
const SERVER = { host: '10.0.0.1', port: PORT };

/** One end as a test sees it. */
class Ears implements LinkEvents {
  readonly heard: number[] = [];
  readonly pieces: number[] = [];
  readonly happened: string[] = [];

  connected(): void {
    this.happened.push('connected');
  }

  data(bytes: Uint8Array): void {
    this.heard.push(...bytes);
    this.pieces.push(bytes.length);
  }

  drained(): void {
    this.happened.push('drained');
  }

  closed(reason: string | undefined): void {
    this.happened.push(`closed: ${reason}`);
  }
}

class Rig {
  readonly scheduler = new Scheduler();
  readonly network: SimNetwork;
  readonly server = this.#process('server');
  readonly client = this.#process('client');
  readonly near = new Ears();
  readonly far = new Ears();
  accepted: Link | undefined;

  constructor(seed = 1) {
    this.network = new SimNetwork(this.scheduler, new SeededRandom(seed));
    void this.network.transportOf(this.server).listen(PORT, (link) => {
      this.accepted = link;
      return this.far;
    });
  }

  connect(): Link {
    return this.network.transportOf(this.client).connect(SERVER, this.near);
  }

  pass(ms: number): void {
    const until = this.scheduler.now + ms;
    while (this.scheduler.step(until));
  }

  #process(name: string): SimProcess {
    return new SimProcess({ scheduler: this.scheduler, name, drift: 1, slownessMs: 0 });
  }
}

function numbers(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, index) => index & 0xff);
}

describe('a link', () => {
  test('keeps the order of what is written, cut in pieces anywhere, however late each is', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const rig = new Rig(seed);
      Object.assign(rig.network.weather, { delayMs: 20, tail: 0.3, split: 0.8 });
      const link = rig.connect();
      rig.pass(10_000);
      const sent: number[] = [];
      for (let i = 0; i < 30; i++) {
        const bytes = Uint8Array.from([i, i, i, i]);
        sent.push(...bytes);
        link.write(bytes);
        rig.pass(1);
      }
      rig.pass(100_000);
      expect(rig.far.heard).toEqual(sent);
      expect(rig.far.pieces.length).toBeGreaterThan(30);
      expect(link.waitingBytes).toBe(0);
      // Never more than the kernels took: nothing waited.
      expect(rig.near.happened).not.toContain('drained');
    }
  });

  test('tells the one who opened it nothing before it is connected', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const rig = new Rig(seed);
      Object.assign(rig.network.weather, { delayMs: 20, tail: 0.5 });
      rig.connect();
      while (rig.accepted === undefined) rig.pass(1);
      rig.accepted.write(numbers(5));
      while (rig.near.happened.length === 0) {
        expect(rig.near.heard).toEqual([]);
        rig.pass(1);
      }
      rig.pass(100_000);
      expect(rig.near.heard).toEqual([...numbers(5)]);
    }
  });

  test('that nobody listens for is refused', () => {
    const rig = new Rig();
    rig.network.transportOf(rig.client).connect({ host: '10.0.0.1', port: 9 }, rig.near);
    rig.pass(100);
    expect(rig.near.happened).toEqual(['closed: connection refused']);
  });

  test('that is cut loses what was under way, in the middle too, and both ends are told once', () => {
    const rig = new Rig(5);
    const link = rig.connect();
    rig.pass(100);
    Object.assign(rig.network.weather, { delayMs: 50, tail: 0, split: 1 });
    link.write(numbers(100));
    // Of two pieces the first has come.
    while (rig.far.heard.length === 0) rig.pass(1);
    expect(rig.far.heard.length).toBeLessThan(100);
    rig.network.cut('server', 'client');
    rig.network.cut('server', 'client');
    rig.pass(10_000);
    expect(rig.far.heard).toEqual([...numbers(rig.far.heard.length)]);
    expect(rig.far.heard.length).toBeLessThan(100);
    expect(rig.near.happened.filter((what) => what.startsWith('closed'))).toHaveLength(1);
    expect(rig.far.happened.filter((what) => what.startsWith('closed'))).toHaveLength(1);
    expect(rig.network.cuts).toBe(1);
  });

  test('ends with its process, and tells the other end', () => {
    const rig = new Rig();
    rig.connect();
    rig.pass(100);
    rig.server.kill();
    rig.pass(10_000);
    expect(rig.near.happened).toEqual(['connected', 'closed: connection reset']);
    expect(rig.far.happened).toEqual([]);
    const again = new Ears();
    rig.network.transportOf(rig.client).connect(SERVER, again);
    rig.pass(100);
    expect(again.happened).toEqual(['closed: connection refused']);
  });

  test('of a process that ended before it listened is refused, and keeps nobody from the port', async () => {
    const rig = new Rig();
    const late = new Ears();
    const port = PORT + 1;
    rig.client.kill();
    const listening = rig.network.transportOf(rig.client).listen(port, () => late);
    rig.network.transportOf(rig.server).connect({ host: '10.0.0.1', port }, rig.near);
    rig.pass(100);
    expect(rig.near.happened).toEqual(['closed: connection refused']);
    const again = await rig.network.transportOf(rig.server).listen(port, () => late);
    expect(again.port).toBe(port);
    // Whoever is dead waits for ever.
    expect(await Promise.race([listening, Promise.resolve('nothing')])).toBe('nothing');
  });

  test('that is not read holds bytes back until it is', () => {
    const rig = new Rig();
    const link = rig.connect();
    rig.pass(100);
    rig.accepted?.pause();
    link.write(numbers(KERNEL_BYTES));
    expect(link.waitingBytes).toBe(0);
    link.write(numbers(10));
    rig.pass(1000);
    expect([rig.far.heard.length, link.waitingBytes]).toEqual([0, 10]);
    rig.accepted?.resume();
    rig.pass(1000);
    expect([rig.far.heard.length, link.waitingBytes]).toEqual([KERNEL_BYTES + 10, 0]);
    expect(rig.near.happened.filter((what) => what === 'drained')).toHaveLength(1);
  });

  test('that is clogged delivers late, in order, and as before when it is free', () => {
    const rig = new Rig();
    const link = rig.connect();
    rig.pass(100);
    rig.network.setClogged('client', 'server', 500);
    link.write(numbers(10));
    rig.pass(400);
    expect(rig.far.heard).toEqual([]);
    rig.network.setClogged('client', 'server', 0);
    link.write(numbers(10));
    rig.pass(50);
    expect(rig.far.heard).toEqual([]);
    rig.pass(200);
    expect(rig.far.heard).toEqual([...numbers(10), ...numbers(10)]);
  });
});

describe('a partition', () => {
  test('stays while there is another reason for it', () => {
    const { network } = new Rig();
    for (const reason of ['one', 'other']) network.setBlocked('client', 'server', true, reason);
    network.setBlocked('client', 'server', false, 'one');
    expect(network.isBlocked('client', 'server')).toBe(true);
    network.setBlocked('client', 'server', false, 'other');
    expect(network.isBlocked('client', 'server')).toBe(false);
  });

  test('of one way holds that way back, and tells nobody; the other way goes on', () => {
    const rig = new Rig();
    const link = rig.connect();
    rig.pass(100);
    rig.network.setBlocked('client', 'server', true);
    link.write(numbers(10));
    rig.accepted?.write(numbers(5));
    rig.pass(60_000);
    expect(rig.far.heard).toEqual([]);
    expect(rig.near.heard).toEqual([...numbers(5)]);
    expect(rig.near.happened.filter((what) => what.startsWith('closed'))).toEqual([]);
    rig.network.setBlocked('client', 'server', false);
    rig.pass(1000);
    expect(rig.far.heard).toEqual([...numbers(10)]);
  });

  test('keeps it from an end that the other has closed, until it is over', () => {
    for (const heals of [true, false]) {
      const rig = new Rig();
      rig.connect();
      rig.pass(100);
      rig.network.setBlocked('server', 'client', true);
      rig.accepted?.close();
      rig.pass(60_000);
      expect(rig.far.happened).toEqual(['closed: undefined']);
      expect(rig.near.happened).toEqual(['connected']);
      if (heals) rig.network.healAll();
      else rig.network.setBlocked('server', 'client', false);
      rig.pass(100);
      expect(rig.near.happened).toEqual(['connected', 'closed: connection reset']);
    }
  });

  test('lets no new link come up, and healing lets it', () => {
    const rig = new Rig();
    rig.network.setBlocked('server', 'client', true);
    rig.connect();
    rig.pass(1000);
    expect(rig.near.happened).toEqual(['closed: connection timed out']);
    rig.network.healAll();
    const again = new Ears();
    rig.network.transportOf(rig.client).connect(SERVER, again);
    rig.pass(1000);
    expect(again.happened).toEqual(['connected']);
  });
});
