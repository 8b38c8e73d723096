/**
 * Outgoing: the commands of one session on their way: those that wait to be sent, and those that were sent and have no
 * answer yet. Knows no network, no clock and no session id.
 *
 *   add → waiting → takeRun: numbered, in a run of consecutive sequence numbers → settle: answered
 *   a connection is lost → reconnected(), unanswered(): the same runs are sent again, as they were
 *
 * A run is kept as it was sent until all of it is answered: what is sent twice is applied once, and nothing is encoded
 * again.
 *
 * Invariants: a sequence number is given once and belongs to one command. Nobody waits for a sequence number up to
 * `acknowledged`. What waits, and what is on its way, is bounded.
 */
import { PaxosError } from '../paxos/error.ts';
import { ByteWriter, MAX_INTEGER_BYTES } from './bytes.ts';
import { encodeRunHead, MAX_RUN_COMMANDS, MAX_RUN_HEAD_BYTES } from './items.ts';
import type { ResultStatus } from './results.ts';

/** How many commands, and how many of their bytes, are on their way at a time: a session remembers more of them. */
export const MAX_OUTSTANDING = 16_384;
export const MAX_OUTSTANDING_BYTES = 16 * 1024 * 1024;
/** How far the highest sequence number is above the lowest without an answer: a session remembers twice as many. */
export const MAX_SPAN = 32_768;
/** How many commands, and how many of their bytes, wait for room. */
export const MAX_WAITING = 131_072;
export const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** So many that were sent are kept in front of those that wait, before these are moved up. */
const MAX_HEAD = 16_384;
/** A run is no longer than a proposer puts into one instance, or than it is told, unless a single command is. */
export const MAX_RUN_BYTES = 8 * 1024;

/** What a command has in place of a sequence number. */
const WAITS = 0;
const NOT_WAITED_FOR = -1;

/** A command, and who waits for what it comes to. One of `settle` and `fail` is called, once. */
export interface Outstanding {
  readonly payload: Uint8Array;
  /** kept by Outgoing: 0 while it waits, -1 once nobody waits for it */
  sequence: number;
  settle(status: ResultStatus, result: Uint8Array): void;
  fail(error: PaxosError): void;
}

/** Commands of consecutive sequence numbers, as they are sent. */
export interface Run {
  readonly first: number;
  readonly count: number;
  /** the RUN item */
  readonly item: Uint8Array;
}

interface SentRun extends Run {
  /** by place; undefined: answered, or not waited for any more */
  readonly commands: (Outstanding | undefined)[];
  /** how many have no answer */
  left: number;
  /** it was sent, or is to be, more than once: what an answer says may be about another copy */
  isResent: boolean;
}

export class Outgoing {
  #waiting: Outstanding[] = [];
  #waitingHead = 0;
  #waitingCount = 0;
  #waitingBytes = 0;
  /** in the order of their sequence numbers */
  #runs: SentRun[] = [];
  #runsHead = 0;
  /** where the last answer was found: the next one is there, or right behind */
  #lookAt = 0;
  #outstanding = 0;
  #outstandingBytes = 0;
  #next = 1;
  readonly #maxRunBytes: number;

  /** @param maxRunBytes so many bytes the commands of a run have at most, unless a single one has more */
  constructor(maxRunBytes = MAX_RUN_BYTES) {
    this.#maxRunBytes = Math.min(MAX_RUN_BYTES, maxRunBytes);
  }

  /** How many commands wait to be sent. */
  get waitingCount(): number {
    return this.#waitingCount;
  }

  /** How many bytes these have. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** How many were sent and have no answer. */
  get outstandingCount(): number {
    return this.#outstanding;
  }

  /** Every answer up to here has come, or nobody waits for it. */
  get acknowledged(): number {
    return (this.#runs[this.#runsHead]?.first ?? this.#next) - 1;
  }

  /**
   * Puts a command behind all others.
   * @throws PaxosError QUEUE_FULL
   */
  add(command: Outstanding): void {
    if (this.#waitingCount >= MAX_WAITING || this.#waitingBytes >= MAX_WAITING_BYTES) throw fullError();
    this.#waiting.push(command);
    this.#waitingCount++;
    this.#waitingBytes += command.payload.length;
  }

  /** Nobody waits for this command any more. One that was not sent never will be; of one that was nobody knows. */
  abandon(command: Outstanding): void {
    const { sequence } = command;
    command.sequence = NOT_WAITED_FOR;
    if (sequence > 0) {
      const run = this.#find(sequence);
      if (run?.commands[sequence - run.first] === command) this.#answered(run, sequence - run.first);
      return;
    }
    this.#waitingCount--;
    this.#waitingBytes -= command.payload.length;
    // Dead ones between the living would pile up while nothing can be sent.
    if (this.#waiting.length - this.#waitingHead > 2 * this.#waitingCount + 1024) this.#compact();
  }

  /** True if a command waits and may be sent now. */
  get hasRoom(): boolean {
    if (this.#waitingCount === 0 || this.#next - this.acknowledged > MAX_SPAN) return false;
    return this.#outstanding < MAX_OUTSTANDING && this.#outstandingBytes < MAX_OUTSTANDING_BYTES;
  }

  /** Numbers as many waiting commands as go into one run; undefined: none waits, or there is no room for more. */
  takeRun(session: number): Run | undefined {
    if (!this.hasRoom) return undefined;
    const span = this.#next - 1 - this.acknowledged;
    const room = Math.min(MAX_OUTSTANDING - this.#outstanding, MAX_SPAN - span, MAX_RUN_COMMANDS);
    const commands = this.#takeWaiting(room);
    const count = commands.length;
    const item = encodeRun(session, this.acknowledged, this.#next, commands);
    const run: SentRun = { first: this.#next, count, item, commands, left: count, isResent: false };
    this.#next += count;
    this.#outstanding += count;
    this.#outstandingBytes += item.length;
    this.#runs.push(run);
    return run;
  }

  /** Takes the first that wait, gives them their numbers, and passes over those that nobody waits for. */
  #takeWaiting(room: number): Outstanding[] {
    const commands: Outstanding[] = [];
    let bytes = 0;
    while (this.#waitingCount > 0 && commands.length < room) {
      const command = this.#waiting[this.#waitingHead];
      if (command === undefined) break;
      if (command.sequence === WAITS) {
        bytes += MAX_INTEGER_BYTES + command.payload.length;
        if (commands.length > 0 && bytes > this.#maxRunBytes) break;
        command.sequence = this.#next + commands.length;
        commands.push(command);
        this.#waitingCount--;
        this.#waitingBytes -= command.payload.length;
      }
      this.#waitingHead++;
    }
    if (this.#waitingCount === 0 || this.#waitingHead > MAX_HEAD) this.#compact();
    return commands;
  }

  /** What was sent and is not answered, to be sent again. */
  *unanswered(): Generator<Run> {
    for (let i = this.#runsHead; i < this.#runs.length; i++) {
      const run = this.#runs[i];
      if (run !== undefined && run.left > 0) yield run;
    }
  }

  /**
   * The way that everything was sent on is gone, and answers may have gone with it: whatever comes from now on can be
   * about another copy, even before anything was sent again.
   */
  reconnected(): void {
    for (let i = this.#runsHead; i < this.#runs.length; i++) {
      const run = this.#runs[i];
      if (run !== undefined) run.isResent = true;
    }
  }

  /** The answer to a command came. One that nobody waits for, or that came before, is passed over. Hot. */
  settle(sequence: number, status: ResultStatus, result: Uint8Array): void {
    const run = this.#find(sequence);
    if (run === undefined) return;
    const place = sequence - run.first;
    const command = run.commands[place];
    if (command === undefined) return;
    command.sequence = NOT_WAITED_FOR;
    this.#answered(run, place);
    command.settle(status, result);
  }

  /** True if the answer to this command can be about no other copy of it: it was sent once. */
  wasSentOnce(sequence: number): boolean {
    return this.#find(sequence)?.isResent === false;
  }

  /** What was sent once goes back to where it waited, first; what was sent again fails. The numbers begin anew. */
  beginAnew(error: PaxosError): void {
    const again: Outstanding[] = [];
    const failed: Outstanding[] = [];
    for (let i = this.#runsHead; i < this.#runs.length; i++) {
      const run = this.#runs[i];
      for (const command of run?.commands ?? [])
        if (command !== undefined) (run?.isResent ? failed : again).push(command);
    }
    this.#forgetRuns();
    this.#waiting = [...again, ...this.#waiting.slice(this.#waitingHead)];
    this.#waitingHead = 0;
    this.#waitingCount += again.length;
    for (const command of again) {
      command.sequence = WAITS;
      this.#waitingBytes += command.payload.length;
    }
    for (const command of failed) command.fail(error);
  }

  /** Nothing will come of any of them. */
  failAll(error: PaxosError): void {
    const sent = this.#runs.slice(this.#runsHead).flatMap((run) => run.commands);
    const all = [...sent, ...this.#waiting.slice(this.#waitingHead).filter(isAwaited)];
    this.#forgetRuns();
    this.#waiting = [];
    this.#waitingHead = 0;
    this.#waitingCount = 0;
    this.#waitingBytes = 0;
    for (const command of all) command?.fail(error);
  }

  #forgetRuns(): void {
    this.#runs = [];
    this.#runsHead = 0;
    this.#lookAt = 0;
    this.#outstanding = 0;
    this.#outstandingBytes = 0;
    this.#next = 1;
  }

  #answered(run: SentRun, place: number): void {
    run.commands[place] = undefined;
    run.left--;
    this.#outstanding--;
    if (run.left > 0) return;
    this.#outstandingBytes -= run.item.length;
    while (this.#runs[this.#runsHead]?.left === 0) this.#runsHead++;
    if (this.#runsHead < 1024 && this.#runsHead < this.#runs.length) return;
    this.#runs = this.#runs.slice(this.#runsHead);
    this.#lookAt = Math.max(0, this.#lookAt - this.#runsHead);
    this.#runsHead = 0;
  }

  #find(sequence: number): SentRun | undefined {
    const here = this.#runs[this.#lookAt];
    if (here !== undefined && sequence >= here.first) {
      if (sequence < here.first + here.count) return here;
      const next = this.#runs[this.#lookAt + 1];
      if (next !== undefined && sequence < next.first + next.count) {
        this.#lookAt++;
        return next;
      }
    }
    let low = this.#runsHead;
    let high = this.#runs.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const run = this.#runs[middle];
      if (run === undefined) return undefined;
      if (sequence < run.first) high = middle - 1;
      else if (sequence >= run.first + run.count) low = middle + 1;
      else {
        this.#lookAt = middle;
        return run;
      }
    }
    return undefined;
  }

  #compact(): void {
    this.#waiting = this.#waiting.slice(this.#waitingHead).filter(isAwaited);
    this.#waitingHead = 0;
  }
}

/** The RUN item, in memory of its own: it is kept until all of it is answered, and copied when it is sent. */
function encodeRun(
  session: number,
  acknowledged: number,
  first: number,
  commands: readonly Outstanding[],
): Uint8Array {
  let bytes = MAX_RUN_HEAD_BYTES;
  for (const { payload } of commands) bytes += MAX_INTEGER_BYTES + payload.length;
  const writer = new ByteWriter(bytes);
  encodeRunHead(writer, session, acknowledged, first, commands.length);
  for (const { payload } of commands) {
    writer.uint53(payload.length);
    writer.append(payload);
  }
  return writer.view();
}

function isAwaited(command: Outstanding): boolean {
  return command.sequence !== NOT_WAITED_FOR;
}

function fullError(): PaxosError {
  const text = `${MAX_WAITING} commands wait to be sent already; propose more when some have their results`;
  return new PaxosError('QUEUE_FULL', text);
}
