/**
 * The data directory: what lies in it, and whose it is. Reads and writes a marker beside the database, and decides from
 * it whether the database may be opened at all; knows no database.
 *
 *   libpaxos-acceptor.txt       the marker: what this directory is, for people and for us
 *   data.mdb, lock.mdb          the database; the original's names, so that an original started here refuses our
 *                               files instead of beginning anew beside them
 *   journal.bin                 see journal.ts; a directory of the version before has none, and gets one
 *   lock.1, lock.holder         see lock.ts
 *
 *   vacant → marker as `….new` → journal and database made and synced → marker under its own name
 *
 * Invariants: a directory that is not ours is only read. A crash at any point leaves it vacant, unfinished (marker
 * still `.new`: nothing can have been promised, so it is made again) or whole; a whole marker without its database, or
 * its journal, means that the records are lost, and is never taken for a beginning.
 */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { ValueFormat } from '../config/config.ts';
import { PaxosError } from '../paxos/error.ts';
import { recordsLost } from './failure.ts';
import { lmdbDamage, lmdbVersion } from './lmdb-file.ts';
import { isLockFile } from './lock.ts';
import { FORMAT_VERSION, FORMER_VERSION } from './record.ts';

export const DATABASE_FILE = 'data.mdb';
export const JOURNAL_FILE = 'journal.bin';
const STORAGE_FILES: readonly string[] = [DATABASE_FILE, 'lock.mdb', JOURNAL_FILE];
const MARKER_FILE = 'libpaxos-acceptor.txt';
const UNFINISHED_FILE = `${MARKER_FILE}.new`;
/** What a new database takes, its lock file included. */
const FIRST_PAGES_BYTES = 65_536;
const MARKER_TITLE = /^libpaxos acceptor storage, format (\d+)$/;

/** Whose storage a directory holds. */
export interface Ownership {
  readonly acceptorId: number;
  readonly clusterName: string;
  /** what its values are; what was chosen as one kind means nothing as the other */
  readonly valueFormat: ValueFormat;
}

/** What the marker says. */
export interface Marker extends Ownership {
  readonly format: number;
  readonly identity: string;
}

/** vacant: absent or empty. unfinished: being made when a process died. ours: with a marker, which fits. */
export type DirectoryState =
  | { readonly kind: 'vacant' }
  | { readonly kind: 'unfinished' }
  | { readonly kind: 'ours'; readonly marker: Marker };

/**
 * Looks at a directory without changing anything, and whose it is. Throws PaxosError STORAGE_FOREIGN if it is somebody
 * else's (the original's, another acceptor's, another cluster's, of another format, or anything but ours),
 * STORAGE_CORRUPT if the marker cannot be read.
 *
 * @param anyFormat take a directory of ours of another format too: it is about to be emptied
 */
export function inspectDirectory(path: string, owner: Ownership, anyFormat = false): DirectoryState {
  const found = examineDirectory(path);
  if (found.kind === 'ours') checkOwner(path, found.marker, owner, anyFormat);
  return found;
}

/** As inspectDirectory, whichever acceptor's, cluster's and format it is. */
function examineDirectory(path: string): DirectoryState {
  if (!existsSync(path)) return { kind: 'vacant' };
  if (!statSync(path).isDirectory()) {
    throw foreign(`${path} is not a directory; it is left untouched`);
  }
  const names = readdirSync(path).filter((name) => !isLockFile(name));
  if (names.length === 0) return { kind: 'vacant' };
  if (names.includes(MARKER_FILE)) return { kind: 'ours', marker: readMarker(path) };
  if (names.includes(UNFINISHED_FILE)) return { kind: 'unfinished' };
  throw foreign(describeForeign(path, names));
}

/**
 * The marker of a directory that holds a storage of ours, whoever's; nothing is changed. Throws PaxosError
 * STORAGE_FOREIGN if it holds none, or one of another format, STORAGE_CORRUPT if the marker cannot be read.
 */
export function requireStorage(path: string): Marker {
  const found = examineDirectory(path);
  if (found.kind !== 'ours') {
    const what = existsSync(path) ? 'holds no storage yet' : 'does not exist';
    const advice = 'give the data directory of an acceptor: lmdb-env-path with _ and its id behind it';
    throw foreign(`${path} ${what}; ${advice}`);
  }
  checkFormat(path, found.marker);
  return found.marker;
}

/**
 * Makes a locked directory ready for its database: looks at it again, now that nobody else changes it, and puts the
 * marker of a new storage there if it holds none, or one that is to be deleted. Throws as inspectDirectory does, and
 * STORAGE_CORRUPT if the database of a whole storage is gone.
 */
export function prepareDirectory(path: string, owner: Ownership, trash: boolean): Marker {
  const found = inspectDirectory(path, owner, trash);
  if (found.kind === 'ours' && !trash) {
    const file = join(path, DATABASE_FILE);
    const damage = existsSync(file) ? lmdbDamage(file) : `${DATABASE_FILE} is gone`;
    if (damage !== undefined) throw recordsLost(path, damage);
    return found.marker;
  }
  if (found.kind === 'ours') discardStorage(path);
  const identity = randomBytes(16).toString('hex');
  const { acceptorId, clusterName, valueFormat } = owner;
  const marker = { format: FORMAT_VERSION, acceptorId, clusterName, valueFormat, identity };
  beginStorage(path, marker);
  return marker;
}

/** Makes a directory and its parents, durably. */
export function makeDirectory(path: string): void {
  const made = mkdirSync(path, { recursive: true });
  if (made !== undefined) syncDirectory(dirname(made));
}

/** First half of making a storage: the marker as unfinished, and no database. */
function beginStorage(path: string, marker: Marker): void {
  for (const name of STORAGE_FILES) rmSync(join(path, name), { force: true });
  writeMarker(path, marker);
  syncDirectory(path);
}

/** Writes a marker under the name that one has until all it speaks of is there. */
function writeMarker(path: string, marker: Marker): void {
  const handle = openSync(join(path, UNFINISHED_FILE), 'w');
  try {
    writeFileSync(handle, markerText(marker));
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Fails if the disk has no room for the database's first pages: the binding would end the process instead. */
export function proveRoom(path: string): void {
  const file = join(path, `${UNFINISHED_FILE}.room`);
  try {
    writeFileSync(file, Buffer.alloc(FIRST_PAGES_BYTES), { flush: true });
  } finally {
    rmSync(file, { force: true });
  }
}

/** Second half, once the database is durable: the marker gets its name. */
export function finishStorage(path: string): void {
  renameSync(join(path, UNFINISHED_FILE), join(path, MARKER_FILE));
  syncDirectory(path);
}

/** Makes a marker of the version before one of this version, so that software which knows no journal refuses it. */
export function raiseFormat(path: string, marker: Marker): void {
  writeMarker(path, { ...marker, format: FORMAT_VERSION });
  finishStorage(path);
}

/** Makes a storage of ours unfinished again; what it held counts as deleted from here on. Strangers' files stay. */
function discardStorage(path: string): void {
  renameSync(join(path, MARKER_FILE), join(path, UNFINISHED_FILE));
  syncDirectory(path);
}

function markerText({ format, acceptorId, clusterName, valueFormat, identity }: Marker): string {
  return [
    `libpaxos acceptor storage, format ${format}`,
    `acceptor: ${acceptorId}`,
    `cluster: ${JSON.stringify(clusterName)}`,
    `values: ${valueFormat}`,
    `identity: ${identity}`,
    '',
    'This directory is what one acceptor has promised and accepted. Do not edit it, do not run two acceptors on it,',
    'and do not put an older copy in its place: an acceptor that forgets a promise can break agreement.',
    '',
  ].join('\n');
}

function readMarker(path: string): Marker {
  const lines = readFileSync(join(path, MARKER_FILE), 'utf8').split('\n');
  const format = MARKER_TITLE.exec(lines[0] ?? '')?.[1];
  const acceptorId = field(lines, 'acceptor');
  const clusterName = parsedString(field(lines, 'cluster'));
  const identity = field(lines, 'identity');
  if (
    format === undefined ||
    acceptorId === undefined ||
    clusterName === undefined ||
    identity === undefined
  ) {
    const what = `${join(path, MARKER_FILE)} is damaged: it should say which acceptor's storage this is`;
    throw new PaxosError('STORAGE_CORRUPT', `${what}; restore that file, or leave this acceptor stopped`);
  }
  // Before there was that line, raw values were the rule.
  const valueFormat = field(lines, 'values') === 'commands' ? 'commands' : 'raw';
  return { format: Number(format), acceptorId: Number(acceptorId), clusterName, valueFormat, identity };
}

function field(lines: readonly string[], name: string): string | undefined {
  return lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
}

function parsedString(json: string | undefined): string | undefined {
  try {
    const value: unknown = JSON.parse(json ?? '');
    return typeof value === 'string' ? value : undefined;
  } catch {
    return undefined;
  }
}

function checkOwner(path: string, marker: Marker, owner: Ownership, anyFormat: boolean): void {
  if (marker.acceptorId !== owner.acceptorId) {
    const both = `belongs to acceptor ${marker.acceptorId}, this is acceptor ${owner.acceptorId}`;
    throw foreign(`${path} ${both}; set another lmdb-env-path, or start the right id`);
  }
  if (marker.clusterName !== owner.clusterName) {
    const both = `belongs to cluster "${marker.clusterName}", this is cluster "${owner.clusterName}"`;
    throw foreign(`${path} ${both}; set another lmdb-env-path, or the right cluster-name`);
  }
  if (!anyFormat) checkFormat(path, marker);
  if (!anyFormat && marker.valueFormat !== owner.valueFormat) {
    const both = `holds values of value-format ${marker.valueFormat}, this is value-format ${owner.valueFormat}`;
    throw foreign(`${path} ${both}; set another lmdb-env-path, or the right value-format`);
  }
}

/** Throws PaxosError STORAGE_FOREIGN if another version of this program made it. */
function checkFormat(path: string, marker: Marker): void {
  if (marker.format === FORMAT_VERSION || marker.format === FORMER_VERSION) return;
  const both = `has format ${marker.format}, this program writes format ${FORMAT_VERSION}`;
  throw foreign(`${path} ${both}; run the version that made it, or set another lmdb-env-path`);
}

function describeForeign(path: string, names: readonly string[]): string {
  const advice = 'set another lmdb-env-path, or move that directory away';
  if (names.includes(DATABASE_FILE)) {
    const version = lmdbVersion(join(path, DATABASE_FILE));
    if (version === 1) {
      return (
        `${path} is a database of the original LibPaxos (LMDB 0.9), which cannot be read here and is left untouched; ` +
        advice
      );
    }
    if (version !== undefined) {
      return `${path} is an LMDB database that libpaxos did not make; it is left untouched; ${advice}`;
    }
  }
  return `${path} is not empty and not a storage of libpaxos; it is left untouched; ${advice}`;
}

/** Makes names in a directory durable. */
export function syncDirectory(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function foreign(message: string): PaxosError {
  return new PaxosError('STORAGE_FOREIGN', message);
}
