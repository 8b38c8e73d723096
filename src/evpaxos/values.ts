/**
 * ValueRouter: every value that was handed to this node, until it is chosen or handed back. It waits here, is proposed
 * here, or is passed on to the one who leads.
 *
 *   CLIENT_VALUE, FORWARD, submit() → waiting → proposed by us | FORWARD to the leader → chosen → its giver is told
 *
 * Invariants: a value is in one place at a time. What was passed on is kept until the other end says what became of
 * it, and given to another only if it is handed back or that connection closes. What waits is bounded.
 */
import type { Config } from '../config/config.ts';
import { PaxosError } from '../paxos/error.ts';
import type { Submission } from '../paxos/waiting.ts';
import { encodeClientValue, encodeForward, encodeForwarded } from '../transport/encode.ts';
import { Role } from '../transport/messages.ts';
import type { Clock } from '../transport/transport.ts';
import { MAX_CLOCK_BYTES } from './batch.ts';
import { ByBytes } from './by-bytes.ts';
import { Entrusted } from './entrusted.ts';
import type { Observer } from './observer.ts';
import type { Peer } from './peer.ts';
import { isInMemory } from './peer-context.ts';
import type { PeerListener, ValueHandler } from './roles.ts';
import type { Turn } from './turn.ts';
import { ValueSlab } from './value-slab.ts';

/** How often a value may be passed on; one that comes round more often has met no leader. */
const MAX_HOPS = 3;
/**
 * Where the leader waits for no disk, so many values, or so many of their bytes, are passed on before the turn ends: it works
 * on them while the next are handed in.
 */
const EARLY_VALUES = 40;
const EARLY_BYTES = 16 * 1024;
/** A value that was handed back rests this long, so that two nodes do not play it to and fro. */
const RETURNED_REST_MS = 20;
/** What a value that waits takes beside its bytes: measured, 280 for short ones. */
const WAITING_VALUE_BYTES = 256;
const NO_RAW_VALUES = 'with value-format commands no plain values are taken';
/** What a message holds beside the value. */
const MESSAGE_HEAD_BYTES = 64;

/** The largest value that this config's nodes take, in bytes. */
export function maxValueBytes(config: Pick<Config, 'maxMessageBytes'>): number {
  return config.maxMessageBytes - MESSAGE_HEAD_BYTES;
}

/** A value and who gave it. Its identity is the object. */
export interface Value extends Submission {
  readonly value: Uint8Array;
  readonly hops: number;
  /** who forwarded it, under which token; undefined: a client without HELLO, or this process */
  readonly giver: Peer | undefined;
  readonly token: number;
  /** told when it is chosen; for values of this process */
  readonly chosen: (() => void) | undefined;
  /** the values it was joined of; their givers are told, and it has none */
  readonly parts?: readonly Value[];
}

/** Where values wait: the proposer's queue, or a queue of their own. */
export interface ValueQueue {
  readonly waitingCount: number;
  readonly waitingBytes: number;
  propose(value: Value): void;
  takeWaiting(): Value | undefined;
}

/** Where waiting values go now. here: our own proposer takes them. nowhere: they wait. */
export type Route = 'here' | 'nowhere' | Peer;

export interface ValueRouterOptions {
  readonly config: Config;
  readonly queue: ValueQueue;
  readonly route: () => Route;
  /** true if this node learns what is chosen, and so can tell what became of a value an original has */
  readonly learns: boolean;
  readonly clock: Clock;
  readonly turn: Turn;
  readonly observer: Observer;
}

export class ValueRouter implements ValueHandler, PeerListener {
  readonly #options: ValueRouterOptions;
  readonly #slab = new ValueSlab();
  readonly #entrusted = new Map<Peer, Entrusted>();
  /** values an original proposer has, by their bytes: all that it leaves us to know them by */
  readonly #byBytes = new ByBytes();
  readonly #paused = new Set<Peer>();
  #restsUntil = Number.NEGATIVE_INFINITY;
  #refused = 0;
  /** who waits for room */
  #wantRoom: (() => void)[] = [];
  /** when it was looked last whether somebody who has values of ours is silent */
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: ValueRouterOptions) {
    this.#options = options;
    options.turn.addStep(() => this.#passOn());
  }

  /**
   * Hands in a value of this process.
   * @param chosen called once it is chosen
   * @throws PaxosError VALUE_EMPTY, VALUE_TOO_LARGE or QUEUE_FULL
   */
  submit(value: Uint8Array, chosen?: () => void): void {
    const { config, queue, turn } = this.#options;
    const room = config.valueFormat === 'raw' ? 0 : MAX_CLOCK_BYTES;
    const fault = this.fault(value, room);
    if (fault !== undefined) throw fault;
    if (this.isFull) {
      throw new PaxosError(
        'QUEUE_FULL',
        'too many values wait to be proposed; submit again when some are chosen',
      );
    }
    // A caller may use its buffer again, while this is sent again: one ballot would carry two values.
    queue.propose({ value: this.#slab.copy(value), hops: 0, giver: undefined, token: 0, chosen });
    turn.schedule();
    if (queue.waitingCount >= EARLY_VALUES || queue.waitingBytes >= EARLY_BYTES) this.#passOnEarly();
  }

  /** Calls once, when there is room again: when half of what `max-waiting` allows waits, or less. */
  whenRoom(call: () => void): void {
    this.#wantRoom.push(call);
    this.#options.turn.schedule();
  }

  /**
   * Hands in a fragment that nobody changes any more, however much waits: whoever calls looks at isFull, and holds back.
   * @returns why it cannot be proposed, if so
   */
  take(value: Uint8Array): PaxosError | undefined {
    const fault = this.fault(value, MAX_CLOCK_BYTES);
    if (fault !== undefined) return fault;
    this.#options.queue.propose({ value, hops: 0, giver: undefined, token: 0, chosen: undefined });
    this.#options.turn.schedule();
    return undefined;
  }

  /** How many values wait here, to be proposed or passed on. */
  get waitingCount(): number {
    return this.#options.queue.waitingCount;
  }

  /** True while more wait than `max-waiting` allows. */
  get isFull(): boolean {
    return this.#waitingBytes >= this.#options.config.maxWaitingBytes;
  }

  /** True once so little waits that those who were held back go on. */
  get isHalfEmpty(): boolean {
    return this.#waitingBytes <= this.#options.config.maxWaitingBytes / 2;
  }

  get #waitingBytes(): number {
    const { waitingBytes, waitingCount } = this.#options.queue;
    return waitingBytes + WAITING_VALUE_BYTES * waitingCount;
  }

  onClientValue(peer: Peer, value: Uint8Array): void {
    const isRaw = this.#options.config.valueFormat === 'raw';
    const fault = isRaw ? this.fault(value) : new PaxosError('VALUE_FORMAT', NO_RAW_VALUES);
    if (fault !== undefined) {
      this.#options.observer.report({ type: 'value-refused', remote: peer.remote, reason: fault.message });
      return;
    }
    if (this.isFull && !this.#holdBack(peer)) return;
    // The view may keep a large read buffer alive for as long as the value waits.
    this.#options.queue.propose({
      value: this.#slab.keep(value),
      hops: 0,
      giver: undefined,
      token: 0,
      chosen: undefined,
    });
    this.#options.turn.schedule();
  }

  onForward(peer: Peer, token: number, hops: number, value: Uint8Array): void {
    if (hops > MAX_HOPS || this.isFull || this.fault(value) !== undefined) {
      tell(peer, token, false);
      return;
    }
    this.#options.queue.propose({
      value: this.#slab.keep(value),
      hops,
      giver: peer,
      token,
      chosen: undefined,
    });
    this.#options.turn.schedule();
  }

  onForwarded(peer: Peer, token: number, chosen: boolean): void {
    const value = this.#takeBack(peer, token);
    if (value === undefined) return;
    this.#byBytes.forget(value.value, peer, token);
    if (chosen) {
      this.settle(value);
      return;
    }
    // It was the last who could take it: from there its way to the leader may be too long for ever, from its giver not. One
    // without a giver is ours, and its way begins here.
    if (!this.#isHandedBack(value, value.hops + 1))
      this.#options.queue.propose(livingGiver(value) === undefined ? { ...value, hops: 0 } : value);
    this.#restsUntil = this.#options.clock.now() + RETURNED_REST_MS;
    this.#options.clock.after(RETURNED_REST_MS, () => this.#options.turn.schedule());
  }

  /** A value was chosen: tells whoever gave it. */
  settle(value: Value): void {
    for (const part of value.parts ?? [value]) {
      part.chosen?.();
      if (part.giver !== undefined) tell(part.giver, part.token, true);
    }
    this.#resume();
  }

  /** An instance was delivered: it may be what an original proposer was given. */
  onDelivered(bytes: Uint8Array): void {
    const given = this.#byBytes.take(bytes);
    if (given === undefined) return;
    const value = this.#takeBack(given.peer, given.token);
    if (value !== undefined) this.settle(value);
  }

  /** Instances were passed over: what an original was given may have been chosen there. It is given again. */
  onSkipped(): void {
    for (const { peer, token } of this.#byBytes.takeAll()) {
      const value = this.#takeBack(peer, token);
      if (value !== undefined) this.#options.queue.propose(value);
    }
  }

  /** What waits here, to be looked at. */
  get waiting(): Pick<ValueQueue, 'waitingCount' | 'waitingBytes'> {
    return this.#options.queue;
  }

  onPeerReady(_peer: Peer): void {
    this.#options.turn.schedule();
  }

  /** What a peer had of ours is given again; it may then be chosen twice. */
  onPeerClosed(peer: Peer): void {
    this.#paused.delete(peer);
    const entrusted = this.#entrusted.get(peer);
    if (entrusted === undefined) return;
    this.#entrusted.delete(peer);
    this.#byBytes.forgetPeer(peer);
    for (const value of entrusted.all()) this.#options.queue.propose(value);
    this.#options.turn.schedule();
  }

  /**
   * Why a value is not taken, whatever room there is; undefined: it is.
   * @param room for the clock that a leader puts in front: what it joined is passed on like any other value
   */
  fault(value: Uint8Array, room = 0): PaxosError | undefined {
    if (value.length === 0) {
      return new PaxosError(
        'VALUE_EMPTY',
        'a value has at least one byte: original nodes take an empty one for none',
      );
    }
    const limit = maxValueBytes(this.#options.config) - room;
    if (value.length <= limit) return undefined;
    return new PaxosError(
      'VALUE_TOO_LARGE',
      `the value has ${value.length} bytes; max-message allows ${limit}`,
    );
  }

  /** More waits than is allowed: stops reading from who sends nothing but values; from others, drops. */
  #holdBack(peer: Peer): boolean {
    if (peer.sends !== 'more') {
      this.#paused.add(peer);
      peer.link.pause();
      return true;
    }
    if (this.#refused++ === 0) {
      const reason = 'too many values wait to be proposed (max-waiting)';
      this.#options.observer.report({ type: 'value-refused', remote: peer.remote, reason });
    }
    return false;
  }

  #resume(): void {
    if (this.#paused.size === 0 && this.#refused === 0 && this.#wantRoom.length === 0) return;
    if (!this.isHalfEmpty) return;
    this.#refused = 0;
    for (const peer of this.#paused) peer.link.resume();
    this.#paused.clear();
    const waiting = this.#wantRoom;
    this.#wantRoom = [];
    for (const call of waiting) call();
  }

  /** Gives what waits to the leader at once, if it can be at work on that meanwhile. */
  #passOnEarly(): void {
    const to = this.#options.route();
    if (to === 'here' || to === 'nowhere' || !isInMemory(to)) return;
    this.#passOn();
    to.flush();
  }

  /** Gives waiting values to the leader, as many as it may have at a time. */
  #passOn(): boolean {
    const { queue, route, clock, turn } = this.#options;
    this.#leaveSilent();
    this.#resume();
    if (queue.waitingCount === 0) return false;
    const to = route();
    if (to === 'here' || to === 'nowhere' || clock.now() < this.#restsUntil) return false;
    const entrusted = this.#entrusted.get(to) ?? new Entrusted();
    this.#entrusted.set(to, entrusted);
    let given = 0;
    while (entrusted.hasRoom) {
      if (to.isBehind()) {
        // It may take all of this at once, and then nobody would tell that it has.
        if (to.link.waitingBytes === 0 && to.held.length === 0) turn.schedule();
        break;
      }
      const value = queue.takeWaiting();
      if (value === undefined) break;
      given++;
      // To and fro it would be nowhere nearer, and both would keep a copy when the connection closes.
      const hops = isGiverOf(value, to) ? MAX_HOPS : value.hops;
      if (!this.#isHandedBack(value, hops)) this.#give(to, entrusted, value);
    }
    // A turn for nothing would ask for the next one, without end.
    if (given === 0) return false;
    to.sent();
    this.#resume();
    return false;
  }

  /** Who has values of ours, is silent, and is not the one to give them to any more: they are not left there. */
  #leaveSilent(): void {
    const { route, config, clock } = this.#options;
    if (this.#entrusted.size === 0) return;
    const now = clock.now();
    if (now - this.#lookedAt < config.leaderTimeoutMs / 2) return;
    this.#lookedAt = now;
    const to = route();
    if (to === 'nowhere') return;
    for (const [peer, { count }] of this.#entrusted) {
      const isLeft = peer !== to && peer.isOurs && count > 0;
      if (isLeft && peer.silentMs > config.leaderTimeoutMs) peer.close();
    }
  }

  /** A value that was passed on often enough goes back to its giver. */
  #isHandedBack(value: Value, hops: number): boolean {
    const giver = livingGiver(value);
    if (hops < MAX_HOPS || giver === undefined) return false;
    tell(giver, value.token, false);
    return true;
  }

  #give(to: Peer, entrusted: Entrusted, value: Value): void {
    const token = entrusted.token();
    if (to.isOurs) {
      encodeForward(to.out, token, Math.min(value.hops + 1, MAX_HOPS), value.value);
    } else {
      encodeClientValue(to.out, value.value);
      // Without a learner nobody here will know what becomes of it: it is the original's from now on.
      if (!this.#options.learns) return;
    }
    // A mere acceptor may hand it to an original, and then cannot tell what became of it.
    if (!to.hasRole(Role.proposer) && this.#options.learns) this.#byBytes.know(value.value, to, token);
    entrusted.keep(token, value);
  }

  #takeBack(peer: Peer, token: number): Value | undefined {
    const value = this.#entrusted.get(peer)?.take(token);
    if (value !== undefined) this.#options.turn.schedule();
    return value;
  }
}

function livingGiver({ giver }: Value): Peer | undefined {
  return giver?.isClosed === false ? giver : undefined;
}

/** True if this node gave the value, on this connection or on the one that goes the other way. */
function isGiverOf(value: Value, node: Peer): boolean {
  const giver = livingGiver(value);
  return giver !== undefined && (giver === node || giver.counterpart === node);
}

/** Tells a peer what became of a value that it gave. */
function tell(giver: Peer, token: number, chosen: boolean): void {
  if (!giver.canBeTold()) return;
  encodeForwarded(giver.out, token, chosen);
  giver.sent();
}
