/**
 * Mutants of the acceptor: what it promises and accepts, and what it tells of it, and when.
 */
import type { Mutant } from '../mutant.ts';

const CORE = 'src/paxos/acceptor.ts';
const RANGED = 'src/evpaxos/ranged-promise.ts';
const ROLE = 'src/evpaxos/acceptor.ts';
const ACCEPTANCES = 'src/evpaxos/acceptances.ts';
const OUTBOX = 'src/evpaxos/outbox.ts';

export const ACCEPTOR_MUTANTS: readonly Mutant[] = [
  {
    id: 'promise-not-stored',
    breaks: 'a promise for one instance is told, and not stored',
    edits: [
      {
        file: CORE,
        find: '    this.#storage.put(instanceId, ballot, acceptedBallot, value);\n',
        replace: '',
      },
    ],
  },
  {
    id: 'floor-not-stored',
    breaks: 'a promise for all instances is told, and the floor not raised',
    edits: [
      {
        file: CORE,
        find: 'if (ballot > this.#storage.promiseFloor) this.#storage.setPromiseFloor(ballot);',
        replace: '',
      },
    ],
  },
  {
    id: 'accept-ignores-floor',
    breaks: 'an ACCEPT is held against the promise of its own record alone, not against the floor',
    edits: [
      {
        file: CORE,
        find: 'const promised = Math.max(own, this.#storage.promiseFloor);',
        replace: 'const promised = own;',
      },
    ],
  },
  {
    id: 'accept-just-below',
    breaks: 'an ACCEPT is taken that is less than a round below what was promised',
    edits: [
      { file: CORE, find: 'if (ballot < promised) return', replace: 'if (ballot < promised - 9) return' },
    ],
  },
  {
    id: 'accept-forgets-promise',
    breaks: 'a refused ACCEPT is told as accepted',
    edits: [
      {
        file: CORE,
        find: 'if (ballot < promised) return this.#preempt(promised);',
        replace: "if (ballot < promised) return 'accepted';",
      },
    ],
  },
  {
    id: 'prepare-ignores-floor',
    breaks: 'a promise for one instance is given below the floor',
    edits: [
      {
        file: CORE,
        find: 'const promised = Math.max(record?.promisedBallot ?? 0, this.#storage.promiseFloor);',
        replace: 'const promised = record?.promisedBallot ?? 0;',
      },
    ],
    beyond: {
      why: 'it is no danger: what is promised below the floor is not accepted there, only asked for in vain',
      tests: ['src/paxos', 'test/traces'],
    },
  },
  {
    id: 'promise-without-value',
    breaks: 'a promise for an instance that is promised already does not tell the value that was accepted',
    edits: [
      {
        file: CORE,
        find: 'return { promisedBallot: promised, acceptedBallot, value: record?.value ?? NO_VALUE };',
        replace: 'return { promisedBallot: promised, acceptedBallot: 0, value: NO_VALUE };',
      },
    ],
  },
  {
    id: 'second-value-taken',
    breaks: 'a second value at the ballot that was accepted is told as accepted',
    edits: [
      {
        file: CORE,
        find: "return sameBytes(record.value, value) ? 'accepted' : this.#preempt(ballot + 1);",
        replace: "return 'accepted';",
      },
    ],
    beyond: {
      why: 'only an original proposer that was restarted puts two values at one ballot, and those are not restarted',
      tests: ['src/paxos', 'test/traces'],
    },
  },
  {
    id: 'trimmed-accepted',
    breaks: 'an ACCEPT for the last trimmed instance is taken',
    edits: [
      {
        file: CORE,
        find: "if (instanceId <= this.#storage.trimInstanceId) return 'trimmed';\n    if (ballot <= 0",
        replace: "if (instanceId < this.#storage.trimInstanceId) return 'trimmed';\n    if (ballot <= 0",
      },
    ],
  },
  {
    id: 'trim-above-highest',
    breaks: 'a TRIM above everything that was accepted is carried out',
    edits: [
      {
        file: CORE,
        find: "if (instanceId > this.#storage.highestAccepted) return 'refused';",
        replace: '',
      },
      {
        file: ROLE,
        find: "instanceId > highest ? 'refused' : this.#acceptor.receiveTrim(instanceId)",
        replace: 'this.#acceptor.receiveTrim(instanceId)',
      },
    ],
  },
  {
    id: 'range-without-first',
    breaks: 'a ranged promise leaves out the value of its first instance',
    edits: [
      {
        file: RANGED,
        find: 'acceptor.accepted(first, to)) {',
        replace: 'acceptor.accepted(first + 1, to)) {',
      },
    ],
  },
  {
    id: 'range-covers-too-much',
    breaks: 'a ranged promise counts for all instances, although it was asked for, and tells, only some',
    edits: [
      {
        file: RANGED,
        find: 'let covered = to < acceptor.highestAccepted ? to : Number.MAX_SAFE_INTEGER;',
        replace: 'let covered = Number.MAX_SAFE_INTEGER;',
      },
    ],
  },
  {
    id: 'repeat-promised-ballot',
    breaks:
      'the answer to REPEAT carries the ballot that was promised since: the first fault of the original',
    edits: [
      {
        file: ROLE,
        find: 'for (const { instanceId, acceptedBallot, value } of this.#acceptor.accepted(from, last)) {',
        replace:
          'for (const { instanceId, promisedBallot, value } of this.#acceptor.accepted(from, last)) {\n' +
          'const acceptedBallot = Math.max(promisedBallot, this.#options.storage.promiseFloor);',
      },
    ],
  },
  {
    id: 'reply-before-sync',
    breaks: 'answers leave when the commit that holds what they reveal begins, not when it is done',
    edits: [
      {
        file: OUTBOX,
        find: '    this.#committingSince = this.#clock.now();\n',
        replace: '    this.#committingSince = this.#clock.now();\n    release([], batch.splice(0));\n',
      },
    ],
  },
  {
    id: 'outbox-a-turn-early',
    breaks: 'what was answered while a commit was under way leaves with it, not with the next one',
    edits: [
      {
        file: OUTBOX,
        find: '        this.#committing = false;\n        release(calls, batch);',
        replace:
          '        this.#committing = false;\n        release(calls, batch);\n' +
          '        const isInHurry = true;\n' +
          '        release([], this.#holding.map((peer) => ({ peer, isInHurry, bytes: peer.held.take() })));\n' +
          '        this.#holding = [];',
      },
    ],
  },
  {
    id: 'unsynced-at-once',
    breaks: 'an acceptor whose disk is not synced answers before it has written',
    edits: [
      {
        file: OUTBOX,
        find: "this.#immediate = storage.durability === 'memory';",
        replace: "this.#immediate = storage.durability !== 'synced';",
      },
    ],
  },
  {
    id: 'own-vote-at-once',
    breaks: 'a replica hears its own vote before it is on disk',
    edits: [
      {
        file: OUTBOX,
        find: '    this.#calls.push(call);\n    this.#turn.schedule();\n',
        replace: '    call();\n',
      },
    ],
  },
  {
    id: 'range-at-once',
    breaks: 'who proposed hears that a stretch is accepted before it is on disk',
    edits: [
      {
        file: ACCEPTANCES,
        find: 'encodeAcceptedRange(this.#outbox.to(asker), this',
        replace: 'encodeAcceptedRange((asker.sent(), asker.out), this',
      },
    ],
  },
  {
    id: 'range-over-gaps',
    breaks: 'a stretch of acceptances is told as one although instances in it were not accepted',
    edits: [
      {
        file: ACCEPTANCES,
        find: 'instanceId === this.#to + 1) {',
        replace: 'instanceId > this.#to) {',
      },
    ],
  },
  {
    id: 'preempted-at-once',
    breaks: 'PREEMPTED does not wait until the promise that it reveals is on disk',
    edits: [
      {
        file: ROLE,
        find: 'encodePreempted(this.#outbox.to(peer), this.#acceptor.id,',
        replace: 'encodePreempted((peer.sent(), peer.out), this.#acceptor.id,',
      },
    ],
  },
  {
    id: 'status-at-once',
    breaks: 'STATUS tells a ballot or a trim point that is not on disk yet',
    edits: [
      {
        file: ROLE,
        find: 'encodeStatus(this.#outbox.to(peer), this.status(token));',
        replace: 'encodeStatus((peer.sent(), peer.out), this.status(token));',
      },
    ],
  },
  {
    id: 'any-ballot-believed',
    breaks: 'one message can use up all ballots: an acceptor takes any, however far above those it has seen',
    edits: [
      {
        file: CORE,
        find: 'return ballot <= MAX_BALLOT && ballot <= this.#storage.highestBallot + MAX_BALLOT_JUMP;',
        replace: 'return ballot <= MAX_BALLOT;',
      },
    ],
    beyond: { why: 'nobody in the simulator sends nonsense', tests: ['src/paxos', 'test/traces'] },
  },
];
