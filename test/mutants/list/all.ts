/**
 * All mutants, in the order in which they are tried.
 */
import type { Mutant } from '../mutant.ts';
import { ACCEPTOR_MUTANTS } from './acceptor.ts';
import { FAILOVER_MUTANTS } from './failover.ts';
import { LEADING_MUTANTS } from './leading.ts';
import { LEARNER_MUTANTS } from './learner.ts';
import { PROPOSER_MUTANTS } from './proposer.ts';
import { STATE_MACHINE_MUTANTS } from './statemachine.ts';
import { STORAGE_MUTANTS } from './storage.ts';
import { VALUES_MUTANTS } from './values.ts';

export const MUTANTS: readonly Mutant[] = [
  ...ACCEPTOR_MUTANTS,
  ...PROPOSER_MUTANTS,
  ...LEADING_MUTANTS,
  ...FAILOVER_MUTANTS,
  ...LEARNER_MUTANTS,
  ...VALUES_MUTANTS,
  ...STORAGE_MUTANTS,
  ...STATE_MACHINE_MUTANTS,
];
