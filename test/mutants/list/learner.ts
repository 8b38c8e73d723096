/**
 * Mutants of the learner: what it takes for chosen, and the order in which it hands it on.
 */
import type { Mutant } from '../mutant.ts';

const CORE = 'src/paxos/learner.ts';
const CATCH_UP = 'src/evpaxos/catch-up.ts';
const PEER = 'src/evpaxos/peer.ts';
const ACCEPTOR = 'src/evpaxos/acceptor.ts';
const SERVING = 'src/evpaxos/serving.ts';
const SOURCE = 'src/evpaxos/source.ts';
const LEARNED = 'src/paxos/learned.ts';

export const LEARNER_MUTANTS: readonly Mutant[] = [
  {
    id: 'learn-quorum-one-less',
    breaks: 'a learner takes a value for chosen with one acceptance less than a quorum',
    edits: [
      {
        file: CORE,
        find: 'this.#quorum = quorumSize(acceptors);',
        replace: 'this.#quorum = Math.max(1, quorumSize(acceptors) - 1);',
      },
    ],
  },
  {
    id: 'learn-any-ballot',
    breaks: 'acceptances of one value at different ballots are counted together',
    edits: [
      {
        file: CORE,
        find: 'if (other === mine || this.#ballots[other] !== acceptedBallot) continue;',
        replace: 'if (other === mine || this.#ballots[other] === 0) continue;',
      },
    ],
  },
  {
    id: 'learn-by-promised-ballot',
    breaks: 'acceptances are counted by the ballot that was promised since, whatever their values',
    edits: [
      {
        file: PEER,
        find: 'this.#context.roles.learner?.onAccepted(this, instanceId, valueBallot, value);',
        replace: 'this.#context.roles.learner?.onAccepted(this, instanceId, _ballot, value);',
      },
      {
        file: CORE,
        find: 'if (theirs === undefined || !sameBytes(theirs, value)) continue;',
        replace: 'if (theirs === undefined) continue;',
      },
    ],
  },
  {
    id: 'learn-twice-from-one',
    breaks: 'an acceptor that accepted an instance at two ballots counts as two',
    edits: [
      {
        file: CORE,
        find: 'let count = 1;\n    let kept',
        replace: 'let count = newest > 0 ? 2 : 1;\n    let kept',
      },
    ],
  },
  {
    id: 'learn-by-ballot-alone',
    breaks: 'acceptances at one ballot are counted together, whatever their values',
    edits: [
      {
        file: CORE,
        find: 'if (theirs === undefined || !sameBytes(theirs, value)) continue;',
        replace: 'if (theirs === undefined) continue;',
      },
    ],
    beyond: {
      why: 'only an original proposer that was restarted puts two values at one ballot, and those are not restarted',
      tests: ['src/paxos', 'test/traces'],
    },
  },
  {
    id: 'chosen-at-lower-ballot',
    breaks: 'what a leader counted at its ballot makes acceptances at lower ones chosen',
    edits: [
      {
        file: CORE,
        find: 'return acceptedBallot === ballot && instanceId >= from && instanceId <= to;',
        replace: 'return acceptedBallot <= ballot && instanceId >= from && instanceId <= to;',
      },
    ],
    beyond: {
      why: 'it takes an acceptance that is older than the ballot that was counted, and arrives after that was told',
      tests: ['src/paxos'],
    },
  },
  {
    id: 'chosen-at-any-ballot',
    breaks: 'what a leader counted makes chosen whatever any acceptor accepted there',
    edits: [
      {
        file: CORE,
        find: 'if (value === undefined || this.#ballots[mine] !== ballot) continue;',
        replace: 'if (value === undefined) continue;',
      },
    ],
  },
  {
    id: 'chosen-beyond-counted',
    breaks: 'a leader tells as chosen what it has proposed, and not counted yet',
    edits: [
      {
        file: 'src/evpaxos/chosen-teller.ts',
        find: 'const to = core.low - 1;',
        replace: 'const to = core.nextToAccept - 1;',
      },
    ],
  },
  {
    id: 'chosen-not-counted',
    breaks: 'a leader tells as counted at its ballot what it merely learned, chosen at another',
    edits: [
      {
        file: 'src/paxos/window.ts',
        find: 'this.#counted[slot] = isCounted ? 1 : 0;',
        replace: 'this.#counted[slot] = 1;',
      },
    ],
  },
  {
    id: 'hole-skipped',
    breaks: 'an instance that is missing is passed over once some later ones are chosen',
    edits: [
      {
        file: CORE,
        find: 'if (value === undefined) return undefined;\n    const ballot =',
        replace:
          'if (value === undefined) {\n      if (this.#highestClosed > this.#next + 16) this.#clear(this.#next++);\n' +
          '      return undefined;\n    }\n    const ballot =',
      },
    ],
  },
  {
    id: 'delivered-twice',
    breaks: 'an instance is delivered again when its acceptances come again',
    edits: [
      {
        file: CORE,
        find: "if (instanceId < this.#next) return 'delivered already';",
        replace:
          "if (instanceId < this.#next - 1) return 'delivered already';\n    if (instanceId < this.#next) this.#next = instanceId;",
      },
    ],
  },
  {
    id: 'out-of-order',
    breaks: 'the instance after the next is delivered first, if it is chosen first',
    edits: [
      {
        file: CORE,
        find: 'const slot = this.#next & (this.#slots - 1);\n    const value = this.#chosen[slot];\n    if (value',
        replace:
          'if (this.#chosen[this.#next & (this.#slots - 1)] === undefined && this.isClosed(this.#next + 1))\n' +
          '      this.#next++;\n' +
          '    const slot = this.#next & (this.#slots - 1);\n    const value = this.#chosen[slot];\n    if (value',
      },
    ],
  },
  {
    id: 'learner-ring-too-long',
    breaks: 'the instance just beyond the ring is taken in, where the next one lies',
    edits: [
      {
        file: CORE,
        find: "if (instanceId >= this.#next + this.window) return 'beyond the window';",
        replace: "if (instanceId > this.#next + this.window) return 'beyond the window';",
      },
      {
        file: CORE,
        find: 'while (instanceId >= this.#next + this.#slots) this.#grow();',
        replace: 'while (instanceId > this.#next + this.#slots) this.#grow();',
      },
    ],
  },
  {
    id: 'holes-never-asked',
    breaks: 'what was missed is never asked for',
    edits: [
      {
        file: CATCH_UP,
        find: 'this.#wasStuck = true;\n    this.#ask(next, true);',
        replace: '',
      },
    ],
  },
  {
    id: 'learned-without-own-record',
    breaks: 'an acceptor tells as chosen whatever its record holds where its process delivered something',
    edits: [
      {
        file: ACCEPTOR,
        find: 'if (record === undefined || record.acceptedBallot < ballot || !sameBytes(record.value, value)) return;',
        replace: '',
      },
      {
        file: SERVING,
        find: 'const isTold = acceptedBallot >= span.ballot;',
        replace: 'const isTold = true;',
      },
    ],
  },
  {
    id: 'tells-beyond-what-is-learned',
    breaks: 'an acceptor asked for a stretch tells all that it has accepted there, chosen or not',
    edits: [
      {
        file: SERVING,
        find: 'const last = Math.min(span.to, wanted.to);',
        replace: 'const last = wanted.to;',
      },
    ],
  },
  {
    id: 'learned-not-cut-at-a-hole',
    breaks: 'a stretch that was learned goes on over instances that were not',
    edits: [
      {
        file: LEARNED,
        find: 'if (first === this.#to + 1 && ballot === this.#ballot) {',
        replace: 'if (ballot === this.#ballot) {',
      },
    ],
    beyond: {
      why: 'what an acceptor of a process that learns accepted at the ballot of a choice was chosen, nearly always',
      tests: ['src/paxos/learned.test.ts'],
    },
  },
  {
    id: 'told-by-anybody',
    breaks: 'what is told to be chosen is taken from whoever tells it, for whichever acceptor',
    edits: [
      {
        file: PEER,
        find: 'if (!this.#isOurVoteOf(acceptorId)) return;\n    this.#context.roles.learner?.onChosenValue',
        replace: 'this.#context.roles.learner?.onChosenValue',
      },
    ],
    beyond: { why: 'nobody in the simulator speaks for others', tests: ['test/hostile/catch-up.test.ts'] },
  },
  {
    id: 'silent-source-kept',
    breaks: 'a learner waits for ever for the acceptor that it asked',
    edits: [
      {
        file: SOURCE,
        find: 'if (now - this.#heardAt >= this.#patienceMs) {',
        replace: 'if (now < 0) {',
      },
    ],
  },
  {
    id: 'silent-source-asked-again',
    breaks: 'a learner asks an acceptor that says nothing on and on, and never all of them',
    edits: [{ file: SOURCE, find: 'this.#silent.add(peer);', replace: '' }],
    beyond: {
      why: 'in a thousand seeds no acceptor that had something to tell was silent while all the others had nothing',
      tests: ['test/hostile/catch-up.test.ts'],
    },
  },
  {
    id: 'lack-expires',
    breaks: 'a learner far from all acceptors forgets what the first lacks before the last has answered',
    edits: [
      {
        file: SOURCE,
        find: 'return instanceId === lack.from || now - lack.at < LACK_STANDS_MS;',
        replace: 'return now - lack.at < LACK_STANDS_MS;',
      },
    ],
    beyond: { why: 'no link in the simulator is slow for so long', tests: ['test/hostile/catch-up.test.ts'] },
  },
  {
    id: 'votes-of-anybody',
    breaks: 'a vote is counted for the acceptor that it names, whoever sends it',
    edits: [
      {
        file: PEER,
        find: 'if (acceptorId !== this.acceptorId) return false;',
        replace: 'Object.assign(this, { acceptorId });',
      },
    ],
    beyond: {
      why: 'nobody in the simulator votes for others',
      tests: ['test/hostile/poison.test.ts'],
    },
  },
];
