/**
 * Once failed: seeds whose runs found a fault of ours, each with what it was. They are run again by the tests, for
 * ever.
 *
 * A seed means what the simulator draws from it. Whenever plan.ts, or anything else that draws, is changed, the same
 * seed gives another run: it then stands for one more run among many, and the fault is kept by the test that came with
 * its mending. `since` says which commit mended it.
 */

export interface OnceFailed {
  readonly seed: number;
  readonly fault: string;
  readonly since: string;
}

export const ONCE_FAILED: readonly OnceFailed[] = [
  { seed: 10, fault: 'a value that was forwarded too often bounced for ever', since: 'ca3929e' },
  { seed: 6, fault: 'a refused ranged prepare asked itself without end', since: '67508a2' },
  { seed: 4, fault: 'a proposer behind the trim point', since: 'cbf798f' },
  {
    seed: 2160,
    fault: 'HELLO late: values given to a supposed original were lost',
    since: '6f5dfef',
  },
  {
    seed: 100_978,
    fault:
      'a piece of a ranged promise that came twice stood for one that was lost: a chosen value was replaced',
    since: 'ee1a94b',
  },
  {
    seed: 700_024,
    fault: 'a client gave a value to an original acceptor, which dropped it',
    since: '5f9d7bc',
  },
  {
    seed: 1029,
    fault: 'a learner with several holes was not noticed to be stuck, and waited for ever',
    since: 'c257a38',
  },
  { seed: 2019, fault: 'the same, with all replicas behind their learners', since: 'c257a38' },
];
