/**
 * Checkpoints: up to where the log is not needed any more, and who says so.
 *
 * Of a raw run: every learner writes a checkpoint now and then; when all have one, acceptors are told to forget what is
 * below. Replicas with a state machine make snapshots and trim by themselves; here it is only reckoned what they may.
 */
import { Role } from '../transport/messages.ts';
import type { Random } from '../transport/transport.ts';
import type { Machine } from './machine.ts';
import type { Scheduler } from './scheduler.ts';
import type { SimSnapshotDisk } from './snapshot-disk.ts';

export interface CheckpointsOptions {
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly machines: () => readonly Machine[];
  /** of replicas with a state machine; none in a raw run */
  readonly snapshots: readonly SimSnapshotDisk[];
}

export class Checkpoints {
  readonly #options: CheckpointsOptions;

  constructor(options: CheckpointsOptions) {
    this.#options = options;
  }

  /** The highest instance that may be forgotten, with all before it. */
  get safeTrim(): number {
    const { snapshots } = this.#options;
    if (snapshots.length === 0) return Math.min(...this.#learners().map((machine) => machine.checkpoint));
    const durable = snapshots.map(({ everDurable }) => everDurable).sort((one, other) => other - one);
    return durable[Math.floor(snapshots.length / 2)] ?? 0;
  }

  /** Every learner writes a checkpoint now and then; when all have one, the log below is not needed. */
  begin(): void {
    const { scheduler, random, snapshots } = this.#options;
    if (snapshots.length > 0) return;
    scheduler.after(400 * random.next(), () => {
      const machines = this.#learners();
      for (const machine of machines) {
        if (machine.isUp && random.next() < 0.5)
          machine.checkpoint = Math.max(machine.checkpoint, machine.deliveredTo);
      }
      const safe = this.safeTrim;
      if (safe > 0)
        for (const machine of machines) if (machine.isUp && random.next() < 0.3) machine.node?.sendTrim(safe);
      this.begin();
    });
  }

  #learners(): readonly Machine[] {
    return this.#options.machines().filter(learns);
  }
}

/** Whether a machine is a learner that is judged. */
export function learns(machine: Machine): boolean {
  return !machine.options.isOriginal && (machine.options.roles & Role.learner) !== 0;
}
