/**
 * Stall: why a client learns nothing, as far as it can see from where it is, in a sentence that says what to do.
 */
import type { Config, NodeAddress } from '../config/index.ts';
import type { Reach } from '../evpaxos/index.ts';
import { quorumSize } from '../paxos/quorum.ts';

export function stallReason(config: Config, reach: Reach): string {
  const { acceptors, proposers } = config;
  const quorum = quorumSize(acceptors.length);
  const missing = acceptors.filter(({ id }) => !reach.acceptors.includes(id));
  if (reach.acceptors.length < quorum) {
    const connected = reach.acceptors.length === 0 ? 'no acceptor' : `${reach.acceptors.length} of them`;
    const kind = config.replicas ? 'replica' : 'acceptor';
    return (
      `${quorum} of ${acceptors.length} acceptors must be up, and ${connected} can be reached; ` +
      `start ${kind} ${names(missing)}.`
    );
  }
  if (proposers.length === 0) return 'the config has no proposer; add a "proposer" or "replica" line.';
  if (reach.proposers.length === 0) return `no proposer can be reached; start proposer ${names(proposers)}.`;
  const [proposer] = reach.proposers;
  return (
    `proposer ${proposer} has the values, and gets none chosen; look at its log: ` +
    'it may reach too few acceptors, or they too full a disk.'
  );
}

/** `1 (127.0.0.1:8801) or 2 (127.0.0.1:8802)` */
function names(nodes: readonly NodeAddress[]): string {
  return nodes.map(({ id, host, port }) => `${id} (${host}:${port})`).join(' or ');
}
