/**
 * Judge: whether what real processes delivered, answered and stored is right. It is the simulator's judge of sequences,
 * with what a process can tell of itself: a digest of all that it delivered.
 *
 *   submitted, answered, delivered by a learner here, claimed by a process → the first violation, told once
 *   each ACCEPT that passes: a ballot carries one value an instance, after restarts too
 *   in the end: every answer is among what was delivered; what was delivered is stored by a majority
 */

import { Digest } from '../../src/cli/progress.ts';
import { isNoOp, NO_OP } from '../../src/paxos/no-op.ts';
import type { Storage } from '../../src/paxos/storage.ts';
import { Ballots } from '../../src/sim/ballots.ts';
import { Sequences } from '../../src/sim/sequences.ts';
import { Violation } from '../../src/sim/violation.ts';
import type { Claim } from './member.ts';

/** How much of a value is shown. */
const SHOWN = 40;

export class Judge {
  readonly #violated: (violation: Violation) => void;
  readonly #sequences = new Sequences();
  readonly #ballots = new Ballots();
  readonly #digest = new Digest();
  /** by instance: the digest of the sequence up to there */
  readonly #digests: string[];
  /** by learner here: what it delivered last */
  readonly #delivered = new Map<string, number>();
  /** by instance: who claims what there, before any learner here has come as far */
  readonly #claims = new Map<number, { readonly who: string; readonly digest: string }[]>();
  /** by process and life: how far it claimed to be */
  readonly #claimed = new Map<string, number>();
  readonly #outstanding = new Set<string>();
  readonly #answered = new Set<string>();
  readonly #values = new Set<string>();
  #proposals = 0;

  /** @param violated told of each violation; the run is over then */
  constructor(violated: (violation: Violation) => void) {
    this.#violated = violated;
    this.#digests = [this.#digest.text];
    this.#sequences.submitted('');
  }

  /** By instance, what was delivered. */
  get chosen(): ReadonlyMap<number, string> {
    return this.#sequences.chosen;
  }

  /** How many instances some learner here delivered. */
  get instances(): number {
    return this.#sequences.highestChosen;
  }

  /** How many ACCEPTs were seen. */
  get proposals(): number {
    return this.#proposals;
  }

  /** Values that were submitted and not answered yet. */
  get outstanding(): number {
    return this.#outstanding.size;
  }

  /** How many different values were delivered: one whose leader was lost before it could tell may be chosen again. */
  get values(): number {
    return this.#values.size;
  }

  /** The digest of everything that was delivered up to an instance. */
  digestAt(instanceId: number): string | undefined {
    return this.#digests[instanceId];
  }

  submitted(value: string): void {
    this.#sequences.submitted(value);
    this.#outstanding.add(value);
  }

  /** Its client was told that a value is chosen. */
  answered(value: string): void {
    this.#outstanding.delete(value);
    this.#answered.add(value);
  }

  /** An ACCEPT was seen on its way to an acceptor. */
  proposed(instanceId: number, ballot: number, value: Uint8Array): void {
    this.#proposals++;
    this.#guard(() => this.#ballots.proposed(instanceId, ballot, value));
  }

  /**
   * A learner in this process delivered an instance; each begins with the first. What it passes over has to be a no-op,
   * for every other learner and on disk.
   */
  delivered(learner: string, instanceId: number, bytes: Uint8Array): void {
    const expected = (this.#delivered.get(learner) ?? 0) + 1;
    this.#delivered.set(learner, instanceId);
    for (let i = expected; i < instanceId; i++) this.#took(learner, i, i, NO_OP);
    this.#took(learner, Math.max(expected, instanceId), instanceId, bytes);
  }

  #took(learner: string, expected: number, instanceId: number, bytes: Uint8Array): void {
    this.#guard(() => {
      if (!this.#sequences.delivered(learner, expected, instanceId, bytes)) return;
      if (!isNoOp(bytes)) {
        this.#values.add(this.#sequences.chosen.get(instanceId) ?? '');
        this.#digest.add(instanceId, bytes);
      }
      this.#digests[instanceId] = this.#digest.text;
      for (const { who, digest } of this.#claims.get(instanceId) ?? [])
        this.#compare(who, instanceId, digest);
      this.#claims.delete(instanceId);
    });
  }

  /** A process says how far it is, in this of its lives, and what the digest of its sequence is. */
  claimed(name: string, life: number, { delivered, digest }: Claim): void {
    const who = `${name} (life ${life})`;
    this.#guard(() => {
      const before = this.#claimed.get(who) ?? 0;
      if (delivered < before)
        throw new Violation('order', `${who} was at instance ${before}, and now at ${delivered}`, delivered);
      this.#claimed.set(who, delivered);
      if (delivered <= this.#sequences.highestChosen) this.#compare(who, delivered, digest);
      else this.#claims.set(delivered, [...(this.#claims.get(delivered) ?? []), { who, digest }]);
    });
  }

  /** What was answered has to be among what was delivered; and nobody may have delivered more than all learners here. */
  conclude(): void {
    this.#guard(() => {
      for (const value of this.#answered) {
        if (this.#values.has(value)) continue;
        throw new Violation('durability', `"${shown(value)}" was told to be chosen, and nobody delivered it`);
      }
      for (const [instanceId, [first]] of this.#claims) {
        const what = `${first?.who} delivered instance ${instanceId}, and no learner here has it`;
        throw new Violation('agreement', what, instanceId);
      }
    });
  }

  /** Every instance that was delivered is stored by a majority, with its value, or was trimmed there. */
  checkStored(storages: readonly Storage[]): void {
    this.#guard(() => {
      for (const [instanceId, value] of this.#sequences.chosen) {
        const bytes = Buffer.from(value, 'latin1');
        const holders = storages.filter((storage) => holds(storage, instanceId, bytes)).length;
        if (holders > storages.length / 2) continue;
        const what = `"${shown(value)}" was delivered, and is stored by ${holders} of ${storages.length} acceptors`;
        throw new Violation('durability', what, instanceId);
      }
    });
  }

  #compare(who: string, instanceId: number, digest: string): void {
    if (this.#digests[instanceId] === digest) return;
    const what = `${who} delivered another sequence than others did, at or below this instance`;
    throw new Violation('agreement', what, instanceId);
  }

  #guard(look: () => void): void {
    try {
      look();
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      this.#violated(error);
    }
  }
}

function holds(storage: Storage, instanceId: number, value: Buffer): boolean {
  if (instanceId <= storage.trimInstanceId) return true;
  const record = storage.get(instanceId);
  return record !== undefined && record.acceptedBallot > 0 && Buffer.compare(record.value, value) === 0;
}

function shown(value: string): string {
  return value.length <= SHOWN ? value : `${value.slice(0, SHOWN)}…`;
}
