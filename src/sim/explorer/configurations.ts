/**
 * The configurations that are searched again and again, and what comes out: as long as the core does the same, these
 * numbers are the same. One that changed means that the core behaves in another way; look why before you write it down.
 */
import type { Configuration } from './configuration.ts';

export interface NamedConfiguration {
  readonly name: string;
  /** what is new in it, for people */
  readonly about: string;
  readonly configuration: Configuration;
  /** distinct states, and the longest of the shortest ways to one */
  readonly states: number;
  readonly depth: number;
}

/** Two proposers, three acceptors of the original's kind, one instance; nobody ends. */
export const SMALLEST: Configuration = {
  acceptors: 3,
  proposers: 2,
  instances: 1,
  ballots: 2,
  ranged: 0,
  proposerRestarts: 0,
  acceptorRestarts: 0,
  replicas: false,
  brief: false,
  stepDowns: false,
};

export const CONFIGURATIONS: readonly NamedConfiguration[] = [
  {
    name: 'small',
    about: '2 proposers, 3 acceptors, 1 instance, 2 ballots',
    configuration: SMALLEST,
    states: 4124,
    depth: 22,
  },
  {
    name: 'medium',
    about: 'the same with 3 ballots',
    configuration: { ...SMALLEST, ballots: 3 },
    states: 57_021,
    depth: 29,
  },
  {
    name: 'brief',
    about: 'medium, and leaders tell the learner what they counted',
    configuration: { ...SMALLEST, ballots: 3, brief: true },
    states: 80_563,
    depth: 33,
  },
  {
    name: 'restart',
    about: 'small, and a proposer ends and starts again',
    configuration: { ...SMALLEST, proposerRestarts: 1 },
    states: 75_630,
    depth: 27,
  },
  {
    name: 'disk',
    about: '1 ballot, and an acceptor ends, its last writes perhaps lost',
    configuration: { ...SMALLEST, ballots: 1, acceptorRestarts: 1 },
    states: 7508,
    depth: 33,
  },
  {
    name: 'ranges',
    about: 'small, with 1 of the acceptors asked for ranges',
    configuration: { ...SMALLEST, ballots: 2, ranged: 1 },
    states: 92_968,
    depth: 32,
  },
  {
    name: 'two',
    about: '2 instances, 1 ballot',
    configuration: { ...SMALLEST, instances: 2, ballots: 1 },
    states: 313_820,
    depth: 30,
  },
  {
    name: 'large',
    about: 'medium, and a proposer ends and starts again',
    configuration: { ...SMALLEST, ballots: 3, proposerRestarts: 1 },
    states: 2_573_718,
    depth: 38,
  },
];
