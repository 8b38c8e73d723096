/**
 * Mutants of the proposer on the network: who leads, what is asked, and how old instances are run again.
 */
import type { Mutant } from '../mutant.ts';

const ROLE = 'src/evpaxos/proposer.ts';
const ASKING = 'src/evpaxos/asking.ts';
const LEADERSHIP = 'src/evpaxos/leadership.ts';
const REPAIRS = 'src/evpaxos/repairs.ts';
const PHASE_TWO = 'src/evpaxos/phase-two.ts';

export const LEADING_MUTANTS: readonly Mutant[] = [
  {
    id: 'stands-once',
    breaks: 'a proposer whose leadership came to nothing never stands again',
    edits: [
      {
        file: LEADERSHIP,
        find: 'this.#askAt = now + leaderTimeoutMs * (0.2 + 0.8 * random.next());',
        replace: 'this.#askAt = leaderTimeoutMs * random.next() + Number.POSITIVE_INFINITY;',
      },
    ],
  },
  {
    id: 'unprobed-original',
    breaks: 'an original is asked at our ballot before it was asked what it had promised',
    edits: [
      {
        file: ASKING,
        find: 'const isProbed = core.ballot !== 0 && core.isProbed(peer.acceptorId, i);',
        replace: 'const isProbed = core.ballot !== 0;',
      },
    ],
  },
  {
    id: 'no-prepare-timeout',
    breaks: 'a PREPARE to an original that was lost is never sent again',
    edits: [
      {
        file: ASKING,
        find: 'for (const instanceId of prepares) this.prepareAtOriginals(instanceId, instanceId + 1);',
        replace: '',
      },
    ],
  },
  {
    id: 'range-asked-once',
    breaks: 'a ranged prepare that was lost is never asked again',
    edits: [
      {
        file: ASKING,
        find: 'if (now - (this.#rangeAskedAt[peer.acceptorId] ?? 0) < ASK_AGAIN_MS) return;',
        replace: 'if ((this.#rangeAskedAt[peer.acceptorId] ?? 0) > 0) return;',
      },
    ],
  },
  {
    id: 'campaign-asks-once',
    breaks: 'a proposer whose questions were lost asks no more',
    edits: [
      {
        file: 'src/evpaxos/candidacy.ts',
        find: 'if (campaign.isTimeToAsk(now, lostBallot > 0)) asking.queryAll(campaign.token);',
        replace: '',
      },
    ],
  },
  {
    id: 'repair-at-open-instance',
    breaks: 'an instance that is open is run a second time, beside itself, at the same ballot',
    edits: [
      {
        file: ROLE,
        find: 'if (instanceId < this.core.low && this.#phaseTwo.repair',
        replace: 'if (instanceId < this.core.next && this.#phaseTwo.repair',
      },
      {
        file: PHASE_TWO,
        find: 'const end = takesOriginals ? this.#begunAt : core.low;',
        replace: 'const end = core.next;',
      },
      { file: PHASE_TWO, find: 'if (told.instanceId >= core.low) return undefined;', replace: '' },
    ],
  },
  {
    id: 'repair-takes-another-value',
    breaks: 'an instance that is run again, and asked about twice, gets a second value at the same ballot',
    edits: [{ file: REPAIRS, find: 'if (repair.accept !== undefined) return repair.accept;', replace: '' }],
    beyond: {
      why: 'it takes an old hole, the loss of what was proposed there at every acceptor, and another request after a second',
      tests: ['src/paxos', 'src/evpaxos', 'test/core', 'test/traces'],
    },
  },
  {
    id: 'repair-first-reported',
    breaks: 'an old instance is run again with the value that was told first, not that of the highest ballot',
    edits: [
      {
        file: REPAIRS,
        find: 'if (valueBallot > repair.reportedBallot) {',
        replace: 'if (valueBallot > 0 && repair.reported === undefined) {',
      },
    ],
    beyond: {
      why: 'in 2,000 seeds no instance that was run again had two values, told in this order',
      tests: ['src/evpaxos'],
    },
  },
  {
    id: 'repair-with-own-value',
    breaks: 'an old instance is run again with a waiting value, whatever was told of it',
    edits: [
      {
        file: REPAIRS,
        find: 'if (repair.reported === undefined && !fills) repair.own = this.#options.takeWaiting();\n    const proposed = fills ? NO_OP : (repair.reported ?? repair.own?.value);',
        replace:
          'repair.own = this.#options.takeWaiting();\n    const proposed = repair.own?.value ?? (fills ? NO_OP : repair.reported);',
      },
    ],
  },
  {
    id: 'repair-forgets-proposed',
    breaks:
      'what was proposed when an instance was run again is forgotten after a second, at the same ballot',
    edits: [
      {
        file: REPAIRS,
        find: 'if (repair.accept === undefined && now - repair.startedAt > TIMEOUT_MS)',
        replace: 'if (now - repair.startedAt > TIMEOUT_MS)',
      },
    ],
    beyond: {
      why: 'it takes an old hole, the loss of what was proposed there at every acceptor, and another request after a second',
      tests: ['src/paxos', 'src/evpaxos', 'test/core', 'test/traces'],
    },
  },
  {
    id: 'repair-asks-ours-alone',
    breaks: 'an old instance is not run again where acceptors of ours are no quorum: originals are not asked',
    edits: [{ file: PHASE_TWO, find: 'if (takesOriginals) asking.probeOriginals(i);', replace: '' }],
  },
  {
    id: 'repair-at-used-ballot',
    breaks: 'an old instance is run again at a ballot that originals may have promised to a former process',
    edits: [
      {
        file: REPAIRS,
        find: 'return promised.reached() && countAcceptors(probed.mask | this.#options.probed()) >= promised.size;',
        replace: 'return promised.reached();',
      },
    ],
    beyond: {
      why: 'it takes a former process of the same id whose last PREPARE reached most originals, and that instance again',
      tests: ['src/evpaxos'],
    },
  },
  {
    id: 'fights-originals',
    breaks: 'a leader that an original outvotes again and again takes a higher ballot every time',
    edits: [
      {
        file: ROLE,
        find: 'winner !== this.core.id && this.#raises.isContested(now)',
        replace: 'this.#raises.isContested(Number.POSITIVE_INFINITY)',
      },
    ],
    beyond: {
      why: 'nothing goes wrong but that the clients of an original are served late, or not while ours are',
      tests: ['src/paxos', 'src/evpaxos', 'test/mixed'],
    },
  },
  {
    id: 'no-repairs',
    breaks: 'an instance that learners cannot learn is not run again',
    edits: [
      {
        file: 'src/evpaxos/acceptor.ts',
        find: 'if (from > this.#acceptor.trimInstanceId && this.#stuck.note(peer, from)) this.#askForRepair(from);',
        replace: '',
      },
    ],
  },
];
