/**
 * Mutants of storage: what an acceptor finds again. The simulator's disk is made of the memory storage; LMDB itself is
 * beyond it, and asked by the tests of its room.
 */
import type { Mutant } from '../mutant.ts';

const MEMORY = 'src/storage/memory.ts';
const PAGE = 'src/storage/page.ts';
const LMDB = 'src/storage/lmdb.ts';
const DATABASE = 'src/storage/lmdb-database.ts';
const GATHERING = 'src/storage/gathering.ts';
const JOURNAL = 'src/storage/journal.ts';
const JOURNAL_FILE = 'src/storage/journal-file.ts';
const FRAME = 'src/storage/frame.ts';

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
    breaks: 'the database is said to have what it has not written yet',
    edits: [
      {
        file: DATABASE,
        find: 'await database.batch(() => {\n    if (state',
        replace: 'void database.batch(() => {\n    if (state',
      },
    ],
    beyond: OF_LMDB,
  },
  {
    id: 'lmdb-flight-unseen',
    breaks: 'a record is not found while the batch that holds it is on its way to the database',
    edits: [
      {
        file: GATHERING,
        find: 'this.#open.get(instanceId) ?? this.#finished?.get(instanceId) ?? this.#flight?.get(instanceId);',
        replace: 'this.#open.get(instanceId);',
      },
    ],
    beyond: OF_LMDB,
  },
  {
    id: 'lmdb-never-syncs',
    breaks: 'the database does not sync with lmdb-sync yes',
    edits: [{ file: DATABASE, find: 'noSync: !sync,', replace: 'noSync: true,' }],
    beyond: { ...OF_LMDB, tests: ['test/durability/disk.test.ts', 'src/storage'] },
  },
  {
    id: 'journal-never-syncs',
    breaks: 'a commit with lmdb-sync yes does not sync',
    edits: [{ file: JOURNAL, find: '(sync && WRITES_SYNC ? constants.O_DSYNC : 0)', replace: '0' }],
    beyond: { ...OF_LMDB, tests: ['test/durability/disk.test.ts', 'src/storage'] },
  },
  {
    id: 'journal-resolves-early',
    breaks: 'a commit is said to be done before its frame is written',
    edits: [
      {
        file: JOURNAL,
        find: '    await writeWhole(',
        replace: '    void writeWhole(',
      },
    ],
    beyond: { ...OF_LMDB, tests: ['test/durability/disk.test.ts', 'src/storage'] },
  },
  {
    id: 'journal-freed-early',
    breaks: 'pages of the ring are written again before the database has what they hold',
    edits: [
      {
        file: GATHERING,
        find: '    try {\n      await this.#target.store(load);',
        replace: '    this.#journal.free(position);\n    try {\n      await this.#target.store(load);',
      },
    ],
    beyond: OF_LMDB,
  },
  {
    id: 'journal-mark-ahead',
    breaks: 'the database says that it has a frame more than it was given',
    edits: [
      {
        file: JOURNAL,
        find: 'return { salt: this.#salt, applied: sequence,',
        replace: 'return { salt: this.#salt, applied: sequence + 1,',
      },
    ],
    beyond: OF_LMDB,
  },
  {
    id: 'journal-gap-unseen',
    breaks: 'frames behind a damaged one are forgotten without a word',
    edits: [
      {
        file: JOURNAL_FILE,
        find: 'if (sequence !== undefined && sequence > expected) return',
        replace: 'if (sequence !== undefined && sequence < 0) return',
      },
    ],
    beyond: OF_LMDB,
  },
  {
    id: 'journal-salt-ignored',
    breaks: 'a frame of another storage, or one that a value holds, counts as its own',
    edits: [
      {
        file: FRAME,
        find: 'if (bytes[at + SALT_AT + i] !== salt[i]) return undefined;',
        replace: 'if (bytes[at + SALT_AT + i] !== salt[i] && at < 0) return undefined;',
      },
    ],
    beyond: OF_LMDB,
  },
  {
    id: 'journal-body-unchecked',
    breaks: 'a torn frame counts as whole',
    edits: [
      {
        file: FRAME,
        find: 'if (crc32(bytes, stateAt, end) !== readUint32(bytes, at + BODY_CHECKSUM_AT)) return undefined;',
        replace: '',
      },
    ],
    beyond: OF_LMDB,
  },
  {
    id: 'journal-shares-pages',
    breaks: 'a frame begins in the padding of the one before, whose page is then written again',
    edits: [
      {
        file: JOURNAL,
        find: 'await writeWhole(this.#handle, this.#buffer, bytes, this.#pageInFile(start) * PAGE_BYTES);',
        replace:
          'await writeWhole(this.#handle, this.#buffer, bytes, this.#pageInFile(start) * PAGE_BYTES - (pages > 3 ? 512 : 0));',
      },
    ],
    beyond: OF_LMDB,
  },
  {
    id: 'journal-runs-over',
    breaks: 'a frame that goes around the end of the ring is written behind it',
    edits: [
      {
        file: JOURNAL,
        find: 'return pages <= left ? this.#head : this.#head + left;',
        replace: 'return pages <= left + 1 ? this.#head : this.#head + left;',
      },
    ],
    beyond: OF_LMDB,
  },
  {
    id: 'gathering-uncommitted-leaves',
    breaks: 'what was put and never committed reaches the database when it is closed',
    edits: [
      {
        file: GATHERING,
        find: 'if (!this.#isCommitting) this.#open.forgetUnsealed();',
        replace: 'if (!this.#isCommitting) this.#open.seal();',
      },
    ],
    beyond: OF_LMDB,
  },
  {
    id: 'gathering-forgets-the-state',
    breaks: 'a floor that was committed before the last commit of a flight is not in the database',
    edits: [
      {
        file: GATHERING,
        find: 'this.#state = state ?? this.#state;',
        replace: 'this.#state = state;',
      },
    ],
    beyond: OF_LMDB,
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
