/**
 * MachineHost: applies what was chosen, instance by instance, and tells what became of it. It knows sessions and the
 * machine; no network, no clock, no file.
 *
 *   apply(instance, value) → answered(session, first, count, results) | opened(…) | passedOver(…) | diverged(…)
 *   capture() → instance, chunks, now          restore(instance, chunks) → as if all up to there were applied
 *
 * A command of a session is applied once. Given again, its result is what it was; its result is kept until the session
 * says that it has arrived. What an instance does depends on the state and its bytes alone.
 *
 * Invariants: instances are applied in order, none left out; a host that found its machine not deterministic, or whose
 * restore failed, applies nothing more.
 */
import { PaxosError } from '../paxos/error.ts';
import { invariant } from '../paxos/invariant.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Codec } from './codec.ts';
import { CommandApplier } from './command-applier.ts';
import { CommandContext } from './context.ts';
import { type Divergence, RunningDigest } from './digest.ts';
import { ItemKind, ItemReader } from './items.ts';
import type { SnapshotReader, StateMachine } from './machine.ts';
import { encodeEmptyResults, ResultStatus } from './results.ts';
import { MAX_SESSION_RESULT_BYTES, type Session, Sessions } from './sessions.ts';
import { ChunkReader, chunksOf } from './snapshot-reader.ts';
import { TwinCheck } from './twin-check.ts';

/** What the host tells while it applies an instance. */
export interface MachineHostListener {
  /**
   * What became of commands `first` to `first + count - 1` of a session, whoever gave them, again if they came again.
   *
   * @param results count × (status, length, bytes), as a RESULTS message has them and ResultReader reads them. They stay
   *   valid, and may be kept.
   */
  answered(session: number, first: number, count: number, results: Uint8Array): void;
  /** A session was asked for: its number, or 0 if there are too many. */
  opened(nonceHigh: number, nonceLow: number, session: number): void;
  /** The rest of an instance's value is malformed, and was passed over, here as everywhere. */
  passedOver(instanceId: number, reason: string): void;
  /** This replica and another have other results. Told once. */
  diverged(divergence: Divergence): void;
  /** `verify` saw that the machine is not deterministic: the host applies nothing more. Told once. */
  notDeterministic(error: PaxosError): void;
}

export interface MachineHostOptions<Command, Result> {
  readonly machine: StateMachine<Command, Result>;
  readonly codecs: { readonly command: Codec<Command>; readonly result: Codec<Result> };
  readonly listener: MachineHostListener;
  /** another machine of the same kind, as new as the first, which is given everything as well and compared */
  readonly verify?: StateMachine<Command, Result> | undefined;
}

/** The state after an instance. */
export interface CapturedSnapshot {
  readonly instanceId: number;
  /** what `restore` takes; to be read once */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Version of what stands in front of the machine's own bytes. */
const CONTENT_VERSION = 1;
/** The head of a snapshot: its version, and how long sessions and digest are. */
const CONTENT_HEAD_BYTES = 9;
const UINT32 = 2 ** 32;

export class MachineHost<Command, Result> {
  readonly #machine: StateMachine<Command, Result>;
  readonly #listener: MachineHostListener;
  readonly #applier: CommandApplier<Command, Result>;
  readonly #twin: TwinCheck<Command, Result> | undefined;
  readonly #context = new CommandContext();
  readonly #items = new ItemReader();
  readonly #results = new ByteWriter();
  #sessions = new Sessions();
  #digest = new RunningDigest();
  #instanceId = 0;
  #fault: PaxosError | undefined;

  constructor(options: MachineHostOptions<Command, Result>) {
    const { machine, codecs, listener, verify } = options;
    this.#machine = machine;
    this.#listener = listener;
    this.#applier = new CommandApplier(machine, codecs, this.#context);
    this.#twin = verify && new TwinCheck(verify, codecs, this.#context);
  }

  /** The last instance that was applied; 0: none. */
  get instanceId(): number {
    return this.#instanceId;
  }

  /** The running digest after that instance: what a DIGEST item says. */
  get digest(): number {
    return this.#digest.value;
  }

  /** The log's time, in ms since 1970; 0 before the first CLOCK. */
  get timeMs(): number {
    return this.#sessions.timeMs;
  }

  /** How many sessions there are. */
  get sessionCount(): number {
    return this.#sessions.size;
  }

  /**
   * Applies the next instance. An empty value, the no-op, applies nothing.
   * @throws PaxosError NOT_DETERMINISTIC, or what made a restore fail, from then on
   */
  apply(instanceId: number, value: Uint8Array): void {
    if (this.#fault !== undefined) throw this.#fault;
    invariant(instanceId === this.#instanceId + 1, 'instances are applied in order');
    const context = this.#context;
    context.instanceId = instanceId;
    context.index = 0;
    context.seed = 0;
    context.timeMs = this.#sessions.timeMs;
    if (value.length > 0) this.#applyItems(value);
    this.#digest.endInstance(instanceId);
    this.#instanceId = instanceId;
    this.#twin?.look(this.#machine, instanceId, (error) => this.#stop(error));
  }

  /** The state as it is now. What the chunks are read from does not change any more. */
  capture(): CapturedSnapshot {
    if (this.#fault !== undefined) throw this.#fault;
    const out = new ByteWriter();
    this.#sessions.write(out);
    this.#digest.write(out);
    const own = out.take();
    const source = this.#machine.snapshot();
    return { instanceId: this.#instanceId, chunks: contentOf(own, chunksOf(source)) };
  }

  /**
   * Goes on from the state that `capture` gave. Nothing may be applied until it has ended; and if it failed, never.
   *
   * @param read opens the chunks; twice, if there is a machine to compare with
   * @throws PaxosError SNAPSHOT_CORRUPT, or what the machine's restore threw
   */
  async restore(instanceId: number, read: () => AsyncIterable<Uint8Array>): Promise<void> {
    this.#fault = new PaxosError('CLOSED', 'the state is being restored');
    try {
      const { sessions, digest } = await restoreInto(this.#machine, instanceId, read());
      const twin = this.#twin?.machine;
      if (twin !== undefined) await restoreInto(twin, instanceId, read());
      this.#sessions = sessions;
      this.#digest = digest;
      this.#instanceId = instanceId;
      this.#fault = undefined;
    } catch (error) {
      this.#fault = restoreError(error);
      throw this.#fault;
    }
  }

  #applyItems(value: Uint8Array): void {
    const items = this.#items;
    items.open(value);
    while (items.next()) this.#applyItem(items);
    if (items.fault !== undefined) this.#listener.passedOver(this.#context.instanceId, items.fault);
  }

  #applyItem(items: ItemReader): void {
    switch (items.kind) {
      case ItemKind.run:
        this.#applyRun(items);
        break;
      case ItemKind.clock:
        this.#sessions.clock(items.timeMs);
        this.#context.timeMs = this.#sessions.timeMs;
        this.#context.seed = items.seed;
        break;
      case ItemKind.open:
        this.#open(items.nonceHigh, items.nonceLow, items.timeoutMs);
        break;
      case ItemKind.keep:
        this.#sessions.touch(items.session, items.acknowledged);
        break;
      case ItemKind.close:
        this.#sessions.close(items.session);
        break;
      case ItemKind.digest: {
        const divergence = this.#digest.compare(items.instanceId, items.digest);
        if (divergence !== undefined) this.#listener.diverged(divergence);
        break;
      }
    }
  }

  #open(nonceHigh: number, nonceLow: number, timeoutMs: number): void {
    const session = this.#sessions.open(nonceHigh, nonceLow, timeoutMs);
    this.#digest.addNumber(session);
    this.#listener.opened(nonceHigh, nonceLow, session);
  }

  #applyRun(items: ItemReader): void {
    const { first, count } = items;
    const session = this.#sessions.touch(items.session, items.acknowledged);
    if (session === undefined) {
      this.#refuse(items, items.session, first, count, ResultStatus.expired);
      return;
    }
    const last = first + count - 1;
    const isNew = first > session.acknowledged && session.results.isFree(first, last);
    if (isNew && last <= session.windowEnd) this.#applyNew(items, session, first, count);
    else this.#applyMixed(items, session, first, last);
  }

  /** A run of which some were applied, or may not be: stretch by stretch. */
  #applyMixed(items: ItemReader, session: Session, first: number, last: number): void {
    const { results } = session;
    let sequence = first;
    while (sequence <= last) {
      const known = Math.min(last, results.knownThrough(sequence));
      let through = Math.min(last, session.acknowledged);
      if (sequence <= through) {
        this.#skip(items, through - sequence + 1);
      } else if (known > 0) {
        through = known;
        this.#skip(items, through - sequence + 1);
        this.#listener.answered(
          session.id,
          sequence,
          through - sequence + 1,
          results.view(sequence, through),
        );
      } else if (sequence > session.windowEnd) {
        through = last;
        this.#refuse(items, session.id, sequence, through - sequence + 1, ResultStatus.window);
      } else {
        through = Math.min(results.freeThrough(sequence, last), session.windowEnd);
        this.#applyNew(items, session, sequence, through - sequence + 1);
      }
      invariant(through >= sequence, 'a run goes on');
      sequence = through + 1;
    }
  }

  /**
   * Commands that have no result, within the window. Those whose results find no room are not applied, and that is
   * their result: a client that was told so gives the command again as another one, and this one may be chosen twice.
   */
  #applyNew(items: ItemReader, session: Session, first: number, count: number): void {
    const context = this.#context;
    const out = this.#results;
    const room = MAX_SESSION_RESULT_BYTES - session.results.bytes;
    out.clear();
    context.session = session.id;
    let applied = 0;
    for (; applied < count && out.length < room; applied++) {
      context.sequence = first + applied;
      this.#applyOne(items.command(), out);
      context.index++;
    }
    this.#skip(items, count - applied);
    encodeEmptyResults(out, ResultStatus.window, count - applied);
    const results = session.results.add(first, count, out.view());
    this.#digest.add(results);
    this.#listener.answered(session.id, first, count, results);
  }

  #applyOne(payload: Uint8Array, out: ByteWriter): void {
    const start = out.length;
    this.#applier.apply(payload, out);
    if (this.#twin === undefined) return;
    const error = this.#twin.applyToo(payload, out.view(start));
    if (error !== undefined) throw this.#stop(error);
  }

  /** Commands beyond the window, or of no session: their status cannot be kept, so it may be another one later. */
  #refuse(items: ItemReader, session: number, first: number, count: number, status: ResultStatus): void {
    this.#skip(items, count);
    this.#results.clear();
    encodeEmptyResults(this.#results, status, count);
    const results = this.#results.take();
    this.#digest.add(results);
    this.#listener.answered(session, first, count, results);
  }

  #skip(items: ItemReader, count: number): void {
    items.skipCommands(count);
    this.#context.index += count;
  }

  #stop(error: PaxosError): PaxosError {
    if (this.#fault === undefined) {
      this.#fault = error;
      this.#listener.notDeterministic(error);
    }
    return this.#fault;
  }
}

async function* contentOf(own: Uint8Array, machine: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const head = new Uint8Array(CONTENT_HEAD_BYTES);
  const view = new DataView(head.buffer);
  view.setUint8(0, CONTENT_VERSION);
  view.setUint32(1, Math.floor(own.length / UINT32));
  view.setUint32(5, own.length % UINT32);
  yield head;
  yield own;
  yield* machine;
}

/** Reads a snapshot's own part, and lets the machine read the rest. */
async function restoreInto(
  machine: { restore(reader: SnapshotReader): void | Promise<void> },
  instanceId: number,
  chunks: AsyncIterable<Uint8Array>,
): Promise<{ readonly sessions: Sessions; readonly digest: RunningDigest }> {
  const reader = new ChunkReader(chunks);
  try {
    const head = await reader.take(CONTENT_HEAD_BYTES);
    const view = new DataView(head.buffer, head.byteOffset, head.length);
    if (view.getUint8(0) !== CONTENT_VERSION) throw corrupt(`its content has format ${view.getUint8(0)}`);
    const own = new ByteReader();
    own.open(await reader.take(view.getUint32(1) * UINT32 + view.getUint32(5)));
    const sessions = Sessions.read(own);
    const digest = RunningDigest.read(own, instanceId);
    if (own.fault !== undefined) throw corrupt(`the sessions cannot be read: ${own.fault}`);
    await machine.restore(reader);
    return { sessions, digest };
  } finally {
    await reader.close();
  }
}

function corrupt(what: string): PaxosError {
  return new PaxosError('SNAPSHOT_CORRUPT', `the snapshot cannot be used: ${what}`);
}

function restoreError(error: unknown): PaxosError {
  if (error instanceof PaxosError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  return new PaxosError('SNAPSHOT_CORRUPT', `the machine cannot restore the snapshot: ${reason}`, {
    cause: error,
  });
}
