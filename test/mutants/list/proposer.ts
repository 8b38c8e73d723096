/**
 * Mutants of the proposer's core: ballots, promises, what it proposes, and when it takes it for chosen.
 */
import type { Mutant } from '../mutant.ts';

const CORE = 'src/paxos/proposer.ts';
const BALLOT = 'src/paxos/ballot.ts';
const OWN = 'src/paxos/own.ts';
const PROMISES = 'src/paxos/promises.ts';
const QUORUM = 'src/paxos/quorum.ts';
const RANGED = 'src/paxos/ranged.ts';
const WINDOW = 'src/paxos/window.ts';
const ROLE = 'src/evpaxos/proposer.ts';

export const PROPOSER_MUTANTS: readonly Mutant[] = [
  {
    id: 'quorum-one-less',
    breaks: 'a quorum is one acceptor less, for everybody',
    edits: [
      {
        file: QUORUM,
        find: 'return Math.floor(acceptors / 2) + 1;',
        replace: 'return Math.max(1, Math.floor(acceptors / 2));',
      },
    ],
  },
  {
    id: 'quorum-half',
    breaks: 'half of an even number of acceptors is a quorum',
    edits: [
      {
        file: QUORUM,
        find: 'return Math.floor(acceptors / 2) + 1;',
        replace: 'return Math.ceil(acceptors / 2);',
      },
    ],
  },
  {
    id: 'promise-quorum-one-less',
    breaks: 'a value is proposed with one promise less than a quorum',
    edits: [
      {
        file: PROMISES,
        find: 'this.#quorum = quorumSize(acceptors);',
        replace: 'this.#quorum = Math.max(1, quorumSize(acceptors) - 1);',
      },
    ],
  },
  {
    id: 'accept-quorum-one-less',
    breaks: 'a proposer takes a value for chosen with one acceptance less than a quorum',
    edits: [
      {
        file: CORE,
        find: 'this.#quorum = quorumSize(acceptors);',
        replace: 'this.#quorum = Math.max(1, quorumSize(acceptors) - 1);',
      },
    ],
  },
  {
    id: 'no-phase-1',
    breaks: 'an ACCEPT goes out before anybody has promised its ballot',
    edits: [
      {
        file: CORE,
        find: 'if (!w.isPromised(instanceId)) return undefined;\n    const slot = w.slot(instanceId);\n    let value = w.foreign',
        replace:
          'if (!w.has(instanceId)) return undefined;\n    const slot = w.slot(instanceId);\n    let value = w.foreign',
      },
    ],
  },
  {
    id: 'first-reported-wins',
    breaks: 'of the values that promises carried the first is proposed, not that of the highest ballot',
    edits: [
      {
        file: WINDOW,
        find: 'if (ballot <= (this.reportedBallot[slot] ?? 0)) return false;',
        replace: 'if (ballot === 0 || (this.reportedBallot[slot] ?? 0) > 0) return false;',
      },
    ],
  },
  {
    id: 'last-reported-wins',
    breaks: 'of the values that promises carried the last is proposed, not that of the highest ballot',
    edits: [
      {
        file: WINDOW,
        find: 'if (ballot <= (this.reportedBallot[slot] ?? 0)) return false;',
        replace: 'if (ballot === 0) return false;',
      },
    ],
  },
  {
    id: 'own-value-first',
    breaks: 'a value of our own is proposed where a promise carried another',
    edits: [
      {
        file: CORE,
        find: 'let value = w.foreign(slot) ?? w.own.assign(slot, this.#ballot)?.value;',
        replace: 'let value = w.own.assign(slot, this.#ballot)?.value ?? w.foreign(slot);',
      },
    ],
  },
  {
    id: 'empty-is-none',
    breaks: 'a reported value of length 0 is read as none: the third fault of the original',
    edits: [
      {
        file: WINDOW,
        find: 'if (value === undefined || this.#own.isOwn(',
        replace: 'if (value === undefined || value.length === 0 || this.#own.isOwn(',
      },
    ],
    beyond: {
      why: 'a no-op that one leader sent, and the next is told of, is rare; its place may be taken by a value then',
      tests: ['src/paxos', 'test/traces'],
    },
  },
  {
    id: 'retransmits-another',
    breaks:
      'an ACCEPT that is sent again carries the value of our own, not the one that was reported and proposed',
    edits: [
      {
        file: WINDOW,
        find: 'return this.foreign(slot) ?? this.#own.at(slot)?.value;',
        replace: 'return this.#own.at(slot)?.value ?? this.foreign(slot);',
      },
    ],
    beyond: {
      why: 'it takes a reported value where one of ours was, and the loss of its ACCEPT, before a learner hears of it',
      tests: ['src/paxos', 'src/evpaxos', 'test/core', 'test/traces'],
    },
  },
  {
    id: 'votes-of-old-ballot',
    breaks: 'acceptances at the ballot before are counted for the present one',
    edits: [
      {
        file: WINDOW,
        find: '    this.accepted[slot] = 0;\n    this.reportedBallot[slot] = 0;',
        replace: '    this.reportedBallot[slot] = 0;',
      },
      { file: CORE, find: '    w.accepted[slot] = 0;\n', replace: '' },
      {
        file: WINDOW,
        find: '    this.#own.open(slot);\n',
        replace: '    this.#own.open(slot);\n    this.accepted[slot] = 0;\n',
      },
    ],
  },
  {
    id: 'accepted-twice',
    breaks: 'an acceptance that comes twice is counted twice',
    edits: [
      {
        file: CORE,
        find: 'const accepted = (w.accepted[slot] ?? 0) | (1 << acceptorId);',
        replace: 'const accepted = ((w.accepted[slot] ?? 0) << 1) | 1;',
      },
    ],
  },
  {
    id: 'accepted-at-any-ballot',
    breaks: 'acceptances at lower ballots are counted for ours',
    edits: [
      {
        file: CORE,
        find: 'acceptedBallot !== this.#ballot || !w.has(instanceId))',
        replace: 'acceptedBallot > this.#ballot || !w.has(instanceId))',
      },
    ],
  },
  {
    id: 'promised-at-old-ballot',
    breaks: 'what originals promised at the ballot before counts for the present one',
    edits: [
      { file: PROMISES, find: '    this.#promised.fill(0);\n    this.#told', replace: '    this.#told' },
    ],
  },
  {
    id: 'range-at-old-ballot',
    breaks: 'a stretch that was promised at the ballot before counts as promised for the present one',
    edits: [{ file: RANGED, find: '    this.#from.fill(0);\n    this.#to.fill(0);\n', replace: '' }],
  },
  {
    id: 'range-answer-at-old-ballot',
    breaks: 'an answer to a ranged prepare of the ballot before is taken for one of the present ballot',
    edits: [
      {
        file: CORE,
        find: '!this.hear(acceptorId, promisedBallot) || ballot !== this.#ballot || ballot === 0',
        replace: '!this.hear(acceptorId, promisedBallot) || this.#ballot === 0',
      },
      {
        file: CORE,
        find: 'if (acceptorId >= this.acceptors || ballot !== this.#ballot || ballot === 0) return;',
        replace: 'if (acceptorId >= this.acceptors || this.#ballot === 0) return;',
      },
    ],
    beyond: {
      why: 'the answer has to come while its acceptor is about to promise another, in between; on one connection the new question overtakes nobody',
      tests: ['src/paxos', 'src/evpaxos', 'test/core', 'test/traces'],
    },
  },
  {
    id: 'range-cut-counted',
    breaks: 'a ranged promise counts although pieces of it are missing',
    edits: [{ file: RANGED, find: 'if (pieces !== count || to < from) return false;', replace: '' }],
  },
  {
    id: 'range-pieces-counted',
    breaks: 'a piece of a ranged promise that came twice stands for one that is missing',
    edits: [
      {
        file: RANGED,
        find: 'this.#pieces[acceptorId]?.add(instanceId);',
        replace:
          'const pieces = this.#pieces[acceptorId];\n' +
          '    pieces?.add(pieces.has(instanceId) ? -pieces.size : instanceId);',
      },
      {
        file: RANGED,
        find: 'if (instanceId >= from && instanceId <= to) pieces++;',
        replace: 'if (instanceId <= to) pieces++;',
      },
    ],
    beyond: {
      why: 'it takes an answer in which as many pieces are lost as come twice, and one of those lost tells alone of a chosen value: one seed in many thousands (once, 100978)',
      tests: ['src/paxos', 'src/evpaxos', 'test/core', 'test/traces'],
    },
  },
  {
    id: 'round-0-proposes',
    breaks: 'a ballot of round 0, which is for probing, is used in an ACCEPT',
    edits: [
      { file: BALLOT, find: 'const round = Math.max(1, Math', replace: 'const round = Math.max(0, Math' },
    ],
  },
  {
    id: 'ballot-reused',
    breaks: 'a proposer starts at its first ballot every time: the second fault of the original',
    edits: [
      {
        file: ROLE,
        find: 'const ballot = ballotAbove(this.core.highestSeen, this.core.id);',
        replace:
          'const ballot = ballotAbove(this.#usedBallot === 0 ? 0 : this.core.highestSeen, this.core.id);',
      },
      {
        file: CORE,
        find: "    invariant(ballot > this.highestSeen && ballot <= MAX_BALLOT, 'a ballot is above everything heard of');\n",
        replace: '',
      },
      { file: PROMISES, find: "if (!isProbed) return 'preempted';", replace: '' },
      {
        file: PROMISES,
        find: "return highestBallot > this.#ballot || !isProbed ? 'preempted' : 'ignored';",
        replace: "return highestBallot > this.#ballot && !isProbed ? 'preempted' : 'ignored';",
      },
      {
        file: PROMISES,
        find: 'return countAcceptors(promised) >= this.#quorum && this.isProbedByQuorum(slot);',
        replace: 'return countAcceptors(promised) >= this.#quorum;',
      },
    ],
  },
  {
    id: 'session-not-forgotten',
    breaks:
      'what an acceptor told on a connection that is lost still counts, though another process may have our id now',
    edits: [
      {
        file: PROMISES,
        find:
          'this.#toldNow[acceptorId] = Number.POSITIVE_INFINITY;\n' +
          '    if (!this.#ranged.hasPromised(acceptorId)) this.#told[acceptorId] = Number.POSITIVE_INFINITY;',
        replace: '',
      },
    ],
    beyond: {
      why: 'it takes two living processes with one proposer id, which the simulator never starts',
      tests: ['src/paxos'],
    },
  },
  {
    id: 'own-value-lost',
    breaks: 'a value that lost its instance does not wait again',
    edits: [
      {
        file: OWN,
        find: 'if (submission !== undefined) this.#waiting.putBack(submission, this.#orders[slot] ?? 0);',
        replace: '',
      },
    ],
  },
  {
    id: 'own-value-not-settled',
    breaks: 'a value that was chosen waits again, and is proposed again',
    edits: [
      {
        file: CORE,
        find: 'const chosen = isOwn ? own.settle(slot) : undefined;',
        replace: 'const chosen = isOwn ? own.at(slot) : undefined;',
      },
    ],
  },
  {
    id: 'foreign-settles-own',
    breaks: 'our value is told to be chosen when a reported one was chosen in its instance',
    edits: [
      {
        file: CORE,
        find: 'return this.#finish(instanceId, w.foreign(slot) === undefined, true);',
        replace: 'return this.#finish(instanceId, true, true);',
      },
    ],
  },
  {
    id: 'delivered-settles-own',
    breaks: 'our value is told to be chosen when another was delivered in its instance',
    edits: [
      {
        file: CORE,
        find: 'return this.#finish(instanceId, w.own.isOwn(w.slot(instanceId), acceptedBallot, value), false);',
        replace: 'return this.#finish(instanceId, acceptedBallot > 0 && value !== undefined, false);',
      },
    ],
  },
  {
    id: 'trimmed-value-lost',
    breaks: 'values in instances that were passed over are dropped',
    edits: [
      {
        file: WINDOW,
        find: '      this.#own.giveBack(this.slot(i));\n',
        replace: '      this.#own.settle(this.slot(i));\n',
      },
    ],
  },
  {
    id: 'no-accept-timeout',
    breaks: 'an ACCEPT that was lost is never sent again',
    edits: [
      {
        file: 'src/evpaxos/asking.ts',
        find: 'for (const accept of accepts) this.#acceptApart(accept, true);',
        replace: '',
      },
    ],
  },
];
