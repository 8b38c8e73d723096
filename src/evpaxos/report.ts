/**
 * Report: what a node says of itself, for people and their tools. It travels in NODE_STATUS as a JSON object, so that
 * versions may add to it: what is not known is passed over, and what is missing, or is of a wrong kind, is nothing.
 *
 * A report decides nothing. Nobody who counts votes looks at it.
 */

/** What an acceptor has on its disk. */
export interface AcceptorReport {
  /** the highest ballot it ever promised or accepted */
  readonly highestBallot: number;
  /** the highest instance it accepted a value for, and which does not stand alone */
  readonly accepted: number;
  readonly trimmed: number;
}

export interface StorageReport {
  readonly backend: 'memory' | 'lmdb';
  readonly durability: 'memory' | 'unsynced' | 'synced';
  readonly bytes: number;
  /** what it may grow to; 0: no bound is set */
  readonly limitBytes: number;
  /** for so long the disk has not finished a write; 0: it works */
  readonly stalledMs: number;
  /** it took the place of one that was lost: the acceptor is silent, and no part of a quorum */
  readonly isReplaced: boolean;
}

/** How many are connected to the node, by what they said of themselves. */
export interface PeersReport {
  readonly replicas: number;
  readonly acceptors: number;
  readonly proposers: number;
  readonly learners: number;
  readonly clients: number;
  /** they said nothing: originals, or not yet */
  readonly others: number;
}

/** An acceptor that the node has no connection to; `ms` since it had one, null: it never had. */
export interface LostReport {
  readonly acceptorId: number;
  readonly ms: number | null;
}

export interface NodeReport {
  /** bit set of Role, and the id, as in HELLO */
  readonly roles: number;
  readonly id: number;
  readonly upMs: number;
  readonly isLeading: boolean;
  /** its own proposer's ballot; 0: it has none */
  readonly ballot: number;
  /** the ballot of the leader that it hears, or is; 0: none */
  readonly leaderBallot: number;
  /** every instance up to here is known to be chosen */
  readonly chosen: number;
  /** null: it does not learn */
  readonly delivered: number | null;
  /** null: it is no acceptor, or its disk has stalled and nothing may be said of it */
  readonly acceptor: AcceptorReport | null;
  readonly storage: StorageReport | null;
  /** what waits to be proposed, or passed on */
  readonly waiting: { readonly values: number; readonly bytes: number };
  readonly peers: PeersReport;
  readonly lost: readonly LostReport[];
  readonly lastError: { readonly text: string; readonly agoMs: number } | null;
}

/** What an error's text may have. */
const MAX_ERROR_CHARACTERS = 200;

/** The report in a NODE_STATUS; undefined if it is no JSON object. */
export function parseReport(text: string): NodeReport | undefined {
  const read = new Fields(parseJson(text));
  if (!read.isObject) return undefined;
  const [storage, waiting, peers] = [read.in('storage'), read.in('waiting'), read.in('peers')];
  return {
    roles: read.count('roles'),
    id: read.count('id'),
    upMs: read.count('upMs'),
    isLeading: read.flag('isLeading'),
    ballot: read.count('ballot'),
    leaderBallot: read.count('leaderBallot'),
    chosen: read.count('chosen'),
    delivered: read.countOrNull('delivered'),
    acceptor: acceptorOf(read.in('acceptor')),
    storage: storage.isObject ? storageOf(storage) : null,
    waiting: { values: waiting.count('values'), bytes: waiting.count('bytes') },
    peers: {
      replicas: peers.count('replicas'),
      acceptors: peers.count('acceptors'),
      proposers: peers.count('proposers'),
      learners: peers.count('learners'),
      clients: peers.count('clients'),
      others: peers.count('others'),
    },
    lost: read
      .list('lost')
      .map((one) => ({ acceptorId: one.count('acceptorId'), ms: one.countOrNull('ms') })),
    lastError: errorOf(read.in('lastError')),
  };
}

function acceptorOf(read: Fields): AcceptorReport | null {
  if (!read.isObject) return null;
  return {
    highestBallot: read.count('highestBallot'),
    accepted: read.count('accepted'),
    trimmed: read.count('trimmed'),
  };
}

function storageOf(read: Fields): StorageReport {
  return {
    backend: read.word('backend', ['memory', 'lmdb']),
    durability: read.word('durability', ['memory', 'unsynced', 'synced']),
    bytes: read.count('bytes'),
    limitBytes: read.count('limitBytes'),
    stalledMs: read.count('stalledMs'),
    isReplaced: read.flag('isReplaced'),
  };
}

function errorOf(read: Fields): NodeReport['lastError'] {
  return read.isObject ? { text: read.text('text'), agoMs: read.count('agoMs') } : null;
}

/** Text of others on its way to a terminal: bounded, in one line, and without what would steer one. */
export function cleanText(text: string): string {
  return text.slice(0, MAX_ERROR_CHARACTERS).replace(/\p{Cc}/gu, '\u{fffd}');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An object of others, and what it holds of the kind that is asked for. */
class Fields {
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly isObject: boolean;

  constructor(read: unknown) {
    this.isObject = typeof read === 'object' && read !== null && !Array.isArray(read);
    this.#fields = new Map(typeof read === 'object' && read !== null ? Object.entries(read) : []);
  }

  count(name: string): number {
    return this.countOrNull(name) ?? 0;
  }

  countOrNull(name: string): number | null {
    const value = this.#fields.get(name);
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
  }

  flag(name: string): boolean {
    return this.#fields.get(name) === true;
  }

  text(name: string): string {
    const value = this.#fields.get(name);
    return typeof value === 'string' ? cleanText(value) : '';
  }

  word<const W extends string>(name: string, words: readonly [W, ...W[]]): W {
    const value = this.#fields.get(name);
    return words.find((word) => word === value) ?? words[0];
  }

  in(name: string): Fields {
    return new Fields(this.#fields.get(name));
  }

  list(name: string): readonly Fields[] {
    const value = this.#fields.get(name);
    return Array.isArray(value)
      ? value.map((one: unknown) => new Fields(one)).filter((one) => one.isObject)
      : [];
  }
}
