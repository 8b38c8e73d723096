/**
 * SessionResults: what became of the commands of one session whose results its client has not acknowledged.
 *
 *   add(first, count, results) → the kept bytes        acknowledge(upTo) → what is at or below is forgotten
 *
 * Results are kept as the bytes that a client is sent (results.ts), stretch by stretch: one of up to STRETCH_COMMANDS
 * consecutive commands costs an object, and a command only its bytes. Commands are chosen out of order when many are
 * under way, so there may be gaps between stretches.
 *
 * Invariants: stretches are in order and do not overlap; bytes that were written are not written again, so a view of
 * them stays what it is; `bytes` counts exactly the results above what was acknowledged, however they came.
 */
import { invariant } from '../paxos/invariant.ts';
import { ByteReader, type ByteWriter } from './bytes.ts';

/** A stretch goes on until it has so many commands, or so many bytes. */
const STRETCH_COMMANDS = 64;
const STRETCH_BYTES = 16 * 1024;
const MIN_STRETCH_BYTES = 128;
/** Forgotten stretches at the front are only counted, until there are so many. */
const MIN_FORGOTTEN = 64;

/** Commands `first` to `last`; their results are bytes `start` to `end`. */
interface Stretch {
  first: number;
  last: number;
  bytes: Uint8Array;
  start: number;
  end: number;
}

export class SessionResults {
  #stretches: Stretch[] = [];
  /** how many stretches at the front are forgotten */
  #forgotten = 0;
  #bytes = 0;
  readonly #reader = new ByteReader();

  /** How many bytes all results have. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether no command from `first` to `last` has a result. */
  isFree(first: number, last: number): boolean {
    const stretch = this.#stretches[this.#find(first)];
    return stretch === undefined || stretch.first > last;
  }

  /** The last of the commands from `sequence` on that have results without a gap, in one stretch; 0: it has none. */
  knownThrough(sequence: number): number {
    const stretch = this.#stretches[this.#find(sequence)];
    return stretch === undefined || stretch.first > sequence ? 0 : stretch.last;
  }

  /** The last of the commands from `sequence` on, up to `last`, that have no result; `sequence` has none. */
  freeThrough(sequence: number, last: number): number {
    const stretch = this.#stretches[this.#find(sequence)];
    return stretch === undefined ? last : Math.min(last, stretch.first - 1);
  }

  /** The results of commands of one stretch; a view that stays valid. */
  view(first: number, last: number): Uint8Array {
    const stretch = this.#stretches[this.#find(first)];
    invariant(
      stretch !== undefined && stretch.first <= first && stretch.last >= last,
      'the results are known',
    );
    const start = this.#offset(stretch, first);
    const end = last === stretch.last ? stretch.end : this.#offset(stretch, last + 1);
    return stretch.bytes.subarray(start, end);
  }

  /** Keeps a copy of the results of commands that have none, and gives a view of it that stays valid. */
  add(first: number, count: number, results: Uint8Array): Uint8Array {
    const last = first + count - 1;
    const index = this.#find(first);
    const next = this.#stretches[index];
    invariant(next === undefined || next.first > last, 'a command gets one result');
    this.#bytes += results.length;
    const before = index > this.#forgotten ? this.#stretches[index - 1] : undefined;
    if (before !== undefined && before.last === first - 1 && hasRoom(before, count, results.length)) {
      return append(before, count, results);
    }
    const stretch = makeStretch(first, count, results);
    if (next === undefined) this.#stretches.push(stretch);
    else this.#stretches.splice(index, 0, stretch);
    return stretch.bytes.subarray(0, stretch.end);
  }

  /** Forgets the results up to a sequence. */
  acknowledge(upTo: number): void {
    let stretch = this.#stretches[this.#forgotten];
    while (stretch !== undefined && stretch.last <= upTo) {
      this.#bytes -= stretch.end - stretch.start;
      this.#forgotten++;
      stretch = this.#stretches[this.#forgotten];
    }
    this.#sweep();
    if (stretch === undefined || stretch.first > upTo) return;
    const start = this.#offset(stretch, upTo + 1);
    this.#bytes -= start - stretch.start;
    stretch.first = upTo + 1;
    stretch.start = start;
  }

  /** Writes them to a snapshot: as runs without gaps, whatever stretches they are kept in. */
  write(out: ByteWriter): void {
    const runs = this.#runs();
    out.uint53(runs.length);
    for (const run of runs) {
      const [head] = run;
      const tail = run[run.length - 1];
      invariant(head !== undefined && tail !== undefined, 'a run has a stretch');
      out.uint53(head.first);
      out.uint53(tail.last - head.first + 1);
      for (const { bytes, start, end } of run) out.append(bytes.subarray(start, end));
    }
  }

  /** Reads what `write` wrote, into an object that is new; what cannot be is the reader's fault. */
  read(reader: ByteReader, above: number): void {
    let least = above + 1;
    for (let runs = reader.uint53(); runs > 0 && reader.fault === undefined; runs--) {
      const first = reader.uint53();
      const count = reader.uint53();
      if (first < least || count < 1 || first > Number.MAX_SAFE_INTEGER - (count - 1))
        reader.fail('results out of order');
      for (let done = 0; done < count && reader.fault === undefined; done += STRETCH_COMMANDS) {
        const commands = Math.min(STRETCH_COMMANDS, count - done);
        this.#readStretch(reader, first + done, commands);
      }
      // Runs that touch would be one: equal states have equal bytes.
      least = first + count + 1;
    }
  }

  #readStretch(reader: ByteReader, first: number, count: number): void {
    const start = reader.at;
    skipResults(reader, count);
    if (reader.fault !== undefined) return;
    const { at } = reader;
    reader.moveTo(start);
    this.add(first, count, reader.view(at - start));
  }

  #runs(): Stretch[][] {
    const runs: Stretch[][] = [];
    let run: Stretch[] = [];
    for (let i = this.#forgotten; i < this.#stretches.length; i++) {
      const stretch = this.#stretches[i];
      if (stretch === undefined) break;
      if (run[run.length - 1]?.last !== stretch.first - 1) {
        run = [];
        runs.push(run);
      }
      run.push(stretch);
    }
    return runs;
  }

  /** The index of the first stretch that ends at or above a sequence. */
  #find(sequence: number): number {
    const stretches = this.#stretches;
    let high = stretches.length;
    let low = this.#forgotten;
    // Almost always commands come in order, and all that is here is below.
    if (low === high || (stretches[high - 1]?.last ?? 0) < sequence) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((stretches[middle]?.last ?? 0) < sequence) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where in a stretch's bytes the result of a command begins. */
  #offset(stretch: Stretch, sequence: number): number {
    this.#reader.open(stretch.bytes);
    this.#reader.moveTo(stretch.start);
    skipResults(this.#reader, sequence - stretch.first);
    return this.#reader.at;
  }

  #sweep(): void {
    if (this.#forgotten < MIN_FORGOTTEN && this.#forgotten < this.#stretches.length) return;
    if (2 * this.#forgotten < this.#stretches.length) return;
    this.#stretches.splice(0, this.#forgotten);
    this.#forgotten = 0;
  }
}

function skipResults(reader: ByteReader, count: number): void {
  for (let i = 0; i < count && reader.fault === undefined; i++) {
    reader.byte();
    reader.skip(reader.uint53());
  }
}

function hasRoom(stretch: Stretch, count: number, bytes: number): boolean {
  const commands = stretch.last - stretch.first + 1 + count;
  return commands <= STRETCH_COMMANDS && stretch.end + bytes <= STRETCH_BYTES;
}

/** A run that fills a stretch gets what it needs; where more will follow, there is room for it. */
function makeStretch(first: number, count: number, results: Uint8Array): Stretch {
  const isFull = 2 * count > STRETCH_COMMANDS;
  const room = isFull ? results.length : Math.max(MIN_STRETCH_BYTES, 2 * results.length);
  const bytes = new Uint8Array(room);
  bytes.set(results);
  return { first, last: first + count - 1, bytes, start: 0, end: results.length };
}

function append(stretch: Stretch, count: number, results: Uint8Array): Uint8Array {
  const start = stretch.end;
  const end = start + results.length;
  if (end > stretch.bytes.length) {
    // Views of the old bytes keep them, and they keep what they are.
    const grown = new Uint8Array(2 * end);
    grown.set(stretch.bytes.subarray(0, start));
    stretch.bytes = grown;
  }
  stretch.bytes.set(results, start);
  stretch.end = end;
  stretch.last += count;
  return stretch.bytes.subarray(start, end);
}
