/**
 * Programs: what runs in the processes of a simulated cluster of state machines: a replica with a StoreMachine, put
 * together as MachineReplica does it, and a client. Both are the production code; the simulator only listens.
 */
import type { Config } from '../../config/config.ts';
import { Node, type Rings, type World } from '../../evpaxos/node.ts';
import { started } from '../../evpaxos/starting.ts';
import type { Storage } from '../../paxos/storage.ts';
import { MachineClient } from '../../statemachine/client.ts';
import { readError } from '../../statemachine/client-reads.ts';
import { withDefaultCodecs } from '../../statemachine/codec.ts';
import type { MachineEvent } from '../../statemachine/events.ts';
import { MachineRole } from '../../statemachine/machine-role.ts';
import { gather } from '../../statemachine/snapshot-reader.ts';
import type { SnapshotStore } from '../../statemachine/snapshot-store.ts';
import { Consistency, ReadStatus, Role } from '../../transport/messages.ts';
import {
  type StoreAnswer,
  type StoreCommand,
  StoreMachine,
  type StoreQuery,
  type StoreResult,
} from './store-machine.ts';
import type { StorePort } from './store-port.ts';

export interface StoreReplica extends StorePort {
  readonly node: Node;
  readonly machine: StoreMachine;
  /** sessions and machine after what was applied last, as a snapshot would have them */
  state(): Promise<Uint8Array>;
}

export interface ProgramOptions extends Required<World> {
  readonly config: Config;
  readonly sessionTimeoutMs: number;
}

export interface ReplicaProgramOptions extends ProgramOptions {
  readonly id: number;
  readonly rings: Rings;
  readonly storage: Storage;
  readonly snapshots: SnapshotStore;
  readonly ballastBytes: number;
  readonly wantsMore: () => boolean;
  /** told of each instance just before it is applied */
  readonly delivered: (instanceId: number, value: Uint8Array) => void;
  /** goes on above this instance, whose state is restored */
  readonly restored: (instanceId: number) => void;
  readonly event: (event: MachineEvent) => void;
  readonly ended: (error: unknown) => void;
}

const codecs = withDefaultCodecs<StoreCommand, StoreResult, StoreQuery, StoreAnswer>();

/** Starts a replica; never comes back if its process dies meanwhile. */
export async function startReplica(options: ReplicaProgramOptions): Promise<StoreReplica> {
  const { config, id, storage, snapshots, sessionTimeoutMs, transport, clock, random, rings } = options;
  const machine = new StoreMachine(options.ballastBytes);
  const role = new MachineRole({
    id,
    config,
    machine,
    codecs,
    verify: undefined,
    store: snapshots,
    clock,
    random,
    observer: options.observer,
    sessionTimeoutMs,
  });
  heed(role.events.read(), options).catch(options.ended);
  const after = await role.restoreNewest();
  options.restored(after);
  const own = role.nodeOptions;
  const node = new Node({
    transport,
    clock,
    random,
    ...own,
    config,
    id,
    roles: Role.acceptor | Role.proposer | Role.learner,
    storage,
    rings,
    wantsMore: () => options.wantsMore() && own.wantsMore?.() !== false,
    deliver: (chosen) => {
      options.delivered(chosen.instanceId, chosen.value);
      own.deliver?.(chosen);
    },
  });
  const close = () => role.close();
  node.closed.then(close, (error: unknown) => {
    options.ended(error);
    return close();
  });
  await started(node, after);
  role.start();
  return {
    node,
    machine,
    propose: (command, signal) => role.session.propose(codecs.command.encode(command), signal),
    read: (query, consistency) => readAt(role, query, consistency),
    state: () => gather(role.host.capture().chunks),
  };
}

/** Tells what happens, and where the sequence goes on after a snapshot was fetched. */
async function heed(events: AsyncIterable<MachineEvent>, options: ReplicaProgramOptions): Promise<void> {
  for await (const event of events) {
    if (event.type === 'snapshot-fetched') options.restored(event.instanceId);
    options.event(event);
  }
}

function readAt(
  role: MachineRole<StoreCommand, StoreResult, StoreQuery, StoreAnswer>,
  query: StoreQuery,
  consistency: keyof typeof Consistency,
): Promise<StoreAnswer | undefined> {
  return new Promise((resolve, reject) => {
    role.reads.read(codecs.query.encode(query), Consistency[consistency], ({ status, bytes }) => {
      if (status === ReadStatus.ok) resolve(codecs.answer.decode(bytes));
      else if (status === ReadStatus.failed) reject(readError(bytes));
      else resolve(undefined);
    });
  });
}

/** Starts a client. */
export async function startClient(options: ProgramOptions): Promise<StorePort> {
  const client = await MachineClient.connect<StoreCommand, StoreResult, StoreQuery, StoreAnswer>(options);
  return {
    propose: (command, signal) => client.propose(command, signal === undefined ? {} : { signal }),
    read: (query, consistency, signal) =>
      client.read(query, signal === undefined ? { consistency } : { consistency, signal }),
  };
}
