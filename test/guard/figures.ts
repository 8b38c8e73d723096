/**
 * Figures: what a value costs, as it was when this was written. The guard compares with them, and fails where something
 * became dearer by more than the slack; where it became cheaper, these are to be lowered.
 */

/** What may be added before the guard fails: counts hardly vary, times on a busy machine do. */
export const COUNT_SLACK = 1.02;
export const SYSCALL_SLACK = 1.25;
export const TIME_SLACK = 1.6;

/** Of three replicas with an original's client, by how many values of 96 bytes are under way. */
export const TRAFFIC: Readonly<Record<number, Traffic>> = {
  1: { writesPerRound: 8.1, bytesPerValue: 747.6, messagesPerValue: 11 },
  10: { writesPerRound: 8.1, bytesPerValue: 735.2, messagesPerValue: 7.4 },
  100: { writesPerRound: 8.3, bytesPerValue: 732.3, messagesPerValue: 7.04 },
};

export interface Traffic {
  /** writes of all processes, the client's one included, for as many values as are under way */
  readonly writesPerRound: number;
  readonly bytesPerValue: number;
  readonly messagesPerValue: number;
}

/** Commits of one storage for a hundred values that come together, one after another a hundred, and their records. */
export const COMMITS = { together: 1, oneByOne: 100 } as const;

/** System calls a value with one under way: of the leader, and of one that follows. */
export const SYSCALLS = { leader: 12, follower: 9 } as const;

/** Times of hot code, in units of a calibrated loop. */
export const TIMES: Readonly<Record<string, number>> = {
  encoding: 0.38,
  decoding: 0.67,
  accepting: 0.42,
  proposing: 0.95,
  learning: 0.66,
};
