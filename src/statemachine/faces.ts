/**
 * The faces of this package: Replica and Client, each with and without a state machine.
 *
 *   Replica.start({ config, id, machine })   propose, read          Replica.start({ config, id })   submit, iterate
 *   Client.connect({ config })               propose, read          Client.start({ config })        submit, iterate
 *
 * The ones on the left need `value-format commands`, those on the right `value-format raw`.
 */
import { Client as PlainClient, Replica as PlainReplica } from '../evpaxos/nodes.ts';
import type { ClientOptions, ReplicaOptions } from '../evpaxos/starting.ts';
import { MachineClient, type MachineClientOptions } from './client.ts';
import { MachineReplica, type MachineReplicaOptions } from './replica.ts';

export type Replica = PlainReplica;
export type Client = PlainClient;

/**
 * A replica whose state machine applies every command exactly once.
 * @throws PaxosError CONFIG_…, ID_UNKNOWN, MACHINE_NEEDS_COMMANDS, NOT_DURABLE, STORAGE_…, SNAPSHOT_CORRUPT,
 * ADDRESS_IN_USE, LISTEN_FAILED
 */
function start<Command, Result, Query = unknown, Answer = unknown>(
  options: MachineReplicaOptions<Command, Result, Query, Answer>,
): Promise<MachineReplica<Command, Result, Query, Answer>>;
/**
 * A replica that delivers the chosen values as they are.
 * @throws PaxosError CONFIG_…, VALUE_FORMAT, ID_UNKNOWN, STORAGE_…, ADDRESS_IN_USE, LISTEN_FAILED
 */
function start(options: ReplicaOptions): Promise<PlainReplica>;
function start(
  options: ReplicaOptions | MachineReplicaOptions<unknown, unknown>,
): Promise<PlainReplica | MachineReplica<unknown, unknown>> {
  return 'machine' in options ? MachineReplica.start(options) : PlainReplica.start(options);
}

/** A replica: acceptor, proposer and learner in one process, on one port; with a state machine, if one is given. */
export const Replica = { start };

/** A program that is no replica. */
export const Client = {
  /**
   * For commands: connects to the replicas of a state machine.
   * @throws PaxosError CONFIG_…, MACHINE_NEEDS_COMMANDS
   */
  connect<Command, Result, Query = unknown, Answer = unknown>(
    options: MachineClientOptions<Command, Result, Query, Answer>,
  ): Promise<MachineClient<Command, Result, Query, Answer>> {
    return MachineClient.connect(options);
  },
  /**
   * For plain values: gives them to a proposer, and learns what is chosen.
   * @throws PaxosError CONFIG_…, VALUE_FORMAT, ID_UNKNOWN
   */
  start(options: ClientOptions): Promise<PlainClient> {
    return PlainClient.start(options);
  },
};
