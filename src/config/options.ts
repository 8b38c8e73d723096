/**
 * Options: the one table of what paxos.conf can say beside its nodes.
 *
 *   TABLE → parsing, checking, --help, the shipped paxos.conf, docs/configuration.md
 *
 * It refuses to know how any of these look. A field of Options without an entry here does not compile, nor does an
 * entry whose kind or default does not fit its field; a test holds every default inside its own range.
 */
import type { Options, StorageBackend, ValueFormat, Verbosity } from './config.ts';

type KeyOfType<T> = {
  [K in keyof Options]: [Options[K], T] extends [T, Options[K]] ? K : never;
}[keyof Options];

export type OptionKey = keyof Options;
type YesNoKey = KeyOfType<boolean>;
type NumberKey = KeyOfType<number>;

/** Where an option stands in the files and pages; `ours` are those that end the original. */
export type Section = 'every node' | 'learners' | 'proposers' | 'acceptors' | 'lmdb' | 'ours';

interface OptionBase<K extends OptionKey> {
  readonly key: K;
  /** the keyword in paxos.conf */
  readonly directive: string;
  readonly section: Section;
  readonly default: Options[K];
  /** what it means and what follows from it, in whole sentences */
  readonly sentence: string;
}

interface YesNoOption<K extends YesNoKey = YesNoKey> extends OptionBase<K> {
  readonly kind: 'yes-no';
}

/** One of a few words. */
interface WordOption<K extends OptionKey, W extends string> extends OptionBase<K> {
  readonly kind: 'word';
  readonly words: readonly W[];
}

/** A whole number in `unit`, from `min` to `max`, inclusive. */
export interface NumberOption<K extends NumberKey = NumberKey> extends OptionBase<K> {
  readonly kind: 'number';
  readonly unit: 'seconds' | 'milliseconds' | 'microseconds' | 'instances';
  readonly min: number;
  readonly max: number;
}

/** A whole number of bytes, kb, mb or gb, from `min` to `max` bytes, inclusive. */
export interface BytesOption<K extends NumberKey = NumberKey> extends OptionBase<K> {
  readonly kind: 'bytes';
  readonly min: number;
  readonly max: number;
}

/** The rest of the line, spaces included. */
interface PathOption extends OptionBase<'lmdbEnvPath'> {
  readonly kind: 'path';
}

/** 1 to `max` letters, digits, dots, underscores and hyphens. */
interface NameOption extends OptionBase<'clusterName'> {
  readonly kind: 'name';
  readonly max: number;
}

type OptionOf<K extends OptionKey> = K extends YesNoKey
  ? YesNoOption<K>
  : K extends NumberKey
    ? NumberOption<K> | BytesOption<K>
    : K extends 'verbosity'
      ? WordOption<K, Verbosity>
      : K extends 'storageBackend'
        ? WordOption<K, StorageBackend>
        : K extends 'valueFormat'
          ? WordOption<K, ValueFormat>
          : K extends 'lmdbEnvPath'
            ? PathOption
            : NameOption;

const KB = 1024;
const MB = 1024 * KB;
const GB = 1024 * MB;

/** The units that a number of bytes may have, the largest first. */
export const BYTE_UNITS: readonly { readonly unit: string; readonly size: number }[] = [
  { unit: 'gb', size: GB },
  { unit: 'mb', size: MB },
  { unit: 'kb', size: KB },
];

const TABLE: { readonly [K in OptionKey]: OptionOf<K> } = {
  verbosity: {
    kind: 'word',
    key: 'verbosity',
    directive: 'verbosity',
    section: 'every node',
    words: ['quiet', 'error', 'info', 'debug'],
    default: 'info',
    sentence: 'How much a node writes to its log: nothing, what went wrong, what happens, or every detail.',
  },
  tcpNodelay: {
    kind: 'yes-no',
    key: 'tcpNodelay',
    directive: 'tcp-nodelay',
    section: 'every node',
    default: true,
    sentence:
      'Send small messages at once. With no they wait to share a packet, and every step takes longer.',
  },
  learnerCatchUp: {
    kind: 'yes-no',
    key: 'learnerCatchUp',
    directive: 'learner-catch-up',
    section: 'learners',
    default: true,
    sentence:
      'A learner begins at the first instance and asks for all that was chosen before it started. ' +
      'With no it begins at the first instance that it hears of.',
  },
  proposerTimeoutS: {
    kind: 'number',
    key: 'proposerTimeoutS',
    directive: 'proposer-timeout',
    section: 'proposers',
    unit: 'seconds',
    min: 1,
    max: 3600,
    default: 1,
    sentence: 'An instance that no quorum has answered for this long is sent again.',
  },
  proposerPreexecWindow: {
    kind: 'number',
    key: 'proposerPreexecWindow',
    directive: 'proposer-preexec-window',
    section: 'proposers',
    unit: 'instances',
    min: 1,
    max: 65_536,
    default: 128,
    sentence: 'How many instances are prepared ahead, so that a value needs one round trip instead of two.',
  },
  storageBackend: {
    kind: 'word',
    key: 'storageBackend',
    directive: 'storage-backend',
    section: 'acceptors',
    words: ['memory', 'lmdb'],
    default: 'memory',
    sentence:
      'Where an acceptor keeps what it promised and accepted. With memory it is gone when the process ends, and ' +
      'an acceptor that comes back without it can break agreement; lmdb keeps it on disk.',
  },
  acceptorTrashFiles: {
    kind: 'yes-no',
    key: 'acceptorTrashFiles',
    directive: 'acceptor-trash-files',
    section: 'acceptors',
    default: false,
    sentence:
      'Delete what is stored when the acceptor starts, and begin anew. Only for tests: it forgets its promises. ' +
      'Only directories that this program made are deleted.',
  },
  lmdbSync: {
    kind: 'yes-no',
    key: 'lmdbSync',
    directive: 'lmdb-sync',
    section: 'lmdb',
    default: false,
    sentence:
      'Answer only when the disk has the data, so that a power cut loses nothing that was answered. With no, ' +
      'the end of the process is survived and a power cut is not.',
  },
  lmdbEnvPath: {
    kind: 'path',
    key: 'lmdbEnvPath',
    directive: 'lmdb-env-path',
    section: 'lmdb',
    default: '/tmp/acceptor',
    sentence:
      'The data directory of acceptor ID is this path with _ID behind it. Choose one that outlives a ' +
      'restart of the machine, which /tmp may not.',
  },
  lmdbMapsizeBytes: {
    kind: 'bytes',
    key: 'lmdbMapsizeBytes',
    directive: 'lmdb-mapsize',
    section: 'lmdb',
    min: 64 * KB,
    max: 16_384 * GB,
    default: 10 * MB,
    sentence: 'The size that the database begins with. It grows when it is full; an original acceptor stops.',
  },
  clusterName: {
    kind: 'name',
    key: 'clusterName',
    directive: 'cluster-name',
    section: 'ours',
    max: 64,
    default: 'libpaxos',
    sentence:
      'Nodes and data directories of another name are refused, so that a wrong address or path cannot mix two ' +
      'clusters.',
  },
  leaderTimeoutMs: {
    kind: 'number',
    key: 'leaderTimeoutMs',
    directive: 'leader-timeout',
    section: 'ours',
    unit: 'milliseconds',
    min: 50,
    max: 60_000,
    default: 500,
    sentence: 'When the leader was silent for this long, another proposer takes its place.',
  },
  heartbeatIntervalMs: {
    kind: 'number',
    key: 'heartbeatIntervalMs',
    directive: 'heartbeat-interval',
    section: 'ours',
    unit: 'milliseconds',
    min: 5,
    max: 29_999,
    default: 100,
    sentence:
      'How often the leader says that it is alive. Less than half of leader-timeout, so that one may be late.',
  },
  maxMessageBytes: {
    kind: 'bytes',
    key: 'maxMessageBytes',
    directive: 'max-message',
    section: 'ours',
    min: KB,
    max: GB,
    default: 64 * MB,
    sentence:
      'The largest message that is taken from a peer, and so the largest value. Who sends more is disconnected.',
  },
  maxPeerBacklogBytes: {
    kind: 'bytes',
    key: 'maxPeerBacklogBytes',
    directive: 'max-peer-backlog',
    section: 'ours',
    min: KB,
    max: 16 * GB,
    default: 16 * MB,
    sentence: 'How much may wait for a peer that does not read, before broadcasts to it are dropped.',
  },
  maxWaitingBytes: {
    kind: 'bytes',
    key: 'maxWaitingBytes',
    directive: 'max-waiting',
    section: 'ours',
    min: KB,
    max: 16 * GB,
    default: 64 * MB,
    sentence:
      'How much may wait in a node to be proposed. At least max-message, or the largest values never fit.',
  },
  valueFormat: {
    kind: 'word',
    key: 'valueFormat',
    directive: 'value-format',
    section: 'ours',
    words: ['raw', 'commands'],
    default: 'raw',
    sentence:
      'What an instance holds: with raw one value as it was submitted, which originals understand; with commands a ' +
      'batch of commands for state machines, each applied exactly once. Nodes of the other format are refused, and ' +
      'with commands originals too. Cannot be changed once values were chosen.',
  },
  readLeaseMs: {
    kind: 'number',
    key: 'readLeaseMs',
    directive: 'read-lease',
    section: 'ours',
    unit: 'milliseconds',
    min: 0,
    max: 60_000,
    default: 0,
    sentence:
      'For how long acceptors assure the leader that there will be no other, so that it can answer reads of a state ' +
      'machine without asking. It stands on clocks whose speeds differ by less than a tenth. A new leader, and an ' +
      'acceptor that was started again, wait that long. With 0 a quorum is asked for every batch of reads.',
  },
  busyPollMicros: {
    kind: 'number',
    key: 'busyPollMicros',
    directive: 'busy-poll',
    section: 'ours',
    unit: 'microseconds',
    min: 0,
    max: 10_000,
    default: 100,
    sentence:
      'For how long a leader looks for the next message before it sleeps, where the last ones came as soon. To sleep ' +
      'and be woken takes longer than many answers do. It costs processor time, of a leader whose answers or values ' +
      'are that near alone, and is not done with less than two processors. With 0 it sleeps at once.',
  },
  snapshotLogBytes: {
    kind: 'bytes',
    key: 'snapshotLogBytes',
    directive: 'snapshot-log-size',
    section: 'ours',
    min: KB,
    max: 16_384 * GB,
    default: 64 * MB,
    sentence:
      'A replica with a state machine makes a snapshot of it when so much was chosen since the last. What all have ' +
      'in snapshots is forgotten by acceptors.',
  },
  snapshotIntervalS: {
    kind: 'number',
    key: 'snapshotIntervalS',
    directive: 'snapshot-interval',
    section: 'ours',
    unit: 'seconds',
    min: 1,
    max: 86_400,
    default: 300,
    sentence: 'Or when the last snapshot is so old and something was chosen since.',
  },
};

export type Option = (typeof TABLE)[OptionKey];

/** Every option, in the order of the files and pages. */
export const OPTIONS: readonly Option[] = Object.values(TABLE);

/** Every option at its default. */
export const DEFAULT_OPTIONS: Options = {
  verbosity: TABLE.verbosity.default,
  tcpNodelay: TABLE.tcpNodelay.default,
  learnerCatchUp: TABLE.learnerCatchUp.default,
  proposerTimeoutS: TABLE.proposerTimeoutS.default,
  proposerPreexecWindow: TABLE.proposerPreexecWindow.default,
  storageBackend: TABLE.storageBackend.default,
  acceptorTrashFiles: TABLE.acceptorTrashFiles.default,
  lmdbSync: TABLE.lmdbSync.default,
  lmdbEnvPath: TABLE.lmdbEnvPath.default,
  lmdbMapsizeBytes: TABLE.lmdbMapsizeBytes.default,
  clusterName: TABLE.clusterName.default,
  leaderTimeoutMs: TABLE.leaderTimeoutMs.default,
  heartbeatIntervalMs: TABLE.heartbeatIntervalMs.default,
  maxMessageBytes: TABLE.maxMessageBytes.default,
  maxPeerBacklogBytes: TABLE.maxPeerBacklogBytes.default,
  maxWaitingBytes: TABLE.maxWaitingBytes.default,
  valueFormat: TABLE.valueFormat.default,
  readLeaseMs: TABLE.readLeaseMs.default,
  busyPollMicros: TABLE.busyPollMicros.default,
  snapshotLogBytes: TABLE.snapshotLogBytes.default,
  snapshotIntervalS: TABLE.snapshotIntervalS.default,
};

/** Whether the original does not know this option and ends on a file that has it. */
export function isOurs(option: Option): boolean {
  return option.section === 'ours';
}

/** Bytes in the largest unit that needs no fraction, as paxos.conf writes them: `10mb`. */
export function formatBytes(bytes: number): string {
  for (const { unit, size } of BYTE_UNITS) {
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${unit}`;
  }
  return String(bytes);
}

/** The option's value among `options`, as paxos.conf writes it. */
export function formatValue(option: Option, options: Options): string {
  const value = options[option.key];
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (option.kind === 'bytes') return formatBytes(options[option.key]);
  return String(value);
}

/** What may stand behind the directive, for people: `yes or no`, `50 to 60000 milliseconds`. */
export function expectedValue(option: Option): string {
  switch (option.kind) {
    case 'yes-no':
      return 'yes or no';
    case 'word':
      return option.words.join(', ').replace(/, (?=[^,]*$)/, ' or ');
    case 'number':
      return `${option.min} to ${option.max} ${option.unit}`;
    case 'bytes':
      return `${formatBytes(option.min)} to ${formatBytes(option.max)}`;
    case 'path':
      return 'a path, to the end of the line';
    case 'name':
      return `a name of 1 to ${option.max} letters, digits, dots, underscores and hyphens`;
  }
}
