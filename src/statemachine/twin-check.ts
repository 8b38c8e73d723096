/**
 * TwinCheck: `verifyDeterminism`. A second machine of the same kind is given every command as well; its results have to
 * be the same bytes, and so have its snapshots, which are compared now and then. It decodes for itself, since a machine
 * may change the command that it is given.
 *
 * It finds what differs between two machines in one process: clocks and chance that are asked for, state outside, what
 * depends on the order of objects in memory. What differs between machines of different makes, the digests find.
 */
import { PaxosError } from '../paxos/error.ts';
import { ByteWriter } from './bytes.ts';
import type { Codec } from './codec.ts';
import { CommandApplier } from './command-applier.ts';
import type { CommandContext } from './context.ts';
import type { SnapshotSource, StateMachine } from './machine.ts';
import { chunksOf, firstDifference } from './snapshot-reader.ts';

/** Snapshots are compared after so many commands. */
export const COMMANDS_BETWEEN_SNAPSHOTS = 1_000;

/** How much of two results a message shows. */
const SHOWN_BYTES = 64;

export class TwinCheck<Command, Result> {
  readonly machine: StateMachine<Command, Result>;
  readonly #applier: CommandApplier<Command, Result>;
  readonly #context: CommandContext;
  readonly #out = new ByteWriter();
  #commands = 0;
  #isComparing = false;

  constructor(
    machine: StateMachine<Command, Result>,
    codecs: { readonly command: Codec<Command>; readonly result: Codec<Result> },
    context: CommandContext,
  ) {
    this.machine = machine;
    this.#applier = new CommandApplier(machine, codecs, context);
    this.#context = context;
  }

  /** Applies the command that the other machine was given, and compares; an error if the results differ. */
  applyToo(payload: Uint8Array, expected: Uint8Array): PaxosError | undefined {
    this.#commands++;
    this.#out.clear();
    this.#context.rewind();
    this.#applier.apply(payload, this.#out);
    const found = this.#out.view();
    if (Buffer.compare(expected, found) === 0) return undefined;
    const { instanceId, index } = this.#context;
    return notDeterministic(
      `command ${index} of instance ${instanceId} gave ${shown(expected)} on one machine and ${shown(found)} on ` +
        'another in the same state',
    );
  }

  /** Compares snapshots if it is time to; what they are is captured before this returns. */
  look(
    other: Pick<StateMachine<Command, Result>, 'snapshot'>,
    instanceId: number,
    failed: (error: PaxosError) => void,
  ): void {
    if (this.#commands < COMMANDS_BETWEEN_SNAPSHOTS || this.#isComparing) return;
    this.#commands = 0;
    this.#isComparing = true;
    const compared = compareSnapshots(other.snapshot(), this.machine.snapshot(), instanceId);
    compared.then(
      (error) => {
        this.#isComparing = false;
        if (error !== undefined) failed(error);
      },
      (cause: unknown) => failed(unreadable(instanceId, cause)),
    );
  }
}

async function compareSnapshots(
  one: SnapshotSource,
  other: SnapshotSource,
  instanceId: number,
): Promise<PaxosError | undefined> {
  const at = await firstDifference(chunksOf(one), chunksOf(other));
  if (at === undefined) return undefined;
  return notDeterministic(
    `after instance ${instanceId} the snapshots of two machines that applied the same commands differ from byte ${at} on`,
  );
}

function unreadable(instanceId: number, cause: unknown): PaxosError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return notDeterministic(`after instance ${instanceId} a snapshot cannot be read: ${reason}`);
}

function notDeterministic(what: string): PaxosError {
  return new PaxosError(
    'NOT_DETERMINISTIC',
    `${what}; apply() may depend on nothing but the state, the command and the context`,
  );
}

/** A result for a message: its status, and its bytes as text. */
function shown(result: Uint8Array): string {
  const text = Buffer.from(result.subarray(0, SHOWN_BYTES)).toString('latin1');
  return JSON.stringify(text.replaceAll(/[^\x20-\x7e]/g, '.'));
}
