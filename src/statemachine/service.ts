/**
 * Service: what a replica does for whoever gives commands: its clients, and the program it runs in. It takes items,
 * puts them into the log in fragments, and sends back what the host says that they came to.
 *
 *   COMMANDS → looked at → attached: results of that session go to this connection → fragments, proposed
 *   host: opened → SESSION_OPENED      answered → gathered by connection → end of the turn: one RESULTS
 *
 * A connection that is cut takes its session along; the client says it again on another, and what it missed is in the
 * session. So nothing is kept for who is away, and who does not read is cut off.
 *
 * Invariants: on a connection the results of a session come in the order of the log, without a gap from the first that
 * it asked for; so one that loses its session to another is closed. While the proposer's queue is full nothing more is read from clients.
 */
import type { Peer } from '../evpaxos/peer.ts';
import type { ValueRouter } from '../evpaxos/values.ts';
import { encodeResults as encodeResultsMessage, encodeSessionOpened } from '../transport/encode-commands.ts';
import { ByteWriter, MAX_INTEGER_BYTES } from './bytes.ts';
import { clientItemsFault } from './client-items.ts';
import { ItemKind, ItemReader } from './items.ts';
import { encodeResult, encodeResults, ResultReader, ResultStatus } from './results.ts';
import { FRAGMENT_BYTES } from './run-builder.ts';

/** So much is gathered for a connection before it is handed on: who does not read is to be noticed. */
const MAX_GATHERED_BYTES = 1024 * 1024;

/** The most bytes of a run of results beside these: two integers. */
const RUN_HEAD_BYTES = 2 * MAX_INTEGER_BYTES;

/** Bytes that wait keep at most so many times their length alive. */
const MAX_KEPT_TIMES = 4;

const encoder = new TextEncoder();

/** The session of the program in this process. */
export interface LocalSession {
  readonly id: number;
  onOpened(nonceHigh: number, nonceLow: number, session: number): void;
  onAnswered(first: number, count: number, results: Uint8Array): void;
}

export interface ServiceOptions {
  /** where fragments go; undefined: there is no node yet */
  readonly values: () => Pick<ValueRouter, 'take' | 'isFull'> | undefined;
  readonly local: LocalSession;
  /** the most bytes of results in one message: who is sent more hangs up, and asks again */
  readonly maxResultsBytes: number;
  /** a connection sent what no client sends: it is to be closed, and the reason told */
  readonly bad: (peer: Peer, reason: string) => void;
  /** asks for step() and flush() at the end of this turn */
  readonly wake: () => void;
}

/** A session and the connection that its results go to. */
interface Attached {
  readonly session: number;
  readonly peer: Peer;
  results: ByteWriter;
  isDirty: boolean;
}

interface Held {
  readonly peer: Peer;
  readonly items: Uint8Array;
}

export class Service {
  readonly #options: ServiceOptions;
  readonly #reader = new ItemReader();
  readonly #bySession = new Map<number, Attached>();
  readonly #byPeer = new Map<Peer, Attached>();
  /** by connection: the nonce of the session that it opens */
  readonly #opening = new Map<Peer, readonly [high: number, low: number]>();
  /** what came when the queue was full; nothing more comes from there */
  #held: Held[] = [];
  readonly #paused = new Set<Peer>();
  #dirty: Attached[] = [];
  /** whose results came last: the next ones are likely theirs too */
  #last: Attached | undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  /** How many sessions have a connection here. */
  get attachedCount(): number {
    return this.#bySession.size;
  }

  onCommands(peer: Peer, session: number, items: Uint8Array): void {
    const fault = clientItemsFault(items, session, this.#reader);
    if (fault !== undefined || peer.sends === 'more') {
      this.#options.bad(peer, fault ?? 'commands, and is no client');
      return;
    }
    if (session === 0) this.#noteOpening(peer, items);
    else this.#attach(peer, session);
    const own = owned(items);
    if (this.#held.length > 0 || this.#isFull) this.#hold(peer, own);
    else this.#proposeOf(peer, own);
  }

  /** Items of the program in this process. */
  propose(items: Uint8Array): void {
    this.#propose(items);
  }

  /** True if the program in this process may hand in more. */
  get takesMore(): boolean {
    return this.#held.length === 0 && !this.#isFull;
  }

  onPeerClosed(peer: Peer): void {
    this.#opening.delete(peer);
    this.#detach(peer);
    if (!this.#paused.delete(peer)) return;
    this.#held = this.#held.filter((held) => held.peer !== peer);
    this.#options.wake();
  }

  /** A session was opened, by whoever has a connection here, or elsewhere. */
  opened(nonceHigh: number, nonceLow: number, session: number): void {
    this.#options.local.onOpened(nonceHigh, nonceLow, session);
    for (const [peer, [high, low]] of this.#opening) {
      if (high !== nonceHigh || low !== nonceLow) continue;
      this.#opening.delete(peer);
      if (session !== 0) this.#attach(peer, session);
      if (!peer.canBeTold()) continue;
      encodeSessionOpened(peer.out, nonceHigh, nonceLow, session);
      peer.sent();
    }
  }

  /** What commands of a session came to. Hot. */
  answered(session: number, first: number, count: number, results: Uint8Array): void {
    const { local } = this.#options;
    if (session === local.id) local.onAnswered(first, count, results);
    let attached = this.#last;
    if (attached?.session !== session) {
      attached = this.#bySession.get(session);
      if (attached === undefined) return;
      this.#last = attached;
    }
    if (this.#fits(attached, results.length)) encodeResults(attached.results, first, count, results);
    else this.#gatherEach(attached, first, count, results);
    if (attached.results.length >= MAX_GATHERED_BYTES) this.#tell(attached);
    if (attached.isDirty) return;
    attached.isDirty = true;
    this.#dirty.push(attached);
  }

  /** Puts into the log what had to wait. True if it did anything. To be called before proposers have their step. */
  step(): boolean {
    if (this.#paused.size === 0) return false;
    let done = 0;
    for (; done < this.#held.length && !this.#isFull; done++) {
      const held = this.#held[done];
      if (held !== undefined) this.#proposeOf(held.peer, held.items);
    }
    this.#held.splice(0, done);
    if (this.#held.length === 0) {
      for (const peer of this.#paused) peer.link.resume();
      this.#paused.clear();
    }
    return done > 0;
  }

  /** Hands on what this turn's instances came to. */
  flush(): void {
    if (this.#dirty.length === 0) return;
    for (const attached of this.#dirty) {
      attached.isDirty = false;
      this.#tell(attached);
    }
    this.#dirty = [];
  }

  /** Instances were passed over, whose results nobody here has heard: clients begin again, on other connections. */
  cut(): void {
    for (const peer of [...this.#byPeer.keys(), ...this.#opening.keys()]) peer.close();
  }

  get #isFull(): boolean {
    return this.#options.values()?.isFull ?? true;
  }

  #noteOpening(peer: Peer, items: Uint8Array): void {
    const reader = this.#reader;
    reader.open(items);
    while (reader.next())
      if (reader.kind === ItemKind.open) this.#opening.set(peer, [reader.nonceHigh, reader.nonceLow]);
  }

  #attach(peer: Peer, session: number): void {
    const known = this.#byPeer.get(peer);
    if (known?.session === session && this.#bySession.get(session) === known) return;
    this.#detach(peer);
    const before = this.#bySession.get(session);
    const attached: Attached = { session, peer, results: new ByteWriter(), isDirty: false };
    this.#byPeer.set(peer, attached);
    // The newest connection has it: an older one may be lost already, and not know it.
    this.#bySession.set(session, attached);
    this.#last = undefined;
    if (before === undefined) return;
    // Or it is not lost, and the newest brought what was sent before: it would miss what is answered meanwhile. A client
    // that misses a result takes its command for one that was not applied once the session has expired.
    this.#byPeer.delete(before.peer);
    before.peer.close();
  }

  #detach(peer: Peer): void {
    const attached = this.#byPeer.get(peer);
    if (attached === undefined) return;
    this.#byPeer.delete(peer);
    if (this.#bySession.get(attached.session) === attached) this.#bySession.delete(attached.session);
    this.#last = undefined;
  }

  #hold(peer: Peer, items: Uint8Array): void {
    this.#held.push({ peer, items });
    this.#paused.add(peer);
    peer.link.pause();
  }

  #proposeOf(peer: Peer, items: Uint8Array): void {
    const fault = this.#propose(items);
    if (fault !== undefined) this.#options.bad(peer, `a command that cannot be proposed: ${fault}`);
  }

  /** Items go on as they came, as many together as fit a fragment. They keep the bytes that came for as long. */
  #propose(items: Uint8Array): string | undefined {
    const values = this.#options.values();
    if (values === undefined) return 'there is no node';
    if (items.length <= FRAGMENT_BYTES) return values.take(items)?.message;
    const reader = this.#reader;
    let fault: string | undefined;
    let start = 0;
    reader.open(items);
    while (reader.next()) {
      if (reader.end - start <= FRAGMENT_BYTES || reader.start === start) continue;
      fault ??= values.take(items.subarray(start, reader.start))?.message;
      start = reader.start;
    }
    return fault ?? values.take(items.subarray(start))?.message;
  }

  #fits({ results }: Attached, bytes: number): boolean {
    return results.length + RUN_HEAD_BYTES + bytes <= this.#options.maxResultsBytes;
  }

  /** So much at once that messages have to end in between. What none can hold is told as what it is. */
  #gatherEach(attached: Attached, first: number, count: number, results: Uint8Array): void {
    const reader = new ResultReader();
    const one = new ByteWriter();
    reader.openRun(first, count, results);
    while (reader.next()) {
      one.clear();
      encodeResult(one, reader.status, reader.bytes());
      if (!this.#fits(attached, one.length)) this.#tell(attached);
      if (!this.#fits(attached, one.length)) {
        one.clear();
        encodeResult(one, ResultStatus.failed, tooLarge(reader.length));
      }
      encodeResults(attached.results, reader.sequence, 1, one.view());
    }
  }

  #tell(attached: Attached): void {
    const { peer, results, session } = attached;
    if (results.length > 0 && peer.canBeTold()) {
      encodeResultsMessage(peer.out, session, results.view());
      peer.sent();
    }
    if (results.length > MAX_GATHERED_BYTES) attached.results = new ByteWriter();
    else results.clear();
  }
}

function tooLarge(bytes: number): Uint8Array {
  return encoder.encode(`it was applied, but max-message is too small for its result of ${bytes} bytes`);
}

/** Few bytes would keep all of what was read with them alive, for as long as they wait. */
export function owned(items: Uint8Array): Uint8Array {
  return items.length < items.buffer.byteLength / MAX_KEPT_TIMES ? items.slice() : items;
}
