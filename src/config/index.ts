/**
 * The config room: paxos.conf in, a readonly Config out, with sentences about both.
 */
export type {
  Config,
  NodeAddress,
  Options,
  StorageBackend,
  ValueFormat,
  Verbosity,
} from './config.ts';
export {
  type ConfigDescription,
  configDescription,
  type DescribedNode,
  type DescribedOption,
  type Durability,
  describeConfig,
  durabilityOf,
  durabilitySentence,
  optionLines,
} from './describe.ts';
export { type ConfigNodes, clusterFingerprint, configText, makeConfig } from './make.ts';
export { DEFAULT_OPTIONS, formatBytes, OPTIONS, type Option, type OptionKey } from './options.ts';
export { type Origins, type ParsedConfig, parseConfig, readConfig } from './parse.ts';
export { ConfigError, type Place, type Problem } from './problem.ts';
