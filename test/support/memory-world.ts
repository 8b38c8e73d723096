/**
 * MemoryWorld: a network, a clock and turns in one thread, for nodes that are to be fed anything at speed. Links deliver
 * at once and in order, time stands still until it is told to go on, and an end that does not read lets bytes wait.
 *
 *   connect → settle(): data and turns, until nothing is left to do → advance(ms): the timers on the way, each settled
 *
 * No delays, no chance, no faults: those are the simulator's.
 */
import { PaxosError } from '../../src/paxos/error.ts';
import type { Address, Clock, Link, LinkEvents, Timer, Transport } from '../../src/transport/transport.ts';

/** Nodes that go on for so long without time passing will do so for ever. */
const MAX_ROUNDS = 100_000;

const NO_EVENTS: LinkEvents = {
  connected: () => undefined,
  data: () => undefined,
  drained: () => undefined,
  closed: () => undefined,
};

interface Alarm {
  readonly at: number;
  readonly call: () => void;
}

export class MemoryWorld implements Transport, Clock {
  readonly #accepting = new Map<number, (link: Link) => LinkEvents>();
  readonly #alarms = new Set<Alarm>();
  #tasks: (() => void)[] = [];
  #turns: (() => void)[] = [];
  #now = 0;
  /** Hears all that is said on links, by the port they lead to. */
  tap: (port: number, direction: 'toServer' | 'toClient', bytes: Uint8Array) => void = () => undefined;

  now(): number {
    return this.#now;
  }

  wallMicros(): number {
    return this.#now * 1000;
  }

  after(delayMs: number, call: () => void): Timer {
    const alarm = { at: this.#now + delayMs, call };
    this.#alarms.add(alarm);
    return { cancel: () => void this.#alarms.delete(alarm) };
  }

  endOfTurn(call: () => void): void {
    this.#turns.push(call);
  }

  /** What happens next to a link, once everything before it has happened. */
  soon(task: () => void): void {
    this.#tasks.push(task);
  }

  async listen(
    port: number,
    accept: (link: Link) => LinkEvents,
  ): Promise<{ port: number; close(): Promise<void> }> {
    if (this.#accepting.has(port)) throw new PaxosError('ADDRESS_IN_USE', `port ${port} is taken`);
    this.#accepting.set(port, accept);
    return { port, close: async () => void this.#accepting.delete(port) };
  }

  connect(address: Address, events: LinkEvents): Link {
    const near = new MemoryLink(this, `${address.host}:${address.port}`, (bytes) =>
      this.tap(address.port, 'toServer', bytes),
    );
    near.events = events;
    this.soon(() => {
      const accept = this.#accepting.get(address.port);
      if (near.isClosed) return;
      if (accept === undefined) {
        near.closeFor('connection refused');
        return;
      }
      const far = new MemoryLink(this, 'a peer', (bytes) => this.tap(address.port, 'toClient', bytes));
      near.other = far;
      far.other = near;
      far.events = accept(far);
      events.connected();
    });
    return near;
  }

  /** Lets everything happen that can happen without time passing. */
  settle(): void {
    for (let round = 0; this.#tasks.length > 0 || this.#turns.length > 0; round++) {
      if (round === MAX_ROUNDS) throw new Error(`the nodes do not come to rest in ${MAX_ROUNDS} rounds`);
      const tasks = this.#tasks;
      this.#tasks = [];
      for (const task of tasks) task();
      const turns = this.#turns;
      this.#turns = [];
      for (const turn of turns) turn();
    }
  }

  /** Lets time pass. */
  advance(ms: number): void {
    const end = this.#now + ms;
    this.settle();
    for (let alarm = this.#next(end); alarm !== undefined; alarm = this.#next(end)) {
      this.#alarms.delete(alarm);
      this.#now = Math.max(this.#now, alarm.at);
      alarm.call();
      this.settle();
    }
    this.#now = end;
  }

  /** Time passes in which nothing runs: what was due comes late. */
  stall(ms: number): void {
    this.settle();
    this.#now += ms;
  }

  #next(end: number): Alarm | undefined {
    let next: Alarm | undefined;
    for (const alarm of this.#alarms) {
      if (alarm.at <= end && (next === undefined || alarm.at < next.at)) next = alarm;
    }
    return next;
  }
}

/** One end of a link. */
export class MemoryLink implements Link {
  readonly remote: string;
  readonly #world: MemoryWorld;
  other: MemoryLink | undefined;
  events: LinkEvents = NO_EVENTS;
  isClosed = false;
  #isReading = true;
  #isDraining = false;
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;

  readonly #tap: (bytes: Uint8Array) => void;

  constructor(world: MemoryWorld, remote: string, tap: (bytes: Uint8Array) => void) {
    this.#world = world;
    this.remote = remote;
    this.#tap = tap;
  }

  /** In how many pieces they were written. */
  get waitingPieces(): number {
    return this.#waiting.length;
  }

  /** Bytes written here that the other end has not read. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** As a kernel does, takes a copy: whoever writes goes on to use its memory for something else. */
  write(bytes: Uint8Array): boolean {
    if (this.isClosed || bytes.length === 0) return false;
    this.#tap(bytes);
    this.#waiting.push(bytes.slice());
    this.#waitingBytes += bytes.length;
    this.#drain();
    return true;
  }

  pause(): void {
    this.#isReading = false;
  }

  resume(): void {
    this.#isReading = true;
    if (this.other !== undefined) this.other.#drain();
  }

  close(): void {
    this.closeFor(undefined);
  }

  closeFor(reason: string | undefined): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#world.soon(() => this.events.closed(reason));
    this.other?.closeFor(undefined);
  }

  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.#world.soon(() => {
      this.#isDraining = false;
      const { other } = this;
      if (this.isClosed || other === undefined || !other.#isReading || this.#waitingBytes === 0) return;
      const waiting = this.#waiting;
      this.#waiting = [];
      this.#waitingBytes = 0;
      for (const bytes of waiting) if (!other.isClosed) other.events.data(bytes);
      if (!this.isClosed) this.events.drained();
    });
  }
}
