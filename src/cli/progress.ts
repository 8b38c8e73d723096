/**
 * Progress: what `--json` prints of a node that learns: how far it is, and a digest of all that it delivered. Two nodes
 * that delivered the same values in the same order print the same digest at the same instance.
 *
 *   {"type":"progress","delivered":41000,"digest":"2ce9a7f0bd1b3f55","leading":true}
 *
 * A line comes at an interval, and at every thousandth instance, so that nodes that are never at the same instance at
 * the same time can be compared.
 */
import { createHash } from 'node:crypto';
import type { NodeHandle } from '../evpaxos/index.ts';
import type { Timer } from '../transport/transport.ts';
import type { Io } from './io.ts';
import { runUntilStopped } from './running.ts';

/** At every instance that this divides, each node prints a line. */
export const MARK_INSTANCES = 1000;
const SHOWN_DIGITS = 16;
const TWO_32 = 2 ** 32;

/** SHA-256 over all that was delivered: of each instance its id, the value's size (64 bits each), and the value. */
export class Digest {
  readonly #hash = createHash('sha256');
  readonly #head = Buffer.alloc(16);

  /** Hot. */
  add(instanceId: number, value: Uint8Array): void {
    const head = this.#head;
    head.writeUInt32LE(instanceId % TWO_32, 0);
    head.writeUInt32LE(Math.floor(instanceId / TWO_32), 4);
    head.writeUInt32LE(value.length, 8);
    this.#hash.update(head).update(value);
  }

  /** The digest up to here, its first 64 bits in hex. */
  get text(): string {
    return this.#hash.copy().digest('hex').slice(0, SHOWN_DIGITS);
  }
}

/** What a node that learns is told on its command line. */
export interface LearningFlags {
  /** where a checkpoint ends */
  readonly after?: number;
  readonly json?: boolean;
  readonly every: number;
}

type Delivered = { readonly instanceId: number; readonly value: Uint8Array };

export function afterOf({ after }: LearningFlags): { readonly after?: number } {
  return after === undefined ? {} : { after };
}

/** How a node that learns is started and run, with `--json` and without. */
interface Learning {
  /** where its log goes */
  readonly tell: (text: string) => void;
  readonly deliver: (delivered: Delivered) => void;
  /** runs the node until the command is to end */
  readonly run: (node: ProgressNode) => Promise<void>;
}

/** @param show what is done with a value without `--json` */
export function learning(io: Io, flags: LearningFlags, show: (value: Uint8Array) => void): Learning {
  if (flags.json !== true) {
    const run = (node: NodeHandle) => runUntilStopped(node, io);
    return { tell: (text) => io.out(text), deliver: ({ value }) => show(value), run };
  }
  const tell = (text: string) => io.err(text);
  const progress = new Progress(io, flags.every);
  const run = async (node: ProgressNode) => {
    progress.start(node);
    await runUntilStopped(node, io, tell).finally(() => progress.stop());
  };
  return { tell, deliver: (delivered) => progress.add(delivered), run };
}

/** A node, and whether it leads if it can. */
interface ProgressNode extends NodeHandle {
  readonly isLeading?: boolean;
}

/** Prints the lines. */
class Progress {
  readonly #io: Io;
  readonly #everyMs: number;
  readonly #digest = new Digest();
  #delivered = 0;
  #node: ProgressNode | undefined;
  #timer: Timer | undefined;

  constructor(io: Io, everyMs: number) {
    this.#io = io;
    this.#everyMs = everyMs;
  }

  /** Hot. An instance was delivered. */
  add({ instanceId, value }: Delivered): void {
    this.#digest.add(instanceId, value);
    this.#delivered = instanceId;
    if (instanceId % MARK_INSTANCES === 0) this.#print();
  }

  /** Prints a line now, and one at every interval from now on. */
  start(node: ProgressNode): void {
    this.#node = node;
    this.#print();
    this.#timer = this.#io.clock.after(this.#everyMs, () => this.start(node));
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #print(): void {
    const isLeading = this.#node?.isLeading;
    const leading = isLeading === undefined ? {} : { leading: isLeading };
    const line = { type: 'progress', delivered: this.#delivered, digest: this.#digest.text, ...leading };
    this.#io.out(`${JSON.stringify(line)}\n`);
  }
}
