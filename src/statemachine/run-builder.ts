/**
 * RunBuilder: gathers the commands of one session into fragments. A fragment is one RUN: what waits, is joined with
 * others, and is sent again as it is.
 *
 *   add(payload) → its sequence      …      take(session, acknowledged) → the RUN, and the next one begins
 *
 * Invariant: a fragment has at most FRAGMENT_COMMANDS commands, and at most FRAGMENT_BYTES unless a single command has
 * more. Sequences are consecutive, from 1.
 */
import { invariant } from '../paxos/invariant.ts';
import { ByteWriter, MAX_INTEGER_BYTES } from './bytes.ts';
import { encodeRunHead, MAX_RUN_HEAD_BYTES } from './items.ts';

export const FRAGMENT_COMMANDS = 64;
export const FRAGMENT_BYTES = 16 * 1024;

export class RunBuilder {
  readonly #commands = new ByteWriter();
  readonly #head = new ByteWriter(MAX_RUN_HEAD_BYTES);
  #first: number;
  #count = 0;

  /** @param first the sequence of the session's next command */
  constructor(first = 1) {
    this.#first = first;
  }

  /** The sequence of the first command that was not taken. */
  get first(): number {
    return this.#first;
  }

  /** How many commands were added since the last take. */
  get count(): number {
    return this.#count;
  }

  /** Whether one more command of so many bytes may be added; if not, what is here has to be taken first. */
  fits(payloadBytes: number): boolean {
    if (this.#count === 0) return true;
    const bytes = MAX_RUN_HEAD_BYTES + this.#commands.length + MAX_INTEGER_BYTES + payloadBytes;
    return this.#count < FRAGMENT_COMMANDS && bytes <= FRAGMENT_BYTES;
  }

  /** Adds a command that fits, copies it, and gives its sequence. */
  add(payload: Uint8Array): number {
    invariant(this.fits(payload.length), 'a command is added to a run that has room for it');
    this.#commands.uint53(payload.length);
    this.#commands.append(payload);
    return this.#first + this.#count++;
  }

  /**
   * The RUN of what was added; at least one command. The builder goes on behind it.
   *
   * @param acknowledged every result up to this sequence has arrived
   */
  take(session: number, acknowledged: number): Uint8Array {
    invariant(this.#count > 0, 'a run has a command');
    invariant(acknowledged < this.#first, 'a command that was not sent has no result');
    this.#head.clear();
    encodeRunHead(this.#head, session, acknowledged, this.#first, this.#count);
    const run = new Uint8Array(this.#head.length + this.#commands.length);
    run.set(this.#head.view());
    run.set(this.#commands.view(), this.#head.length);
    this.#first += this.#count;
    this.#count = 0;
    this.#commands.clear();
    return run;
  }
}
