/**
 * Probe: asks one node how it is, whatever it is: one of ours, an original, something else, or nothing at all.
 *
 *   connect → HELLO, NODE_QUERY → HELLO, NODE_STATUS                          one of ours
 *                               → nothing, then ACCEPTOR_STATE                an original: asked how far it is by REPEAT
 *                               → REFUSED, or bytes that no node sends        not of this cluster
 *   no connection                                                             down, or beyond reach
 *
 * It has no role: no acceptances are told to it, no vote of its counts. A connection is kept from one round to the next.
 */
import { MAX_INSTANCE } from '../paxos/ballot.ts';
import { ByteBuffer } from '../transport/buffer.ts';
import { Decoder } from '../transport/decode.ts';
import { encodeHello, encodeNodeQuery, encodeRepeat } from '../transport/encode.ts';
import { type Message, MessageLog } from '../transport/message-log.ts';
import type { Hello } from '../transport/messages.ts';
import type { Address, Clock, Link, LinkEvents, Timer, Transport } from '../transport/transport.ts';
import { EndProbe } from './end-probe.ts';
import { cleanText, type NodeReport, parseReport } from './report.ts';

/** Ours say HELLO at once. Who has not by then is asked as an original is. */
const HELLO_MS = 300;
/** Who has said nothing by then, and need not say anything, is not waited for. */
const GRACE_MS = 1000;
/** What an original answers comes at once. */
const ANSWER_MS = 100;
/** An unanswered question is asked again. */
const AGAIN_MS = 600;
/** An original acceptor speaks once a second. */
const STATE_STANDS_MS = 3000;

/** unreachable: nothing comes back, or there is no way; down: the machine answers that nobody listens. */
export type NodeState = 'up' | 'down' | 'unreachable' | 'no answer' | 'other cluster' | 'not a node';

/** What is known of a node at the end of a round. */
export interface Answer {
  readonly state: NodeState;
  /** why, if it is not up */
  readonly reason: string | undefined;
  readonly hello: Hello | undefined;
  /** of one of ours that is up */
  readonly report: NodeReport | undefined;
  /** of an original acceptor that is up */
  readonly original: { readonly accepted: number; readonly trimmed: number } | undefined;
}

export interface ProbeOptions {
  readonly address: Address;
  /** it has an acceptor line: an original would speak once a second */
  readonly isAcceptor: boolean;
  readonly hello: Hello;
  readonly maxMessageBytes: number;
  readonly transport: Transport;
  readonly clock: Clock;
  /** something came that may end the round */
  readonly changed: () => void;
}

export class Probe {
  readonly #options: ProbeOptions;
  #log = new MessageLog();
  #decoder: Decoder | undefined;
  #link: Link | undefined;
  #isUp = false;
  #token = 0;
  #hello: Hello | undefined;
  #report: NodeReport | undefined;
  #failure: { readonly state: NodeState; readonly reason: string } | undefined;
  /** of an original: when it spoke last, its trim point, and how far it is */
  #stateAt = Number.NEGATIVE_INFINITY;
  #trimmed = 0;
  #end = new EndProbe(0);
  #isProbing = false;
  #questions: readonly number[] = [];
  #isGraceOver = false;
  readonly #timers = new Set<Timer>();

  constructor(options: ProbeOptions) {
    this.#options = options;
  }

  /** Begins a round. */
  ask(): void {
    this.#token++;
    this.#report = undefined;
    this.#failure = undefined;
    if (this.#link === undefined) this.#connect();
    else if (this.#isUp) this.#begin();
  }

  /** True when nothing more is to be waited for in this round. */
  get isSettled(): boolean {
    if (this.#failure !== undefined || this.#report !== undefined) return true;
    if (this.#hello !== undefined || !this.#isUp) return false;
    if (this.#options.isAcceptor) return this.#isOriginal && !this.#isProbing;
    return this.#isGraceOver;
  }

  get answer(): Answer {
    const { state, reason } = this.#outcome();
    const original = state === 'up' && this.#hello === undefined;
    return {
      state,
      reason,
      hello: this.#hello,
      report: this.#report,
      original: original ? { accepted: this.#end.known, trimmed: this.#trimmed } : undefined,
    };
  }

  close(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    const link = this.#link;
    this.#link = undefined;
    link?.close();
  }

  /** What happens to a link, for as long as it is ours. */
  #events(isOurs: () => boolean): LinkEvents {
    return {
      connected: () => isOurs() && this.#connected(),
      data: (bytes) => isOurs() && this.#data(bytes),
      drained: () => undefined,
      closed: (reason) => isOurs() && this.#closed(reason),
    };
  }

  #connected(): void {
    this.#isUp = true;
    this.#say((out) => encodeHello(out, this.#options.hello));
    this.#begin();
    this.#after(HELLO_MS, () => this.#probe());
    this.#after(GRACE_MS, () => {
      this.#isGraceOver = true;
      this.#options.changed();
    });
  }

  #data(bytes: Uint8Array): void {
    const fault = this.#decoder?.push(bytes);
    for (const message of this.#log.take()) this.#take(message);
    if (fault !== undefined) this.#fail('not a node', `it sent ${fault}`);
    this.#options.changed();
  }

  #closed(reason: string | undefined): void {
    const isRefused = reason === 'connection refused';
    if (!this.#isUp) this.#fail(isRefused ? 'down' : 'unreachable', reason ?? 'no connection');
    else this.#fail('no answer', reason ?? 'it closed the connection');
    this.#options.changed();
  }

  #outcome(): { readonly state: NodeState; readonly reason: string | undefined } {
    if (this.#report !== undefined) return { state: 'up', reason: undefined };
    if (this.#failure !== undefined) return this.#failure;
    if (!this.#isUp) return { state: 'unreachable', reason: 'nothing comes back' };
    if (this.#hello !== undefined) return { state: 'no answer', reason: 'it said HELLO and does not answer' };
    if (this.#isOriginal) return { state: 'up', reason: undefined };
    const reason = this.#options.isAcceptor
      ? 'it takes connections and says nothing'
      : 'it takes connections and says nothing: an original proposer, or one that hangs';
    return { state: 'no answer', reason };
  }

  get #isOriginal(): boolean {
    return this.#options.clock.now() - this.#stateAt <= STATE_STANDS_MS;
  }

  #connect(): void {
    const { transport, address, maxMessageBytes } = this.#options;
    this.#isUp = false;
    this.#hello = undefined;
    this.#isProbing = false;
    this.#questions = [];
    this.#isGraceOver = false;
    this.#stateAt = Number.NEGATIVE_INFINITY;
    this.#log = new MessageLog();
    this.#decoder = new Decoder(this.#log, { maxMessageBytes, lastInstance: MAX_INSTANCE });
    const link: Link = transport.connect(
      address,
      this.#events(() => this.#link === link),
    );
    this.#link = link;
  }

  /** What a round begins with, on a connection that is up. */
  #begin(): void {
    this.#query(this.#token);
    if (this.#isOriginal) this.#probe();
  }

  /** Asks, and asks again: an answer waits for the disk, until that has stalled for long enough to be told of. */
  #query(token: number): void {
    if (token !== this.#token || this.isSettled) return;
    this.#say((out) => encodeNodeQuery(out, token));
    this.#after(AGAIN_MS, () => this.#query(token));
  }

  #take(message: Message): void {
    if (message.type === 'hello') this.#meet(message);
    else if (message.type === 'refused') this.#fail('other cluster', cleanText(message.reason));
    else if (message.type === 'nodeStatus' && message.token === this.#token) {
      this.#report = parseReport(message.report);
    } else if (this.#hello === undefined) this.#takeFromOriginal(message);
  }

  #meet(hello: Hello): void {
    this.#hello ??= { ...hello, software: cleanText(hello.software) };
    if (hello.fingerprint === this.#options.hello.fingerprint) return;
    this.#fail('other cluster', 'acceptor count, value-format or cluster-name differ');
  }

  #takeFromOriginal(message: Message): void {
    if (message.type === 'accepted' && message.valueBallot > 0) {
      this.#end.answered(message.instanceId);
      if (this.#isProbing && this.#end.isAnswered) this.#askOn();
    }
    if (message.type !== 'acceptorState') return;
    this.#stateAt = this.#options.clock.now();
    if (this.#questions.length === 0) this.#probe();
    if (message.trimInstanceId <= this.#trimmed) return;
    // Nothing is answered up to there: it begins anew above.
    this.#trimmed = message.trimInstanceId;
    if (this.#trimmed > this.#end.known) this.#probe();
  }

  /** Asks an original how far it is, from what is known on. */
  #probe(): void {
    if (this.#hello !== undefined || !this.#options.isAcceptor) return;
    this.#end = new EndProbe(Math.max(this.#end.known, this.#trimmed));
    this.#isProbing = true;
    this.#askOn();
  }

  #askOn(): void {
    const questions = this.#end.next();
    if (questions.length === 0) {
      this.#isProbing = false;
      this.#options.changed();
      return;
    }
    this.#say((out) => {
      for (const instanceId of questions) encodeRepeat(out, instanceId, instanceId);
    });
    this.#questions = questions;
    // An answer may have led on by then.
    this.#after(ANSWER_MS, () => {
      if (this.#questions === questions) this.#askOn();
    });
  }

  #say(encode: (out: ByteBuffer) => void): void {
    const out = new ByteBuffer();
    encode(out);
    this.#link?.write(out.take());
  }

  #fail(state: NodeState, reason: string): void {
    this.#failure ??= { state, reason };
    this.close();
  }

  #after(delayMs: number, call: () => void): void {
    const timer = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(timer);
      call();
    });
    this.#timers.add(timer);
  }
}
