/**
 * Stall: why a client learns nothing, as far as it can see from where it is, in a sentence that says what to do.
 */
import type { Config, NodeAddress } from '../config/index.ts';
import type { Reach } from '../evpaxos/index.ts';
import { quorumSize } from '../paxos/quorum.ts';

/** @param reach whom it is connected to */
export function stallReason(config: Config, reach: Reach): string {
  const { acceptors, proposers } = config;
  const quorum = quorumSize(acceptors.length);
  const reached = reach.acceptors.length;
  if (reached < quorum) {
    const missing = acceptors.filter(({ id }) => !reach.acceptors.includes(id));
    const kind = config.replicas ? 'replica' : 'acceptor';
    const connected = reached === 0 ? 'none' : `only ${reached}`;
    return (
      `${quorum} of ${acceptors.length} acceptors must be up, and ${connected} can be reached; ` +
      `start ${someOf(missing, quorum - reached, kind)}.`
    );
  }
  if (proposers.length === 0) return 'the config has no proposer; add a "proposer" or "replica" line.';
  if (reach.proposers.length === 0)
    return `no proposer can be reached; start ${proposerToStart(config, reach)}.`;
  return (
    `${reached} of ${acceptors.length} acceptors can be reached, and proposer ${reach.proposers.join(', ')}, ` +
    'which gets nothing chosen; look at its log.'
  );
}

/** A proposer whose port is not taken by an acceptor that is up. */
function proposerToStart({ acceptors, proposers }: Config, reach: Reach): string {
  const isTaken = ({ host, port }: NodeAddress) =>
    acceptors.some(
      (other) => other.host === host && other.port === port && reach.acceptors.includes(other.id),
    );
  const free = proposers.filter((proposer) => !isTaken(proposer));
  if (free.length > 0) return someOf(free, 1, 'proposer');
  return `${someOf(proposers, 1, 'replica')} in place of the mere acceptor`;
}

/** `replica 1 (127.0.0.1:8801) or 2 (127.0.0.1:8802)` */
function someOf(nodes: readonly NodeAddress[], wanted: number, kind: string): string {
  const names = nodes.map(({ id, host, port }) => `${id} (${host}:${port})`);
  const count = wanted === 1 || wanted === nodes.length ? '' : `${wanted} of `;
  return `${count}${kind} ${list(names, wanted === nodes.length ? 'and' : 'or')}`;
}

function list(words: readonly string[], last: 'and' | 'or'): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`;
}
