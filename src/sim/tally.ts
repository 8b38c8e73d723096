/**
 * Tally: what many runs came to. Takes the result of each as plain data, so that it can come from another process.
 */

import { FAULT_KINDS } from './plan.ts';
import type { Report } from './simulation.ts';
import type { Violation } from './violation.ts';

/** What one run came to; JSON. */
export interface SeedResult {
  readonly seed: number;
  readonly events: number;
  readonly virtualMs: number;
  readonly chosen: number;
  readonly duplicates: number;
  readonly hash: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly violation?: string;
}

/**
 * What the nodes are expected to report or to send now and then, whatever the seeds. One that is never reached is a
 * fault of the simulator. The rarest come up in two or three of a hundred runs.
 */
const EXPECTED_OUTCOMES = [
  'accept-timeout',
  'behind-trim',
  'caught-up',
  'counting',
  'disconnected',
  'failed',
  'fetching',
  'following',
  'leading',
  'no-proposer',
  'other-proposer',
  'peer-reads-again',
  'prepare-timeout',
  'slow-peer',
  'source-replaced',
  'stepped-down',
  'storage-replaced',
  'trim-refused',
  'trimmed',
  'STORAGE_CORRUPT',
  'STORAGE_FAILED',
  'STORAGE_FULL',
  'crash while a commit is under way',
  'duplicate suppressed',
  'lease read',
  'local read answered',
  'machine catch-up-begun',
  'machine catch-up-ended',
  'machine leader',
  'machine snapshot-fetched',
  'machine snapshot-fetching',
  'machine snapshot-made',
  'read answered',
  'read asked for others',
  'read that was confirmed',
  'SESSION_EXPIRED',
  'command failed',
  'needed one more value',
  'value chosen twice',
  'sent accepted',
  'sent acceptedRange',
  'sent acceptorState',
  'sent chosen',
  'sent chosenValue',
  'sent clientValue',
  'sent commands',
  'sent confirm',
  'sent confirmed',
  'sent fetch',
  'sent fetched',
  'sent fetchSnapshot',
  'sent forward',
  'sent forwarded: chosen',
  'sent forwarded: returned',
  'sent heartbeat',
  'sent leader',
  'sent preempted',
  'sent prepare',
  'sent prepareFrom',
  'sent promiseFrom',
  'sent promiseFrom: refused',
  'sent promisedValue',
  'sent query',
  'sent read',
  'sent readIndex',
  'sent readIndexIs',
  'sent readIndexIs: refused',
  'sent readResult',
  'sent repair',
  'sent repeat',
  'sent results',
  'sent sessionOpened',
  'sent snapshotAt',
  'sent snapshotPiece',
  'sent spare',
  'sent status',
  'sent storageIdentity',
  'sent trim',
] as const;

/** Likewise, and rarer: some five in a thousand runs. */
const RARE_OUTCOMES = ['snapshot fetched on after a cut'] as const;

/** After so many runs each of them has come up: with 20 in a thousand, all but once in 10^8 times. */
const ENOUGH_SEEDS = 1000;
const ENOUGH_FOR_RARE_SEEDS = 5000;

export function resultOf(report: Report): SeedResult {
  const { seed, events, virtualMs, chosen, duplicates, hash, faults, outcomes } = report;
  return {
    seed,
    events,
    virtualMs,
    chosen,
    duplicates,
    hash,
    faults: Object.fromEntries(faults),
    outcomes: Object.fromEntries(outcomes),
  };
}

export function resultOfViolation(seed: number, violation: Violation): SeedResult {
  const nothing = { events: 0, virtualMs: 0, chosen: 0, duplicates: 0, hash: 0, faults: {}, outcomes: {} };
  return { seed, ...nothing, violation: violation.message };
}

export class Tally {
  #seeds = 0;
  #events = 0;
  #virtualMs = 0;
  #chosen = 0;
  readonly #faults = new Map<string, number>(FAULT_KINDS.map((kind) => [kind, 0]));
  readonly #outcomes = new Map<string, number>();
  readonly #violations: SeedResult[] = [];

  add(result: SeedResult): void {
    this.#seeds++;
    this.#events += result.events;
    this.#virtualMs += result.virtualMs;
    this.#chosen += result.chosen;
    for (const [kind, count] of Object.entries(result.faults)) addTo(this.#faults, kind, count);
    for (const [outcome, count] of Object.entries(result.outcomes)) addTo(this.#outcomes, outcome, count);
    if (result.violation !== undefined) this.#violations.push(result);
  }

  get seeds(): number {
    return this.#seeds;
  }

  get events(): number {
    return this.#events;
  }

  get virtualMs(): number {
    return this.#virtualMs;
  }

  /** Instances that were chosen and delivered, in all runs. */
  get chosen(): number {
    return this.#chosen;
  }

  /** How often each kind of fault was injected; 0 too. */
  get faults(): ReadonlyMap<string, number> {
    return this.#faults;
  }

  get outcomes(): ReadonlyMap<string, number> {
    return new Map([...this.#outcomes].sort(([left], [right]) => (left < right ? -1 : 1)));
  }

  /** What should have happened in so many runs, and never did. */
  get neverReached(): readonly string[] {
    return [
      ...[...this.#faults].filter(([, count]) => count === 0).map(([kind]) => `fault ${kind}`),
      ...this.#expected.filter((outcome) => !this.#outcomes.has(outcome)),
    ];
  }

  get #expected(): readonly string[] {
    return this.#seeds < ENOUGH_FOR_RARE_SEEDS ? EXPECTED_OUTCOMES : [...EXPECTED_OUTCOMES, ...RARE_OUTCOMES];
  }

  /** How many of the faults and outcomes that are expected there were. */
  get covered(): { readonly reached: number; readonly expected: number } {
    const expected = FAULT_KINDS.length + this.#expected.length;
    return { reached: expected - this.neverReached.length, expected };
  }

  /** What is wrong with the simulator: something was not reached in so many runs that it should have been. */
  get gap(): string | undefined {
    const { neverReached } = this;
    if (this.#seeds < ENOUGH_SEEDS || neverReached.length === 0) return undefined;
    return `Never reached in ${this.#seeds} seeds: ${neverReached.join(', ')}. The simulator is at fault.`;
  }

  get violations(): readonly SeedResult[] {
    return this.#violations;
  }
}

function addTo(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}
