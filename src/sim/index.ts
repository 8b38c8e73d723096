/**
 * The simulator: production nodes in a world that one seed decides, watched by checkers.
 */

export type { Configuration } from './explorer/configuration.ts';
export { CONFIGURATIONS, type NamedConfiguration } from './explorer/configurations.ts';
export { Explorer } from './explorer/explorer.ts';
export type { ExplorerOptions, ExplorerReport } from './explorer/search.ts';
export { Ladder, type LadderFilter } from './ladder.ts';
export {
  checkLinearizability,
  type Evidence,
  type LinearizabilityBounds,
  type LinearizabilityVerdict,
  type Model,
  type Operation,
} from './linearizability.ts';
export {
  type CounterInput,
  counterModel,
  type StoreInput,
  type StoreOutput,
  storeModel,
} from './linearizability-models.ts';
export type { FaultKind, Plan } from './plan.ts';
export { type Report, Simulation, type SimulationOptions, type Tracer } from './simulation.ts';
export { resultOf, resultOfViolation, type SeedResult, Tally } from './tally.ts';
export { Violation } from './violation.ts';
