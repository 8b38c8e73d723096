/** libpaxos: Paxos in your own process. See README.md; the core without a network is `libpaxos/paxos`. */
export {
  type Config,
  type ConfigNodes,
  makeConfig,
  type Options,
  type ParsedConfig,
  parseConfig,
  readConfig,
} from './config/index.ts';
export * from './evpaxos/index.ts';
export { PaxosError, type PaxosErrorCode } from './paxos/error.ts';
