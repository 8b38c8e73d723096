/**
 * Gathering: from a commit to the database. Each commit is durable by one frame in the journal; the database gets what
 * many of them wrote in one transaction, later. Knows no lmdb.
 *
 *   put, put, … → the open batch → commit() → a frame in the journal → durable
 *                       ↓ 1 MB or 100 ms later, at the end of a commit
 *                 finished → its last frame durable → in flight: one transaction → its frames are free, the next flight
 *
 * A commit that has no room in the ring waits for the flight, and one that is too large for it goes with all that was
 * gathered before to the database itself. What was put and not committed never leaves.
 *
 * Invariants: the database is given only what is durable in the journal, but for a commit that waits for the database
 * itself; the ring's pages become free only when the database has what they hold, durably; one transaction is in flight
 * at a time, and each holds all commits up to its last.
 */
import type { PaxosError } from '../paxos/error.ts';
import { invariant } from '../paxos/invariant.ts';
import type { AcceptorRecord } from '../paxos/storage.ts';
import { Batch } from './batch.ts';
import type { FrameContent } from './frame.ts';
import type { Journal } from './journal.ts';
import type { Load } from './lmdb-database.ts';

/** What makes a flight worth its two syncs. */
const FLIGHT_BYTES = 1_048_576;
/** What was committed is in the database about so much later. */
const FLIGHT_MS = 100;

/** What a commit writes beside the records that were put. */
export interface Changes {
  /** undefined: none since the last commit */
  readonly state: Uint8Array | undefined;
  readonly spans: Uint8Array | undefined;
  readonly trimInstanceId: number;
}

/** Where the gathered goes. */
export interface GatheringTarget {
  /** Writes it, all or nothing; resolves when it is durable. */
  store(load: Load): Promise<void>;
  /** Told that a load is durable. */
  stored(load: Load): void;
  /** Told if one failed; gives back what to tell whoever waits for it. */
  failed(error: unknown): Promise<PaxosError>;
}

export class Gathering {
  readonly #journal: Journal;
  readonly #target: GatheringTarget;
  #open = new Batch();
  /** waits for its last frame, or for the flight before it */
  #finished: Batch | undefined;
  #flight: Batch | undefined;
  #spare: Batch | undefined;
  /** what the database lacks, beside records */
  #state: Uint8Array | undefined;
  #spans: Uint8Array | undefined;
  #trimInstanceId = 0;
  #isCommitting = false;
  #isDue = false;
  #timer: NodeJS.Timeout | undefined;
  /** resolves, never rejects, when the flight has ended */
  #landed = Promise.resolve();
  #failure: PaxosError | undefined;
  #isStopped = false;

  constructor(journal: Journal, target: GatheringTarget) {
    this.#journal = journal;
    this.#target = target;
  }

  /** Whether there are records that were put since the last commit. */
  get hasUncommitted(): boolean {
    return this.#open.hasUnsealed;
  }

  /** Bytes of records that the database lacks. */
  get waitingBytes(): number {
    return this.batches().reduce((sum, batch) => sum + batch.usedBytes, 0);
  }

  /** What the database lacks, the older first. */
  batches(): readonly Batch[] {
    return [this.#flight, this.#finished, this.#open].filter((batch) => batch !== undefined);
  }

  /** The ballot promised by a record that the database lacks; undefined: it lacks none of this instance. Hot. */
  promisedBallot(instanceId: number): number | undefined {
    return (
      this.#open.promisedBallot(instanceId) ??
      this.#finished?.promisedBallot(instanceId) ??
      this.#flight?.promisedBallot(instanceId)
    );
  }

  get(instanceId: number): AcceptorRecord | undefined {
    return this.#open.get(instanceId) ?? this.#finished?.get(instanceId) ?? this.#flight?.get(instanceId);
  }

  put(instanceId: number, promisedBallot: number, acceptedBallot: number, value: Uint8Array): void {
    this.#open.put(instanceId, promisedBallot, acceptedBallot, value);
  }

  /** Makes what was put and these changes durable. One at a time; once it has rejected, nothing more may be asked. */
  async commit({ state, spans, trimInstanceId }: Changes): Promise<void> {
    invariant(!this.#isCommitting, 'one commit is under way at a time');
    this.#isCommitting = true;
    this.#state = state ?? this.#state;
    this.#spans = spans ?? this.#spans;
    this.#trimInstanceId = trimInstanceId;
    const content = { state, spans, records: this.#open.seal() };
    const waits = !this.#journal.hasRoom(content);
    if (waits || (this.#flight === undefined && this.#isWorthAFlight)) this.#finish();
    if (waits) await this.#landed;
    this.#mustHaveStood();
    await this.#persist(content);
    this.#mustHaveStood();
    this.#isCommitting = false;
    if (this.#finished !== undefined) this.#fly();
    else this.#flyIfDue();
  }

  /** Resolves when all that was committed is in the database, or failed; or what was put since stands in the way. */
  async flush(): Promise<void> {
    for (;;) {
      await this.#landed;
      if (this.#flight !== undefined && this.#failure === undefined) continue;
      if (!this.#mayFly || !this.#isGathered) return;
      this.#finish();
      this.#fly();
    }
  }

  /** The end: forgets what was not committed, and gives the database the rest. No commit may be under way. */
  async drain(): Promise<void> {
    if (!this.#isCommitting) this.#open.forgetUnsealed();
    await this.flush();
    this.stop();
    this.#mustHaveStood();
  }

  /** Nothing leaves any more. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  async #persist(content: FrameContent): Promise<void> {
    if (this.#journal.hasRoom(content)) return this.#journal.append(content);
    this.#fly();
    await this.#landed;
  }

  get #isWorthAFlight(): boolean {
    return this.#isDue || this.#open.usedBytes >= FLIGHT_BYTES || this.#journal.isHalfFull;
  }

  /** Whether something was committed that no flight has. */
  get #isGathered(): boolean {
    return this.#open.usedBytes > 0 || this.#state !== undefined || this.#spans !== undefined;
  }

  /** Whether the open batch may go: all that was put is durable, and nothing is on its way. */
  get #mayFly(): boolean {
    const isFree = this.#flight === undefined && this.#finished === undefined && !this.#isCommitting;
    return isFree && !this.#isStopped && this.#failure === undefined && !this.#open.hasUnsealed;
  }

  /** Where something was put meanwhile, the commit to come takes all along. */
  #flyIfDue(): void {
    if (!this.#isGathered || this.#isStopped) return;
    if (!this.#isWorthAFlight) {
      this.#timer ??= setTimeout(this.#becomeDue, FLIGHT_MS).unref();
    } else if (this.#mayFly) {
      this.#finish();
      this.#fly();
    }
  }

  readonly #becomeDue = (): void => {
    this.#timer = undefined;
    this.#isDue = true;
    this.#flyIfDue();
  };

  /** The open batch takes no more. */
  #finish(): void {
    invariant(this.#finished === undefined, 'one batch is finished at a time');
    this.#open.finish();
    this.#finished = this.#open;
    this.#open = this.#spare ?? new Batch();
    this.#spare = undefined;
  }

  #fly(): void {
    invariant(this.#flight === undefined, 'one transaction is in flight at a time');
    const batch = this.#finished;
    invariant(batch !== undefined, 'what flies is finished');
    this.#flight = batch;
    this.#finished = undefined;
    this.#landed = this.#land(batch);
  }

  async #land(batch: Batch): Promise<void> {
    const position = this.#journal.position;
    const mark = this.#journal.markAt(position);
    const load = {
      batch,
      trimInstanceId: this.#trimInstanceId,
      state: this.#state,
      spans: this.#spans,
      mark,
    };
    this.#state = undefined;
    this.#spans = undefined;
    this.#isDue = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      await this.#target.store(load);
    } catch (error) {
      this.#failure = await this.#target.failed(error);
      return;
    }
    this.#journal.free(position);
    this.#target.stored(load);
    batch.clear();
    this.#spare = batch;
    this.#flight = undefined;
    this.#flyIfDue();
  }

  /** Throws what ended a flight meanwhile. */
  #mustHaveStood(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }
}
