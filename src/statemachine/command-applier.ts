/**
 * CommandApplier: one machine and its codecs. Bytes of a command go in, a result comes out; whatever the machine or a
 * codec throws is a result, too.
 *
 *   payload → decode → apply → encode → (status, length, bytes)
 *
 * Invariant: exactly one result is written for each command, and it depends on nothing but the machine's state, the
 * payload and the context.
 */
import type { ByteWriter } from './bytes.ts';
import type { Codec } from './codec.ts';
import type { CommandContext } from './context.ts';
import type { StateMachine } from './machine.ts';
import { encodeResult, ResultStatus } from './results.ts';

/** The most bytes of one result; a larger one becomes a failure that says so. */
export const MAX_RESULT_BYTES = 1024 * 1024;
/** What is kept of the message of an Error. */
export const MAX_ERROR_CHARACTERS = 1024;

const encoder = new TextEncoder();

/** What the applier needs of a machine. */
export type Applied<Command, Result> = Pick<StateMachine<Command, Result>, 'apply'>;

export class CommandApplier<Command, Result> {
  readonly #machine: Applied<Command, Result>;
  readonly #command: Codec<Command>;
  readonly #result: Codec<Result>;
  readonly #context: CommandContext;

  constructor(
    machine: Applied<Command, Result>,
    codecs: { readonly command: Codec<Command>; readonly result: Codec<Result> },
    context: CommandContext,
  ) {
    this.#machine = machine;
    this.#command = codecs.command;
    this.#result = codecs.result;
    this.#context = context;
  }

  /** Applies the command that the context tells of, and appends its result. */
  apply(payload: Uint8Array, out: ByteWriter): void {
    const context = this.#context;
    let status: ResultStatus = ResultStatus.invalid;
    try {
      const command = this.#command.decode(payload);
      status = ResultStatus.failed;
      context.isOpen = true;
      const result = this.#machine.apply(command, context);
      context.isOpen = false;
      if (result instanceof Promise) refuse(result);
      const bytes = this.#result.encode(result);
      if (!(bytes instanceof Uint8Array)) throw new Error('the codec of results gave no Uint8Array');
      if (bytes.length > MAX_RESULT_BYTES) {
        throw new Error(`the result has ${bytes.length} bytes, and ${MAX_RESULT_BYTES} may be`);
      }
      encodeResult(out, ResultStatus.ok, bytes);
    } catch (error) {
      context.isOpen = false;
      encodeResult(out, status, encoder.encode(messageOf(error)));
    }
  }
}

/** An async machine is a mistake in the program; what its promise becomes later is nobody's result. */
function refuse(result: Promise<unknown>): never {
  result.catch(() => undefined);
  throw new Error('apply() gave a promise; it has to be synchronous');
}

/** Whatever was thrown: asking it throws nothing, which would end every replica at this command, again and again. */
function messageOf(error: unknown): string {
  try {
    const message: unknown = error instanceof Error ? error.message : undefined;
    if (typeof message === 'string') return message.slice(0, MAX_ERROR_CHARACTERS);
  } catch {
    // It is no Error that anybody could be told of.
  }
  return 'apply() threw what is no Error';
}
