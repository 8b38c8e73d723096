/**
 * Mutants of storage: what an acceptor finds again. The simulator's disk is made of the memory storage; LMDB itself is
 * beyond it, and asked by the tests of its room.
 */
import type { Mutant } from '../mutant.ts';

const MEMORY = 'src/storage/memory.ts';
const PAGE = 'src/storage/page.ts';
const LMDB = 'src/storage/lmdb.ts';

const OF_LMDB = {
  why: "the simulator's disk stands in for LMDB",
  tests: ['src/storage'],
} as const;

export const STORAGE_MUTANTS: readonly Mutant[] = [
  {
    id: 'floor-is-no-ballot',
    breaks: 'the highest ballot that an acceptor tells leaves out its floor',
    edits: [
      {
        file: MEMORY,
        find: '    this.#highestBallot = Math.max(this.#highestBallot, ballot);\n',
        replace: '',
      },
    ],
  },
  {
    id: 'page-overlaps',
    breaks: 'the last byte of a stored value is overwritten by the next',
    edits: [
      {
        file: PAGE,
        find: 'this.#slabUsed += value.length;',
        replace: 'this.#slabUsed += Math.max(0, value.length - 1);',
      },
    ],
  },
  {
    id: 'page-made-without-last',
    breaks: 'one record is forgotten when scattered records are put together in a page',
    edits: [
      {
        file: MEMORY,
        find: 'if (record === undefined) continue;\n      page.put(',
        replace: 'if (record === undefined || slot === 7) continue;\n      page.put(',
      },
    ],
  },
  {
    id: 'accepted-without-last',
    breaks: 'the last record of a stretch is left out when records are listed',
    edits: [
      {
        file: MEMORY,
        find: 'const last = Math.min(to, this.#highestPut);',
        replace: 'const last = Math.min(to, this.#highestPut - 1);',
      },
    ],
  },
  {
    id: 'checksum-not-verified',
    breaks: 'a record is believed although its checksum does not match',
    edits: [
      {
        file: 'src/storage/record.ts',
        find: 'return readUint32(content, end) === crc32(content, 0, end, crc32(key));',
        replace: 'return end >= 0 && key.length > 0 && content.length > 0;',
      },
    ],
  },
  {
    id: 'lmdb-floor-in-memory',
    breaks: 'the floor is not kept over a restart',
    edits: [
      {
        file: 'src/storage/state.ts',
        find: 'this.highestBallot = Math.max(this.highestBallot, ballot);\n    this.#changed = true;',
        replace: 'this.highestBallot = Math.max(this.highestBallot, ballot);',
      },
    ],
    beyond: OF_LMDB,
  },
  {
    id: 'lmdb-resolves-early',
    breaks: 'a commit is said to be done before lmdb has written it',
    edits: [
      {
        file: LMDB,
        find: 'await this.#database.batch(() => {\n        if (state',
        replace: 'void this.#database.batch(() => {\n        if (state',
      },
    ],
    beyond: OF_LMDB,
  },
  {
    id: 'lmdb-flight-unseen',
    breaks: 'a record is not found while the batch that holds it is being written',
    edits: [
      {
        file: LMDB,
        find: 'return this.#open.get(instanceId) ?? this.#flight?.get(instanceId) ?? this.#read(instanceId);',
        replace: 'return this.#open.get(instanceId) ?? this.#read(instanceId);',
      },
    ],
    beyond: OF_LMDB,
  },
  {
    id: 'lmdb-never-syncs',
    breaks: 'lmdb-sync yes does not sync',
    edits: [{ file: LMDB, find: 'noSync: !sync,', replace: 'noSync: true,' }],
    beyond: { ...OF_LMDB, tests: ['test/durability/disk.test.ts', 'src/storage'] },
  },
  {
    id: 'lmdb-goes-on-after-failure',
    breaks: 'a storage that failed to write takes the next write as if nothing were',
    edits: [
      {
        file: LMDB,
        find: '    this.#ended ??= provisional;\n',
        replace: '',
      },
    ],
    beyond: { ...OF_LMDB, tests: ['src/storage', 'test/durability/disk.test.ts'] },
  },
];
