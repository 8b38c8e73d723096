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
  {
    seed: 3093,
    fault: 'an instance accepted at two ballots, by less than a quorum at each, kept late learners waiting',
    since: '5ddd294',
  },
  {
    seed: 60_161_587_138_138,
    fault: 'such an instance, where originals are half of the acceptors or more: they were not asked',
    since: '5b7aa9e',
  },
  {
    seed: 77_942_648_072_254,
    fault: 'a learner forgot what acceptors had not learned while it waited for one that was silent',
    since: '4ae2e09',
  },
  { seed: 77_942_648_072_688, fault: 'the same', since: '4ae2e09' },
  {
    seed: 136_404_351_677_255,
    fault:
      'a trim point that one acceptor alone could tell, the other having lost its storage, was not believed',
    since: '7178080',
  },
  {
    seed: 131_725_853_732_174,
    fault: 'the end of history was searched for on originals below their trim point, for ever',
    since: '5759ad3',
  },
  {
    seed: 131_725_853_732_640,
    fault: 'a proposer waited two seconds before it tried its only acceptor again',
    since: '4da9241',
  },
  {
    seed: 21_168_148_136_354,
    fault: 'a learner asked acceptors that had fallen silent, in turn, and never came to counting',
    since: 'c424e45',
  },
  {
    seed: 33_179_643_908_921,
    fault: 'reads waited for ever behind a question whose answer was lost',
    since: '8cd2e24',
  },
  { seed: 4_652_748_603_818, fault: 'the same', since: '8cd2e24' },
  {
    seed: 33_179_643_908_901,
    fault: 'a replica that the leader refuses read nothing',
    since: '8cd2e24',
  },
  {
    seed: 1416,
    fault: 'pieces of a snapshot were passed over where less may wait for a connection than a piece has',
    since: 'fc076bc',
  },
  { seed: 700_574, fault: 'the same', since: 'fc076bc' },
  {
    seed: 981_122_704_108,
    fault: "a snapshot's last piece was dropped for a full backlog, and fetching began anew for ever",
    since: '3dc27dd',
  },
  {
    seed: 981_122_724_496,
    fault: 'what no quorum had accepted any more, after storages were lost, was never counted',
    since: '551b5a3',
  },
  {
    seed: 981_122_724_693,
    fault: 'a leader that could not see an original learner filled a hole, and it was cut off',
    since: '80b93e1',
  },
  {
    seed: 981_122_725_210,
    fault: 'a process of the simulator listened after it had ended',
    since: 'b343057',
  },
  {
    seed: 110_394_591_332_932,
    fault: 'the same, of an original that came again after all servers were started again',
    since: 'e0a262e',
  },
  {
    seed: 110_394_591_333_781,
    fault: 'what one acceptor alone knew to be chosen was never counted',
    since: '8c1a3e1',
  },
  {
    seed: 110_394_591_334_000,
    fault: 'of the simulator: a run whose clients had all forgotten what they gave never settled',
    since: 'db2dc5c',
  },
  {
    seed: 4_365_046_136_896,
    fault: 'a proposer asked originals about one instance, learned it meanwhile, and asked about no other',
    since: '17fd625',
  },
  {
    seed: 12_235_539_072_554,
    fault: 'what lost acceptors told of one another hid from a proposer that they were',
    since: '2f7bfcb',
  },
  {
    seed: 65_546_843_610_192,
    fault: 'an acceptor that was late to say HELLO was not asked again by a candidate',
    since: '69b0f62',
  },
  {
    seed: 11_359_191_956_576,
    fault:
      'of the simulator: a node that was cut off and told more than it could read was taken for a faulty one',
    since: 'a54c499',
  },
];
