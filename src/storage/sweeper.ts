/**
 * Sweeper: deletes what lies at or below the trim point on disk, behind it, a piece after the other, so that a trim of
 * millions of records holds up neither this thread nor the commits between. Knows no database.
 *
 *   follow(trim point) → deletePiece, deletePiece, … → nothing left → idle
 *
 * Nobody reads what it deletes, so its pace is nobody's business; a piece that fails ends it.
 */

export interface SweeperWork {
  /** Deletes some records at or below `trimInstanceId`, durably; false: none was left after these. */
  deletePiece(trimInstanceId: number): Promise<boolean>;
  /** Told if a piece failed. */
  failed(error: unknown): Promise<unknown>;
}

export class Sweeper {
  readonly #work: SweeperWork;
  #target = 0;
  #sweptTo = 0;
  #underWay = false;
  #stopped = false;
  #sweeping = Promise.resolve();

  constructor(work: SweeperWork) {
    this.#work = work;
  }

  /** Deletes up to a trim point that is on disk. */
  follow(trimInstanceId: number): void {
    this.#target = Math.max(this.#target, trimInstanceId);
    if (this.#underWay || this.#stopped || this.#sweptTo === this.#target) return;
    this.#underWay = true;
    this.#sweeping = this.#sweep();
  }

  /** Resolves when nothing is left to delete, or the sweeper has ended. */
  settled(): Promise<void> {
    return this.#sweeping;
  }

  /** Ends after the piece under way, and resolves then. */
  stop(): Promise<void> {
    this.#stopped = true;
    return this.#sweeping;
  }

  async #sweep(): Promise<void> {
    try {
      while (!this.#stopped && this.#sweptTo < this.#target) {
        const target = this.#target;
        if (!(await this.#work.deletePiece(target))) this.#sweptTo = target;
      }
    } catch (error) {
      this.#stopped = true;
      await this.#work.failed(error);
    }
    this.#underWay = false;
  }
}
