/**
 * Transport and Clock: the two ports between the nodes and the world. The real ones are TCP and Node's timers; the
 * simulator brings its own. Neither knows a message: a link carries bytes, in order, until it is cut.
 */

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** What happens to a link, told to whoever owns it. After `closed` nothing more is told. */
export interface LinkEvents {
  /** The link is up: for links we opened. Links that were accepted are up from the start. */
  connected(): void;
  /** Bytes came. They are a view that may be kept; its memory is not used again. */
  data(bytes: Uint8Array): void;
  /** What waited in the link has gone out (waitingBytes fell to 0). */
  drained(): void;
  /** The link is gone: cut, refused, or closed by us. `reason` is one line, or undefined for an ordinary end. */
  closed(reason: string | undefined): void;
}

export interface Link {
  /** The other end, as `ADDR:PORT`. */
  readonly remote: string;
  /** Bytes given to `write` that the other end's machine has not taken yet. */
  readonly waitingBytes: number;
  /**
   * Sends bytes. Ignored once closed.
   * @returns true: neither these bytes nor any given before are looked at any more, and their memory may be written
   * again. false: the link keeps them, and they must not change.
   */
  write(bytes: Uint8Array): boolean;
  /** Stops and resumes reading, so that a sender is held back by the network. */
  pause(): void;
  resume(): void;
  /** Ends the link; `closed` is told once. What was written and not yet sent may be lost. */
  close(): void;
}

export interface Listener {
  /** The port that is really listened on (useful when 0 was asked for). */
  readonly port: number;
  close(): Promise<void>;
}

export interface Transport {
  /** Opens a link. Returns at once; `connected` or `closed` follows, never before this returns. */
  connect(address: Address, events: LinkEvents): Link;
  /**
   * Takes links in on a port of every interface.
   * @throws PaxosError ADDRESS_IN_USE or LISTEN_FAILED
   */
  listen(port: number, accept: (link: Link) => LinkEvents): Promise<Listener>;
}

/** A timer that was set; `cancel` may be called at any time, also after it fired. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds on a clock that never goes back; its zero means nothing. */
  now(): number;
  /** Microseconds since 1970 on the wall clock, for people and for stamps in values. May go back. */
  wallMicros(): number;
  /** Calls once after `delayMs` milliseconds. */
  after(delayMs: number, call: () => void): Timer;
  /** Calls once when all input that is ready has been handled: the end of this turn. */
  endOfTurn(call: () => void): void;
  /**
   * Looks for input again and again for `forMs` milliseconds from now on, and does not sleep meanwhile. A clock without it
   * sleeps.
   */
  busyPoll?(forMs: number): void;
}

/** A seeded generator: all that is random in a node comes from here. */
export interface Random {
  /** A number in [0, 1). */
  next(): number;
}
