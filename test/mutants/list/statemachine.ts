/**
 * State machines: commands exactly once, snapshots, reads without the log, and leases.
 */
import type { Mutant } from '../mutant.ts';

const HOST = 'src/statemachine/machine-host.ts';
const SESSIONS = 'src/statemachine/sessions.ts';
const SNAPSHOTS = 'src/statemachine/snapshots.ts';
const OUTGOING = 'src/statemachine/outgoing.ts';
const READ_INDEX = 'src/evpaxos/read-index.ts';
const CONFIRMATIONS = 'src/evpaxos/confirmations.ts';
const LEASE = 'src/evpaxos/lease.ts';
const CLIENT_READS = 'src/statemachine/client-reads.ts';
const RESULTS = 'src/statemachine/session-results.ts';
const REPLICA_READS = 'src/statemachine/replica-reads.ts';
const ACCEPTOR_ROLE = 'src/evpaxos/acceptor.ts';

const LIST: readonly Mutant[] = [
  {
    id: 'applied-twice',
    breaks: 'a command that was applied, and comes again, is applied again',
    edits: [
      {
        file: HOST,
        find: 'through = known;\n        this.#skip(items, through - sequence + 1);',
        replace:
          'through = known;\n        for (let i = sequence; i <= through; i++) this.#applyOne(items.command(), new ByteWriter());',
      },
    ],
  },
  {
    id: 'acknowledged-applied',
    breaks: 'a command whose result has arrived, and which comes again, is applied again',
    edits: [
      {
        file: HOST,
        find: 'if (sequence <= through) {\n        this.#skip(items, through - sequence + 1);',
        replace:
          'if (sequence <= through) {\n        for (let i = sequence; i <= through; i++) this.#applyOne(items.command(), new ByteWriter());',
      },
    ],
  },
  {
    id: 'result-forgotten',
    breaks: 'one result more is forgotten than has arrived, and its command applied again if it comes again',
    edits: [
      {
        file: SESSIONS,
        find: 'this.results.acknowledge(upTo);',
        replace: 'this.results.acknowledge(upTo + 1);',
      },
    ],
  },
  {
    id: 'expiry-by-local-clock',
    breaks: 'sessions age by the clock of the replica, not by the time in the log',
    edits: [
      {
        file: SESSIONS,
        find: 'this.#agesMs += Math.min(timeMs - this.#clockMs, MAX_AGE_STEP_MS);',
        replace: 'this.#agesMs = Math.floor(performance.now());',
      },
    ],
  },
  {
    id: 'expired-given-again',
    breaks: 'a command that an expired session may have applied is given to the next one',
    edits: [
      {
        file: OUTGOING,
        find: '(run?.isResent ? failed : again).push(command);',
        replace: 'again.push(command);',
      },
    ],
  },
  {
    id: 'trim-past-quorum',
    breaks: 'acceptors forget what one replica has in a snapshot, whatever the others have',
    edits: [
      {
        file: SNAPSHOTS,
        find: 'kthHighest(this.#known, quorumSize(this.#known.length))',
        replace: 'kthHighest(this.#known, Math.min(1, quorumSize(this.#known.length)))',
      },
    ],
  },
  {
    id: 'snapshot-without-sessions',
    breaks: 'a restored snapshot brings the state of the machine, and no sessions',
    edits: [{ file: HOST, find: '      this.#sessions = sessions;\n', replace: '      void sessions;\n' }],
  },
  {
    id: 'snapshot-without-results',
    breaks: 'a snapshot has the sessions, and not what became of their commands',
    edits: [
      {
        file: RESULTS,
        find: 'const runs = this.#runs();',
        replace: 'const runs = this.#runs().slice(0, 0);',
      },
    ],
  },
  {
    id: 'stale-read',
    breaks: 'every read is answered at once, from whatever is applied here',
    edits: [
      {
        file: REPLICA_READS,
        find: 'else if (consistency === Consistency.local) done(',
        replace: 'else if (consistency !== Consistency.local || consistency >= 0) done(',
      },
    ],
  },
  {
    id: 'relay-answers-itself',
    breaks: 'a replica that is asked how far to read, and does not lead, tells how far it is itself',
    edits: [
      {
        file: READ_INDEX,
        find: 'else this.#askFor(peer, answer);',
        replace:
          'else if (answer !== undefined) answer(this.#options.delivered() + 1);\n    else this.#askFor(peer, answer);',
      },
    ],
  },
  {
    id: 'read-unconfirmed',
    breaks: 'a leader answers reads without asking whether it still leads',
    edits: [
      {
        file: CONFIRMATIONS,
        find: 'if (leftMs > 0) answer(',
        replace: 'if (leftMs > 0 || this.#knowsAll) answer(',
      },
    ],
  },
  {
    id: 'read-joins-round',
    breaks: 'a read is answered by a round that began before it was asked',
    edits: [
      {
        file: CONFIRMATIONS,
        find: 'for (const answer of round.answers) answer(round.next);',
        replace: 'for (const answer of [...round.answers, ...this.#waiting.splice(0)]) answer(round.next);',
      },
    ],
    beyond: {
      why: 'a round is begun anew after 100 ms, and who asks hears of what was chosen in it before its answer, in order',
      tests: ['src/evpaxos/confirmations.test.ts'],
    },
  },
  {
    id: 'read-index-too-low',
    breaks: 'a read need not wait for the last instance that was proposed',
    edits: [
      { file: CONFIRMATIONS, find: 'next: core.newValuesFrom,', replace: 'next: core.newValuesFrom - 1,' },
    ],
  },
  {
    id: 'read-before-applied',
    breaks: 'a read is answered as soon as it is known how far one has to have applied',
    edits: [
      {
        file: READ_INDEX,
        find: 'filter(({ next }) => next <= delivered + 1)',
        replace: 'filter(({ next }) => next < Number.POSITIVE_INFINITY)',
      },
      {
        file: READ_INDEX,
        find: 'filter(({ next }) => next > delivered + 1)',
        replace: 'filter(({ next }) => next === Number.POSITIVE_INFINITY)',
      },
    ],
  },
  {
    id: 'confirmed-after-promise',
    breaks: 'an acceptor confirms a leader although it has promised a higher ballot',
    edits: [
      {
        file: ACCEPTOR_ROLE,
        find: 'if (this.#acceptor.highestBallot > ballot) return;\n      if (leaseMs > 0 &&',
        replace: 'if (leaseMs > 0 &&',
      },
    ],
    beyond: {
      why: 'whoever promises another leader passes its word on first, on the same way; it takes the loss of just that',
      tests: ['src/evpaxos/lease.test.ts'],
    },
  },
  {
    id: 'lease-from-receipt',
    breaks: 'a leader counts its lease from when it was confirmed, not from when it asked',
    edits: [
      {
        file: CONFIRMATIONS,
        find: 'if (round.leaseMs > 0) this.#leased = round;',
        replace:
          'const { clock } = this.#options;\n    if (round.leaseMs > 0) this.#leased = { ...round, sentAt: clock.now(), sentAtWall: clock.wallMicros() / 1000 };',
      },
    ],
    beyond: {
      why: 'it wins the time of one answer, which is asked for again after 100 ms; 600 isolated leaders did not show it',
      tests: ['src/evpaxos/confirmations.test.ts'],
    },
  },
  {
    id: 'lease-without-drift',
    breaks: 'a leader takes its lease for as long as acceptors do, whatever the clocks',
    edits: [
      {
        file: CONFIRMATIONS,
        find: '(leased.leaseMs * (1 - MAX_CLOCK_DRIFT)) / (1 + MAX_CLOCK_DRIFT)',
        replace: '(leased.leaseMs * (1 + MAX_CLOCK_DRIFT)) / (1 + MAX_CLOCK_DRIFT)',
      },
    ],
  },
  {
    id: 'lease-not-kept',
    breaks: 'an acceptor promises another ballot while a lease stands',
    edits: [
      {
        file: LEASE,
        find: 'return this.#quietUntil > 0 || (this.#until > 0 && !this.#isHolder(peer));',
        replace: 'return this.#quietUntil > 0 && !this.#isHolder(peer);',
      },
    ],
  },
  {
    id: 'lease-of-an-id',
    breaks: 'a lease holds for whichever process has the id of the one that it was given to',
    edits: [
      {
        file: LEASE,
        find: 'return peer.peerHello?.process === this.#process && peer.peerHello.id === this.#id;',
        replace: 'return this.#process >= 0 && peer.peerHello?.id === this.#id;',
      },
    ],
    beyond: {
      why: 'the simulator starts no second process of an id while the first one stands still',
      tests: ['src/evpaxos/lease.test.ts'],
    },
  },
  {
    id: 'lease-forgotten',
    breaks: 'an acceptor that was started again promises at once, whatever lease it gave before',
    edits: [{ file: LEASE, find: 'longestMs > 0 ? clock.now() + longestMs : 0;', replace: 'longestMs * 0;' }],
  },
  {
    id: 'session-short',
    breaks: 'a session expires after a sixtieth of its time',
    edits: [
      {
        file: SESSIONS,
        find: 'const expiryMs = session.touchedAtMs + session.timeoutMs;',
        replace: 'const expiryMs = session.touchedAtMs + session.timeoutMs / 60;',
      },
      {
        file: SESSIONS,
        find: 'session.touchedAtMs + session.timeoutMs);',
        replace: 'session.touchedAtMs + session.timeoutMs / 60);',
      },
    ],
  },
  {
    id: 'read-aborted-unasked',
    breaks: 'now and then a client is told that it gave up a read which it waits for',
    edits: [
      {
        file: CLIENT_READS,
        find: 'if (signal?.aborted === true) return',
        replace: 'if (this.#nextToken % 3 === 0 && this.#nextToken++ > 0) return',
      },
    ],
  },
];

export const STATE_MACHINE_MUTANTS: readonly Mutant[] = LIST.map((mutant) => ({
  ...mutant,
  isOfCommands: true,
}));
