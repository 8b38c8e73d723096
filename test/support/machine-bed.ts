/**
 * A MachineHost with a machine, and what it told: for tests of the host, without a network. Values are written as items,
 * one instance each.
 */

import type { PaxosError } from '../../src/paxos/error.ts';
import { ByteWriter } from '../../src/statemachine/bytes.ts';
import { type Codec, jsonCodec } from '../../src/statemachine/codec.ts';
import type { Divergence } from '../../src/statemachine/digest.ts';
import { encodeOpen, encodeRunHead } from '../../src/statemachine/items.ts';
import type { StateMachine } from '../../src/statemachine/machine.ts';
import { MachineHost } from '../../src/statemachine/machine-host.ts';
import { ResultReader } from '../../src/statemachine/results.ts';

/** What became of one command, as JSON or a message. */
export interface Answer {
  readonly session: number;
  readonly sequence: number;
  readonly status: number;
  readonly text: string;
}

export class MachineBed<Command, Result> {
  readonly host: MachineHost<Command, Result>;
  readonly answers: Answer[] = [];
  readonly opened: number[] = [];
  readonly passedOver: { readonly instanceId: number; readonly reason: string }[] = [];
  readonly divergences: Divergence[] = [];
  readonly errors: PaxosError[] = [];
  readonly #command: Codec<Command>;

  constructor(machine: StateMachine<Command, Result>, verify?: StateMachine<Command, Result>) {
    this.#command = jsonCodec<Command>();
    this.host = new MachineHost({
      machine,
      verify,
      codecs: { command: this.#command, result: jsonCodec<Result>() },
      listener: {
        answered: (session, first, count, results) => this.#answered(session, first, count, results),
        opened: (_high, _low, session) => this.opened.push(session),
        passedOver: (instanceId, reason) => this.passedOver.push({ instanceId, reason }),
        diverged: (divergence) => this.divergences.push(divergence),
        notDeterministic: (error) => this.errors.push(error),
      },
    });
  }

  /** Applies one more instance with the items that are written. */
  apply(...items: readonly ((out: ByteWriter) => void)[]): void {
    const out = new ByteWriter();
    for (const item of items) item(out);
    this.host.apply(this.host.instanceId + 1, out.take());
  }

  /** Opens a session, in an instance of its own. */
  open(nonce: number, timeoutMs = 30_000): number {
    this.apply((out) => encodeOpen(out, 0, nonce, timeoutMs));
    return this.opened.at(-1) ?? 0;
  }

  /** A RUN of these commands, as an item. */
  run(session: number, first: number, commands: readonly Command[], acknowledged = 0) {
    return runOf(
      session,
      first,
      commands.map((command) => this.#command.encode(command)),
      acknowledged,
    );
  }

  /** What was answered since this was last asked. */
  take(): Answer[] {
    return this.answers.splice(0);
  }

  /** All that a snapshot of now holds. */
  async snapshot(): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of this.host.capture().chunks) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  #answered(session: number, first: number, count: number, results: Uint8Array): void {
    const reader = new ResultReader();
    reader.openRun(first, count, results);
    while (reader.next()) {
      const { sequence, status } = reader;
      this.answers.push({ session, sequence, status, text: Buffer.from(reader.bytes()).toString() });
    }
    if (reader.fault !== undefined) throw new Error(reader.fault);
  }
}

/** A RUN of payloads, as an item. */
export function runOf(session: number, first: number, payloads: readonly Uint8Array[], acknowledged = 0) {
  return (out: ByteWriter): void => {
    encodeRunHead(out, session, acknowledged, first, payloads.length);
    for (const payload of payloads) {
      out.uint53(payload.length);
      out.append(payload);
    }
  };
}

/** Bytes as a stream of chunks of so many bytes. */
export async function* inChunks(bytes: Uint8Array, chunkBytes = bytes.length): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}
