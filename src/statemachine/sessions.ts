/**
 * Sessions: who gives commands, and what was answered; replicated state, which every replica changes alike, at items of
 * the log and nowhere else. What makes "exactly once" true: a command whose sequence has a result is not applied again.
 *
 *   OPEN → number | 0 refused      RUN, KEEP → touched, acknowledged      CLOSE, too old at a CLOCK → gone
 *
 * As in section 6.3 of Ongaro's dissertation (Consensus: Bridging Theory and Practice, 2014), a session is opened
 * through the log, which numbers it, and is in every snapshot; as in RIFL (Lee et al., Implementing Linearizability at
 * Large Scale and Low Latency, 2015), every result that the client has not acknowledged is kept, not only the last,
 * since many commands are under way and are chosen in any order.
 *
 * Time is the log's: it is the highest CLOCK so far. A session's age rises with the CLOCKs, but by MAX_AGE_STEP_MS at
 * most from one to the next, so that nobody expires because a cluster was down or a leader's clock was wrong: living
 * clients have a chance to say so first. A CLOCK far below the one before ends the time of a clock that was ahead.
 *
 * Invariants: numbers are never given twice; equal logs make equal sessions, and equal sessions equal bytes.
 */
import type { ByteReader, ByteWriter } from './bytes.ts';
import { MAX_SESSION_TIMEOUT_MS, MIN_SESSION_TIMEOUT_MS } from './items.ts';
import { SessionResults } from './session-results.ts';

/** The most sessions at a time; beyond, OPEN is refused. */
export const MAX_SESSIONS = 65_536;
/** How far above what it acknowledged a session may give commands. */
export const MAX_SESSION_WINDOW = 65_536;
/** How many bytes of results a session may leave unacknowledged, before more commands are refused. */
export const MAX_SESSION_RESULT_BYTES = 16 * 1024 * 1024;
/** How much older than at the CLOCK before a session can be. */
export const MAX_AGE_STEP_MS = 10_000;
/** A CLOCK that is so much lower than the highest says that the highest was wrong. */
const WRONG_CLOCK_MS = 60_000;

const REFUSED = 0;

/** One session. Its fields are the table's to change. */
export class Session {
  readonly id: number;
  readonly nonceHigh: number;
  readonly nonceLow: number;
  readonly timeoutMs: number;
  /** every result up to here has reached the client */
  acknowledged = 0;
  /** the ages' time when it was last heard of */
  touchedAtMs: number;
  readonly results = new SessionResults();

  constructor(id: number, nonceHigh: number, nonceLow: number, timeoutMs: number, touchedAtMs: number) {
    this.id = id;
    this.nonceHigh = nonceHigh;
    this.nonceLow = nonceLow;
    this.timeoutMs = timeoutMs;
    this.touchedAtMs = touchedAtMs;
  }

  /** The highest sequence that may be applied now. */
  get windowEnd(): number {
    return this.acknowledged + MAX_SESSION_WINDOW;
  }

  acknowledge(upTo: number): void {
    if (upTo <= this.acknowledged) return;
    this.acknowledged = upTo;
    this.results.acknowledge(upTo);
  }
}

export class Sessions {
  /** by number, in the order they were opened */
  readonly #byId = new Map<number, Session>();
  readonly #byNonce = new Map<string, Session>();
  #lastId = 0;
  #timeMs = 0;
  /** the CLOCK that ages rise from, and how far they have risen since the beginning */
  #clockMs = 0;
  #agesMs = 0;
  /** before this no session can have expired; not part of the state */
  #nextExpiryMs = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.#byId.size;
  }

  /** The log's time in ms since 1970: 0 before the first CLOCK. */
  get timeMs(): number {
    return this.#timeMs;
  }

  get(id: number): Session | undefined {
    return this.#byId.get(id);
  }

  /** A CLOCK: time goes on, and sessions that are too old end. */
  clock(timeMs: number): void {
    if (timeMs > this.#timeMs) this.#timeMs = timeMs;
    if (timeMs > this.#clockMs) {
      this.#agesMs += Math.min(timeMs - this.#clockMs, MAX_AGE_STEP_MS);
      this.#clockMs = timeMs;
      if (this.#agesMs > this.#nextExpiryMs) this.#expire();
    } else if (timeMs < this.#clockMs - WRONG_CLOCK_MS) {
      this.#clockMs = timeMs;
    }
  }

  /** An OPEN: the number of the session, a new one unless one of that nonce lives; 0 if there are too many. */
  open(nonceHigh: number, nonceLow: number, timeoutMs: number): number {
    const nonce = nonceKey(nonceHigh, nonceLow);
    const living = this.#byNonce.get(nonce);
    if (living !== undefined) {
      living.touchedAtMs = this.#agesMs;
      return living.id;
    }
    if (this.#byId.size >= MAX_SESSIONS) return REFUSED;
    const session = new Session(++this.#lastId, nonceHigh, nonceLow, timeoutMs, this.#agesMs);
    this.#insert(session);
    return session.id;
  }

  /** A RUN or KEEP: the session, kept alive; undefined if there is none of that number, or no longer. */
  touch(id: number, acknowledged: number): Session | undefined {
    const session = this.#byId.get(id);
    if (session === undefined) return undefined;
    session.touchedAtMs = this.#agesMs;
    session.acknowledge(acknowledged);
    return session;
  }

  /** A CLOSE. */
  close(id: number): void {
    const session = this.#byId.get(id);
    if (session !== undefined) this.#remove(session);
  }

  /** Writes everything to a snapshot. */
  write(out: ByteWriter): void {
    out.uint53(this.#lastId);
    out.uint53(this.#timeMs);
    out.uint53(this.#clockMs);
    out.uint53(this.#agesMs);
    out.uint53(this.#byId.size);
    for (const session of this.#byId.values()) {
      out.uint53(session.id);
      out.uint53(session.nonceHigh);
      out.uint53(session.nonceLow);
      out.uint53(session.timeoutMs);
      out.uint53(session.acknowledged);
      out.uint53(session.touchedAtMs);
      session.results.write(out);
    }
  }

  /** What `write` wrote; not to be used if the reader then has a fault. */
  static read(reader: ByteReader): Sessions {
    const sessions = new Sessions();
    sessions.#lastId = reader.uint53();
    sessions.#timeMs = reader.uint53();
    sessions.#clockMs = reader.uint53();
    sessions.#agesMs = reader.uint53();
    const size = reader.uint53();
    if (size > MAX_SESSIONS) reader.fail(`${size} sessions, and ${MAX_SESSIONS} may be`);
    let lastId = 0;
    for (let i = 0; i < size && reader.fault === undefined; i++) {
      const session = sessions.#readSession(reader);
      if (session.id <= lastId || session.id > sessions.#lastId) reader.fail('sessions out of order');
      lastId = session.id;
      sessions.#insert(session);
    }
    return sessions;
  }

  #readSession(reader: ByteReader): Session {
    const id = reader.uint53();
    const nonceHigh = reader.uint32();
    const nonceLow = reader.uint32();
    const timeoutMs = reader.uint53();
    const acknowledged = reader.uint53();
    const touchedAtMs = reader.uint53();
    if (timeoutMs < MIN_SESSION_TIMEOUT_MS || timeoutMs > MAX_SESSION_TIMEOUT_MS) {
      reader.fail(`a session timeout of ${timeoutMs} ms`);
    }
    if (touchedAtMs > this.#agesMs) reader.fail('a session that was heard of in the future');
    if (this.#byNonce.has(nonceKey(nonceHigh, nonceLow))) reader.fail('a nonce of two sessions');
    const session = new Session(id, nonceHigh, nonceLow, timeoutMs, touchedAtMs);
    session.acknowledged = acknowledged;
    session.results.read(reader, acknowledged);
    return session;
  }

  #insert(session: Session): void {
    this.#byId.set(session.id, session);
    this.#byNonce.set(nonceKey(session.nonceHigh, session.nonceLow), session);
    this.#nextExpiryMs = Math.min(this.#nextExpiryMs, session.touchedAtMs + session.timeoutMs);
  }

  #remove(session: Session): void {
    this.#byId.delete(session.id);
    this.#byNonce.delete(nonceKey(session.nonceHigh, session.nonceLow));
  }

  /** Ends the sessions that are too old. Looked for only when one can be: touching one only makes that later. */
  #expire(): void {
    let next = Number.POSITIVE_INFINITY;
    for (const session of this.#byId.values()) {
      const expiryMs = session.touchedAtMs + session.timeoutMs;
      if (this.#agesMs > expiryMs) this.#remove(session);
      else next = Math.min(next, expiryMs);
    }
    this.#nextExpiryMs = next;
  }
}

function nonceKey(high: number, low: number): string {
  return `${high}:${low}`;
}
