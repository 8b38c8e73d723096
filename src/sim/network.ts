/**
 * SimNetwork: links as TCP gives them, and as they fail. Bytes of one direction arrive in order, in pieces cut
 * anywhere, late; or the link is cut, and what was under way is lost, in the middle of a message too.
 *
 * Partitions, one way or both, hold bytes back as a lost route does: nothing arrives, nobody is told, until they heal;
 * not even that the other end has closed. Whole messages can be lost, doubled or swapped as well, which TCP never does, but a sender that
 * drops for a slow peer, or resends, does: only those of which the protocol says that they may be (see tamper). A
 * clogged direction is merely slow, much slower than the rest.
 */

import { PaxosError } from '../paxos/error.ts';
import type { Address, Link, LinkEvents, Random, Timer, Transport } from '../transport/transport.ts';
import type { SimProcess } from './process.ts';
import type { Scheduler } from './scheduler.ts';

/** How the network behaves now; the fault injector changes it. */
export interface Weather {
  /** the usual one-way delay, ms; actual ones are drawn around it, with a heavy tail */
  delayMs: number;
  /** how often a piece is much later than usual, 0 to 1 */
  tail: number;
  /** how often what is written is cut in pieces at random places, 0 to 1 */
  split: number;
}

/** Looks at, and may change, what one end writes: the pieces that are really sent. */
export type Tamper = (from: string, to: string, bytes: Uint8Array) => readonly Uint8Array[];

/**
 * What the two kernels hold between two processes: so much is out of a sender's hands at once. Far less than real ones
 * take, so that senders have to wait as they do under real loads.
 */
export const KERNEL_BYTES = 4096;

/** The longest that anything is on its way: a run has to be able to end. */
const MAX_DELAY_MS = 3000;

interface Host {
  readonly process: SimProcess;
  readonly accept: (link: Link) => LinkEvents;
}

export class SimNetwork {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #listening = new Map<number, Host>();
  readonly #ends = new Set<SimEnd>();
  /** by `from>to`, a direction that is blocked: why, each until it ends for itself */
  readonly #blocked = new Map<string, Set<unknown>>();
  /** by `from>to`, how much later than elsewhere bytes arrive, ms */
  readonly #clogged = new Map<string, number>();
  readonly weather: Weather = { delayMs: 0.5, tail: 0.01, split: 0.05 };
  tamper: Tamper = (_from, _to, bytes) => [bytes];
  #nextPort = 40_000;
  #cuts = 0;

  constructor(scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  /** How many links were cut. */
  get cuts(): number {
    return this.#cuts;
  }

  /** The port that a process of this name reaches the world through. */
  transportOf(process: SimProcess): Transport {
    return {
      connect: (address, events) => this.#connect(process, address, events),
      listen: async (port, accept) => {
        // It may have ended while it waited for something else.
        if (!process.isAlive) return new Promise<never>(() => undefined);
        if (this.#listening.has(port)) throw new PaxosError('ADDRESS_IN_USE', `port ${port} is taken`);
        this.#listening.set(port, { process, accept });
        const close = async () => {
          if (this.#listening.get(port)?.process === process) this.#listening.delete(port);
        };
        process.onDeath(() => void close());
        return { port, close };
      },
    };
  }

  /** True if more was written to this remote, by a process of this name, than the kernels between them hold unread. */
  isHeldUp(name: string, remote: string): boolean {
    return [...this.#ends].some(
      (end) => end.owner.name === name && end.remote === remote && end.waitingBytes > 0,
    );
  }

  /** Blocks or opens one direction between two named processes, for one of several reasons. */
  setBlocked(from: string, to: string, blocked: boolean, reason: unknown = undefined): void {
    const way = `${from}>${to}`;
    const reasons = this.#blocked.get(way) ?? new Set();
    if (blocked) reasons.add(reason);
    else reasons.delete(reason);
    if (reasons.size > 0) this.#blocked.set(way, reasons);
    else this.#blocked.delete(way);
    if (!blocked) for (const end of this.#ends) end.wake();
  }

  isBlocked(from: string, to: string): boolean {
    return this.#blocked.size > 0 && this.#blocked.has(`${from}>${to}`);
  }

  /** Lets one direction be so much slower than the others, ms; 0: as they are. */
  setClogged(from: string, to: string, delayMs: number): void {
    if (delayMs > 0) this.#clogged.set(`${from}>${to}`, delayMs);
    else this.#clogged.delete(`${from}>${to}`);
  }

  /** Nothing is blocked or clogged any more, and what is on its way arrives now. */
  healAll(): void {
    this.#blocked.clear();
    this.#clogged.clear();
    for (const end of this.#ends) end.hasten();
  }

  /** Cuts the links between two processes; both ends learn of it in their own time. */
  cut(one: string, other: string): void {
    for (const end of [...this.#ends]) {
      if (end.owner.name === one && end.other?.owner.name === other) {
        this.#cuts++;
        end.sever('connection reset');
      }
    }
  }

  /** How long the next piece from one to the other is on its way, ms. */
  drawDelayBetween(from: string, to: string): number {
    const clogged = this.#clogged.size === 0 ? 0 : (this.#clogged.get(`${from}>${to}`) ?? 0);
    return clogged + this.drawDelay();
  }

  /** A one-way delay, ms: log-normal-like, with a tail of whole seconds. */
  drawDelay(): number {
    const { delayMs, tail } = this.weather;
    const usual = delayMs * (0.5 + this.#random.next());
    if (this.#random.next() >= tail) return usual;
    return Math.min(MAX_DELAY_MS, usual + delayMs * 10 ** (3 * this.#random.next()));
  }

  #connect(process: SimProcess, address: Address, events: LinkEvents): Link {
    const near = new SimEnd(this, this.#scheduler, this.#random, process, `${address.host}:${address.port}`);
    near.events = events;
    this.#ends.add(near);
    process.onDeath(() => near.sever('connection reset'));
    near.awaits(this.drawDelay(), () => this.#arrive(near, address.port));
    return near;
  }

  #arrive(near: SimEnd, port: number): void {
    if (near.isClosed) return;
    const host = this.#listening.get(port);
    const isCutOff =
      host !== undefined &&
      (this.isBlocked(near.owner.name, host.process.name) ||
        this.isBlocked(host.process.name, near.owner.name));
    if (host === undefined || !host.process.isAlive || isCutOff) {
      near.sever(isCutOff ? 'connection timed out' : 'connection refused');
      return;
    }
    const far = new SimEnd(this, this.#scheduler, this.#random, host.process, `10.0.0.1:${this.#nextPort++}`);
    this.#ends.add(far);
    far.other = near;
    near.other = far;
    host.process.onDeath(() => far.sever('connection reset'));
    host.process.after(0, () => {
      if (far.isClosed) return;
      far.events = host.accept(far);
      far.isUp = true;
      far.wake();
    });
    // The systems connect, whether the process that listens runs or stands still.
    near.awaits(this.drawDelay(), () => {
      if (near.isClosed) return;
      near.events?.connected();
      near.isUp = true;
      near.wake();
    });
  }

  forget(end: SimEnd): void {
    this.#ends.delete(end);
  }
}

/** One end of a link. */
export class SimEnd implements Link {
  readonly remote: string;
  readonly owner: SimProcess;
  other: SimEnd | undefined;
  events: LinkEvents | undefined;
  /** an end that opened the link is told of nothing before `connected` */
  isUp = false;
  readonly #network: SimNetwork;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  /** what has arrived here in order and waits to be read; what is on its way here */
  #arriving: { readonly bytes: Uint8Array; at: number }[] = [];
  /** what was written and not read yet; whether more than the kernels hold, so that `drained` is owed */
  #unread = 0;
  #owesDrained = false;
  #paused = false;
  #closed = false;
  /** the other end is closed, whether anybody here knows or not */
  #isLost = false;
  #delivery: Timer | undefined;
  /** what has to arrive before it is connected */
  #awaited: { readonly timer: Timer; readonly call: () => void } | undefined;
  #lastArrival = 0;

  constructor(network: SimNetwork, scheduler: Scheduler, random: Random, owner: SimProcess, remote: string) {
    this.#network = network;
    this.#scheduler = scheduler;
    this.#random = random;
    this.owner = owner;
    this.remote = remote;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get waitingBytes(): number {
    return Math.max(0, this.#unread - KERNEL_BYTES);
  }

  /** True while nothing gets here from the other end. */
  get #isCutOff(): boolean {
    const { other } = this;
    return other !== undefined && this.#network.isBlocked(other.owner.name, this.owner.name);
  }

  /** As a kernel does, takes a copy: whoever writes goes on to use its memory for something else. */
  write(bytes: Uint8Array): boolean {
    if (this.#closed || !this.owner.isAlive || this.other === undefined) return false;
    for (const piece of this.#network.tamper(this.owner.name, this.other.owner.name, bytes.slice())) {
      this.#unread += piece.length;
      this.#send(piece);
    }
    if (this.waitingBytes > 0) this.#owesDrained = true;
    return true;
  }

  #send(bytes: Uint8Array): void {
    const cut = this.#random.next() < this.#network.weather.split && bytes.length > 1;
    const at = cut ? 1 + Math.floor(this.#random.next() * (bytes.length - 1)) : bytes.length;
    const { other } = this;
    if (other === undefined) return;
    const drawDelay = () => this.#network.drawDelayBetween(this.owner.name, other.owner.name);
    other.receive(bytes.subarray(0, at), drawDelay());
    if (at < bytes.length) other.receive(bytes.subarray(at), drawDelay());
  }

  /** Bytes are on their way to this end; order is kept. */
  receive(bytes: Uint8Array, delayMs: number): void {
    const at = Math.max(this.#lastArrival, this.#scheduler.now + delayMs);
    this.#lastArrival = at;
    this.#arriving.push({ bytes, at });
    this.wake();
  }

  /** Looks whether something can be delivered now, or when. */
  wake(): void {
    if (this.#isLost && !this.#isCutOff) {
      this.sever('connection reset');
      return;
    }
    const next = this.#arriving[0];
    if (next === undefined || this.#delivery !== undefined || this.#closed || this.#paused) return;
    if (!this.isUp || this.other === undefined || this.#isCutOff) return;
    this.#delivery = this.owner.after(Math.max(0, next.at - this.#scheduler.now), () => {
      this.#delivery = undefined;
      this.#deliver();
    });
  }

  /** A step of connecting arrives after a while. */
  awaits(delayMs: number, call: () => void): void {
    this.#awaited = { timer: this.owner.after(delayMs, call), call };
  }

  /** What is on its way here arrives now. */
  hasten(): void {
    if (!this.isUp && this.#awaited !== undefined) {
      this.#awaited.timer.cancel();
      this.awaits(0, this.#awaited.call);
    }
    const { now } = this.#scheduler;
    for (const one of this.#arriving) one.at = Math.min(one.at, now);
    this.#lastArrival = Math.min(this.#lastArrival, now);
    this.#delivery?.cancel();
    this.#delivery = undefined;
    this.wake();
  }

  #deliver(): void {
    const next = this.#arriving[0];
    if (next === undefined || this.#closed || this.#paused || this.other === undefined) return;
    if (this.#isCutOff) return;
    this.#arriving.shift();
    this.other.taken(next.bytes.length);
    this.events?.data(next.bytes);
    this.wake();
  }

  /** The other end has read so many bytes of ours. */
  taken(bytes: number): void {
    this.#unread -= bytes;
    if (!this.#owesDrained || this.waitingBytes > 0 || this.#closed) return;
    this.owner.after(0, () => {
      if (this.#closed || !this.#owesDrained || this.waitingBytes > 0) return;
      this.#owesDrained = false;
      this.events?.drained();
    });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.wake();
  }

  close(): void {
    this.sever(undefined);
  }

  /** Ends the link: this end is told at once, the other after a while. What was under way is lost. */
  sever(reason: string | undefined): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#arriving = [];
    this.#network.forget(this);
    this.owner.after(0, () => this.events?.closed(reason));
    const other = this.other;
    if (other === undefined || other.isClosed) return;
    other.owner.after(this.#network.drawDelay(), () => other.lose());
  }

  /** The other end is closed. Where nothing comes through from there, nor does that. */
  lose(): void {
    this.#isLost = true;
    if (!this.#isCutOff) this.sever('connection reset');
  }
}
