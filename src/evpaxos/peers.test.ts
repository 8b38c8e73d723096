import { describe, expect, it } from 'vitest';
import { makeConfig } from '../config/index.ts';
import { ByteBuffer } from '../transport/buffer.ts';
import { encodeHello } from '../transport/encode.ts';
import { Role } from '../transport/messages.ts';
import type { Clock, LinkEvents, Timer, Transport } from '../transport/transport.ts';
import { LearnerNode } from './nodes.ts';

/** A clock that goes from timer to timer. */
class SteppedClock implements Clock {
  #now = 0;
  #calls: { at: number; call: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  wallMicros(): number {
    return this.#now * 1000;
  }

  after(delayMs: number, call: () => void): Timer {
    const timer = { at: this.#now + delayMs, call };
    this.#calls.push(timer);
    return {
      cancel: () => {
        this.#calls = this.#calls.filter((other) => other !== timer);
      },
    };
  }

  endOfTurn(call: () => void): void {
    this.after(0, call);
  }

  goTo(end: number): void {
    for (;;) {
      this.#calls.sort((left, right) => left.at - right.at);
      const [next] = this.#calls;
      if (next === undefined || next.at > end) break;
      this.#calls.shift();
      this.#now = next.at;
      next.call();
    }
    this.#now = end;
  }
}

/** A network in which every connection comes up, and then what `greet` does happens. */
function network(
  clock: Clock,
  greet: (events: LinkEvents) => void,
): Transport & { readonly dialled: number[] } {
  const dialled: number[] = [];
  return {
    dialled,
    connect: ({ host, port }, events) => {
      dialled.push(clock.now());
      clock.after(1, () => {
        events.connected();
        greet(events);
      });
      const close = () => void clock.after(0, () => events.closed(undefined));
      const nothing = () => undefined;
      return {
        remote: `${host}:${port}`,
        waitingBytes: 0,
        write: () => false,
        pause: nothing,
        resume: nothing,
        close,
      };
    },
    listen: () => Promise.reject(new Error('a learner does not listen')),
  };
}

function helloOfAnotherCluster(): Uint8Array {
  const out = new ByteBuffer();
  const hello = { version: 1, roles: Role.acceptor, id: 0, process: 7, capabilities: 0, fingerprint: 1 };
  encodeHello(out, { ...hello, software: 'test', storage: 0 });
  return out.take();
}

describe('a connection that is kept up', () => {
  const config = makeConfig({ acceptors: [{ host: '10.0.0.1', port: 8800 }] });

  it('is tried less and less often while the other end belongs to another cluster', async () => {
    const clock = new SteppedClock();
    const transport = network(clock, (events) => events.data(helloOfAnotherCluster()));
    const learner = await LearnerNode.start({ config, clock, transport });
    clock.goTo(20_000);
    expect(transport.dialled.length).toBeLessThan(25);
    expect(transport.dialled.length).toBeGreaterThan(8);
    await learner.close();
  });

  it('is tried again at once, whenever one that was in use is lost', async () => {
    const clock = new SteppedClock();
    const transport = network(clock, (events) => void clock.after(1000, () => events.closed(undefined)));
    const learner = await LearnerNode.start({ config, clock, transport });
    clock.goTo(20_000);
    const pauses = transport.dialled.map((at, index) => at - (transport.dialled[index - 1] ?? at)).slice(1);
    expect(new Set(pauses)).toEqual(new Set([1051]));
    await learner.close();
  });
});
