/**
 * Cluster: the nodes that a plan asks for, by name: r0 … replicas, a0 … acceptors, p0 … proposers, l0 … learners,
 * c0 … clients; ol0 and oc0 a learner and a client as the original's are.
 */
import type { Config } from '../config/config.ts';
import { makeConfig } from '../config/index.ts';
import { Role } from '../transport/messages.ts';
import type { Plan } from './plan.ts';

const FIRST_ACCEPTOR_PORT = 1000;
const FIRST_PROPOSER_PORT = 2000;
const HOST = '10.0.0.1';

/** The config of all nodes of a run. */
export function configOfPlan(plan: Plan): Config {
  const address = (port: number) => ({ host: HOST, port });
  const acceptors = Array.from({ length: plan.acceptors }, (_, i) => address(FIRST_ACCEPTOR_PORT + i));
  const proposers = Array.from({ length: plan.proposers }, (_, i) => address(FIRST_PROPOSER_PORT + i));
  const { commands } = plan;
  return makeConfig(plan.replicas ? { replicas: acceptors } : { acceptors, proposers }, {
    proposerPreexecWindow: plan.preexecWindow,
    maxWaitingBytes: 64 * 1024,
    maxPeerBacklogBytes: plan.backlogBytes,
    maxMessageBytes: 64 * 1024,
    ...(commands === undefined
      ? {}
      : {
          valueFormat: 'commands',
          snapshotLogBytes: commands.snapshotLogBytes,
          snapshotIntervalS: commands.snapshotIntervalS,
          readLeaseMs: commands.readLeaseMs,
        }),
  });
}

export interface Member {
  readonly name: string;
  readonly roles: number;
  readonly id: number;
  readonly isOriginal: boolean;
}

/** Every node of a run: servers first, then learners, then clients. */
export function* membersOf(plan: Plan): Generator<Member> {
  const { replicas, acceptors, proposers, originals, originalProposers } = plan;
  const replica = Role.acceptor | Role.proposer | Role.learner;
  const [name, roles] = replicas ? ['r', replica] : ['a', Role.acceptor];
  yield* members(name, roles, acceptors, originals);
  if (!replicas) yield* members('p', Role.proposer, proposers, originalProposers);
  yield* members('l', Role.learner, plan.learners, 0);
  yield* members('ol', Role.learner, plan.originalLearners, plan.originalLearners);
  yield* members('oc', Role.learner | Role.client, plan.originalClients, plan.originalClients);
  // A client of a state machine learns nothing of the log.
  const client = plan.commands === undefined ? Role.learner | Role.client : Role.client;
  yield* members('c', client, plan.clients, 0);
}

/** A client of ours: it crashes, and forgets what it had outstanding. */
export function isRestartedClient({ roles, isOriginal }: Member): boolean {
  return !isOriginal && (roles & Role.client) !== 0;
}

function* members(name: string, roles: number, count: number, originals: number): Generator<Member> {
  for (let id = 0; id < count; id++) yield { name: `${name}${id}`, roles, id, isOriginal: id < originals };
}
