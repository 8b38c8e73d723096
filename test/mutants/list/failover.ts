/**
 * Mutants of how a lost, silent or stalled leader is replaced, and of how an acceptor that lost its storage is known.
 */
import type { Mutant } from '../mutant.ts';

const NODE = 'src/evpaxos/node.ts';
const PROPOSER = 'src/evpaxos/proposer.ts';
const STORAGES = 'src/evpaxos/storages.ts';
const FAILOVER = ['test/failover'];
const LOST = ['test/durability/told-storages.test.ts', 'test/durability/lost-storage.test.ts'];
const WHY_SOONER = 'the leader timeout does the same, later';
const WHY_KNOWN = 'the simulator takes a storage away only where all others know it';

export const FAILOVER_MUTANTS: readonly Mutant[] = [
  {
    id: 'lost-by-one-connection',
    breaks: 'a follower takes its leader for gone when one of its connections with it closes',
    edits: [
      {
        file: PROPOSER,
        find: 'if (id === undefined || hasOurProposer(peers, id) || !this.#leadership.lose(id, clock.now())) return;',
        replace: 'if (id === undefined || !this.#leadership.lose(id, clock.now())) return;',
      },
    ],
    beyond: { why: 'the leader is heard again within a heartbeat', tests: FAILOVER },
  },
  {
    id: 'unheard-by-one-connection',
    breaks: 'an acceptor takes a leader for gone when one of its connections with it closes',
    edits: [
      {
        file: 'src/evpaxos/heard-leader.ts',
        find: 'peer.peerHello?.id !== owner || hasOurProposer(peers, owner)',
        replace: 'peer.peerHello?.id !== owner',
      },
    ],
    beyond: { why: 'the leader is heard again within a heartbeat', tests: FAILOVER },
  },
  {
    id: 'lost-leader-is-news',
    breaks: 'an acceptor that has not noticed yet that the leader is gone makes others wait for it again',
    edits: [
      {
        file: 'src/evpaxos/candidacy.ts',
        find: 'return leaderHeard > lostBallot && campaign.hasQuorum()',
        replace: 'return leaderHeard > 0 && campaign.hasQuorum()',
      },
    ],
    beyond: { why: WHY_SOONER, tests: FAILOVER },
  },
  {
    id: 'stalled-disk-leads',
    breaks: 'a leader whose disk does not answer goes on leading',
    edits: [
      {
        file: PROPOSER,
        find: 'return config.acceptors.length > 2 && diskWaitingMs() > STALLED_TIMEOUTS * config.leaderTimeoutMs;',
        replace: 'return diskWaitingMs() === STALLED_TIMEOUTS * config.leaderTimeoutMs + 0.5;',
      },
    ],
    beyond: { why: 'no disk of the simulator stalls for so long', tests: FAILOVER },
  },
  {
    id: 'left-with-the-silent',
    breaks: 'values stay with a node that says nothing any more, until its connection closes',
    edits: [
      {
        file: 'src/evpaxos/values.ts',
        find: 'if (isLeft && peer.silentMs > config.leaderTimeoutMs) peer.close();',
        replace: '',
      },
    ],
    beyond: { why: 'connections to who is silent close in the end', tests: FAILOVER },
  },
  {
    id: 'replaced-goes-on',
    breaks: 'an acceptor that is told that it lost its storage goes on',
    edits: [
      { file: NODE, find: 'replaced: () => this.acceptor?.fallSilent(),', replace: 'replaced: () => {},' },
      { file: NODE, find: 'if (storages.isOwnReplaced) this.acceptor.fallSilent();', replace: '' },
    ],
    beyond: { why: 'proposers refuse it as well', tests: LOST },
  },
  {
    id: 'replaced-admitted',
    breaks: 'a proposer takes an acceptor with another storage than it had',
    edits: [
      {
        file: STORAGES,
        find: 'known === undefined || known === hello.storage)) return true;',
        replace: 'known !== 0)) return true;',
      },
    ],
    beyond: { why: 'it falls silent as well, once it is told', tests: LOST },
  },
  {
    id: 'first-word-stands',
    breaks:
      'an acceptor of whose storage two say two things is counted if it has the one that was told first',
    edits: [
      {
        file: STORAGES,
        find: 'if (known !== identity && peer.acceptorId >= 0) this.#contest(acceptorId);',
        replace: '',
      },
    ],
    beyond: { why: 'two have to lose their storages at once, and to be heard first', tests: LOST },
  },
  {
    id: 'promise-of-the-replaced',
    breaks: 'what an acceptor promised still counts when it is known to have lost its storage',
    edits: [
      { file: NODE, find: 'distrusted: () => this.proposer?.distrust(),', replace: 'distrusted: () => {},' },
    ],
    beyond: { why: WHY_KNOWN, tests: LOST },
  },
  {
    id: 'identity-not-stored',
    breaks: 'what an acceptor was told of storages is forgotten when it stops',
    edits: [
      {
        file: 'src/storage/record.ts',
        find: 'for (const [acceptorId, known] of state.known) writeKey(content, KNOWN_AT + 8 * acceptorId, known);',
        replace: '',
      },
    ],
    beyond: { why: 'the disks of the simulator are its own', tests: ['src/storage'] },
  },
  {
    id: 'one-trim-believed',
    breaks: 'a trim point that one acceptor tells is always believed',
    edits: [
      {
        file: 'src/evpaxos/trims.ts',
        find: 'trim <= highestChosen || this.#isLeftAlone(trim)',
        replace: 'trim <= highestChosen || trim > 0',
      },
    ],
    beyond: { why: 'nobody in the simulator sends nonsense', tests: ['src/evpaxos/trims.test.ts'] },
  },
];
