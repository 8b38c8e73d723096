/**
 * Reads one message: its fields, checked, and then the call of the handler. What a field may be stands in MsgpackReader.
 *
 * Passed on as they are, for the core to judge: ballots (the core ignores those above MAX_BALLOT), empty values, and
 * ranges however large. Fields behind those we know are left to the caller: the original ignores them too, and a later
 * version may need them.
 */

import {
  MAX_REASON_BYTES,
  MAX_REPORT_BYTES,
  MAX_SOFTWARE_BYTES,
  type MessageHandler,
  MessageType,
} from './messages.ts';
import type { MsgpackReader } from './msgpack.ts';
import { COMMANDS_READERS } from './read-commands.ts';

/** How a message of one type is read. */
export interface MessageKind {
  /** what it is called, for a person who reads why a connection was closed */
  readonly name: string;
  /** how many fields follow its type */
  readonly fields: number;
  /**
   * Reads these fields and, if all of them are whole and right, calls the handler. Otherwise the reader says what is
   * missing or wrong.
   */
  readonly read: (reader: MsgpackReader, handler: MessageHandler) => void;
}

/** The kind of a message; undefined: nobody knows this type. */
export function kindOf(type: number): MessageKind | undefined {
  return type >= 0 && type < KINDS.length ? KINDS[type] : undefined;
}

function readPrepare(reader: MsgpackReader, handler: MessageHandler): void {
  const instanceId = reader.instance();
  const ballot = reader.uint32();
  if (reader.whole()) handler.prepare(instanceId, ballot);
}

function readPromise(reader: MsgpackReader, handler: MessageHandler): void {
  const acceptorId = reader.nodeId();
  const instanceId = reader.instance();
  const ballot = reader.uint32();
  const valueBallot = reader.uint32();
  const value = reader.value();
  if (reader.whole()) handler.promise(acceptorId, instanceId, ballot, valueBallot, value);
}

function readAccept(reader: MsgpackReader, handler: MessageHandler): void {
  const instanceId = reader.instance();
  const ballot = reader.uint32();
  const value = reader.value();
  if (reader.whole()) handler.accept(instanceId, ballot, value);
}

function readAccepted(reader: MsgpackReader, handler: MessageHandler): void {
  const acceptorId = reader.nodeId();
  const instanceId = reader.instance();
  const ballot = reader.uint32();
  const valueBallot = reader.uint32();
  const value = reader.value();
  if (reader.whole()) handler.accepted(acceptorId, instanceId, ballot, valueBallot, value);
}

function readPreempted(reader: MsgpackReader, handler: MessageHandler): void {
  const acceptorId = reader.nodeId();
  const instanceId = reader.instance();
  const ballot = reader.uint32();
  if (reader.whole()) handler.preempted(acceptorId, instanceId, ballot);
}

function readRepeat(reader: MsgpackReader, handler: MessageHandler): void {
  const from = reader.instanceOrNone();
  const to = reader.instanceOrNone();
  if (reader.whole()) handler.repeat(from, to);
}

function readTrim(reader: MsgpackReader, handler: MessageHandler): void {
  const instanceId = reader.instanceOrNone();
  if (reader.whole()) handler.trim(instanceId);
}

function readAcceptorState(reader: MsgpackReader, handler: MessageHandler): void {
  const acceptorId = reader.nodeId();
  const trimInstanceId = reader.instanceOrNone();
  if (reader.whole()) handler.acceptorState(acceptorId, trimInstanceId);
}

function readClientValue(reader: MsgpackReader, handler: MessageHandler): void {
  const value = reader.value();
  if (reader.whole()) handler.clientValue(value);
}

function readHello(reader: MsgpackReader, handler: MessageHandler): void {
  const version = reader.uint32();
  if (version === 0) reader.fail('version 0');
  const roles = reader.uint32();
  const id = reader.nodeId();
  const process = reader.uint32();
  if (process === 0) reader.fail('process 0');
  const capabilities = reader.uint32();
  const fingerprint = reader.uint32();
  const software = readText(reader, MAX_SOFTWARE_BYTES);
  const storage = reader.uint53();
  if (!reader.whole()) return;
  handler.hello({ version, roles, id, process, capabilities, fingerprint, software, storage });
}

function readRefused(reader: MsgpackReader, handler: MessageHandler): void {
  const code = reader.uint32();
  const reason = readText(reader, MAX_REASON_BYTES);
  if (reader.whole()) handler.refused(code, reason);
}

function readPing(reader: MsgpackReader, handler: MessageHandler): void {
  const token = reader.uint53();
  if (reader.whole()) handler.ping(token);
}

function readPong(reader: MsgpackReader, handler: MessageHandler): void {
  const token = reader.uint53();
  if (reader.whole()) handler.pong(token);
}

function readQuery(reader: MsgpackReader, handler: MessageHandler): void {
  const token = reader.uint53();
  if (reader.whole()) handler.query(token);
}

function readStatus(reader: MsgpackReader, handler: MessageHandler): void {
  const acceptorId = reader.nodeId();
  const token = reader.uint53();
  const highestBallot = reader.uint53();
  const highestAccepted = reader.uint53();
  const trimInstanceId = reader.uint53();
  const chosen = reader.uint53();
  const leaderBallot = reader.uint53();
  if (!reader.whole()) return;
  handler.status({ acceptorId, token, highestBallot, highestAccepted, trimInstanceId, chosen, leaderBallot });
}

function readPrepareFrom(reader: MsgpackReader, handler: MessageHandler): void {
  const from = reader.instance53();
  const to = reader.instance53();
  const ballot = reader.uint53();
  if (reader.whole()) handler.prepareFrom(from, to, ballot);
}

function readPromisedValue(reader: MsgpackReader, handler: MessageHandler): void {
  const acceptorId = reader.nodeId();
  const ballot = reader.uint53();
  const instanceId = reader.instance53();
  const valueBallot = reader.uint53();
  const value = reader.value();
  if (reader.whole()) handler.promisedValue(acceptorId, ballot, instanceId, valueBallot, value);
}

function readPromiseFrom(reader: MsgpackReader, handler: MessageHandler): void {
  const acceptorId = reader.nodeId();
  const ballot = reader.uint53();
  const from = reader.instance53();
  const to = reader.instance53();
  const promisedBallot = reader.uint53();
  const trimInstanceId = reader.uint53();
  const count = reader.uint53();
  if (!reader.whole()) return;
  handler.promiseFrom(acceptorId, ballot, from, to, promisedBallot, trimInstanceId, count);
}

function readHeartbeat(reader: MsgpackReader, handler: MessageHandler): void {
  const ballot = reader.uint53();
  const chosen = reader.uint53();
  const next = reader.instance53();
  if (reader.whole()) handler.heartbeat(ballot, chosen, next);
}

function readLeader(reader: MsgpackReader, handler: MessageHandler): void {
  const acceptorId = reader.nodeId();
  const ballot = reader.uint53();
  const chosen = reader.uint53();
  const next = reader.instance53();
  if (reader.whole()) handler.leader(acceptorId, ballot, chosen, next);
}

function readForward(reader: MsgpackReader, handler: MessageHandler): void {
  const token = reader.uint53();
  const hops = reader.uint53();
  const value = reader.value();
  if (reader.whole()) handler.forward(token, hops, value);
}

function readForwarded(reader: MsgpackReader, handler: MessageHandler): void {
  const token = reader.uint53();
  const chosen = readFlag(reader);
  if (reader.whole()) handler.forwarded(token, chosen);
}

function readFlag(reader: MsgpackReader): boolean {
  const flag = reader.uint32();
  if (flag > 1) reader.fail(`${flag} where 0 or 1 was expected`);
  return flag === 1;
}

function readRepair(reader: MsgpackReader, handler: MessageHandler): void {
  const acceptorId = reader.nodeId();
  const instanceId = reader.instance53();
  if (reader.whole()) handler.repair(acceptorId, instanceId);
}

function readAcceptedRange(reader: MsgpackReader, handler: MessageHandler): void {
  const acceptorId = reader.nodeId();
  const ballot = reader.uint53();
  const from = reader.instance53();
  const to = reader.instance53();
  if (reader.whole()) handler.acceptedRange(acceptorId, ballot, from, to);
}

function readChosen(reader: MsgpackReader, handler: MessageHandler): void {
  const ballot = reader.uint53();
  const from = reader.instance53();
  const to = reader.instance53();
  if (reader.whole()) handler.chosen(ballot, from, to);
}

function readSpare(reader: MsgpackReader, handler: MessageHandler): void {
  const ballot = reader.uint53();
  if (reader.whole()) handler.spare(ballot);
}

function readStorageIdentity(reader: MsgpackReader, handler: MessageHandler): void {
  const acceptorId = reader.nodeId();
  const identity = reader.uint53();
  if (reader.whole()) handler.storageIdentity(acceptorId, identity);
}

function readOriginals(reader: MsgpackReader, handler: MessageHandler): void {
  const acceptorId = reader.nodeId();
  const areThere = readFlag(reader);
  if (reader.whole()) handler.originals(acceptorId, areThere);
}

function readFetch(reader: MsgpackReader, handler: MessageHandler): void {
  const from = reader.instance53();
  const to = reader.uint53();
  const bytes = reader.uint53();
  if (reader.whole()) handler.fetch(from, to, bytes);
}

function readChosenValue(reader: MsgpackReader, handler: MessageHandler): void {
  const acceptorId = reader.nodeId();
  const instanceId = reader.instance53();
  const ballot = reader.uint53();
  const value = reader.value();
  if (reader.whole()) handler.chosenValue(acceptorId, instanceId, ballot, value);
}

function readFetched(reader: MsgpackReader, handler: MessageHandler): void {
  const acceptorId = reader.nodeId();
  const from = reader.instance53();
  const to = reader.uint53();
  const next = reader.instance53();
  if (reader.whole()) handler.fetched(acceptorId, from, to, next);
}

function readNodeQuery(reader: MsgpackReader, handler: MessageHandler): void {
  const token = reader.uint53();
  if (reader.whole()) handler.nodeQuery(token);
}

function readNodeStatus(reader: MsgpackReader, handler: MessageHandler): void {
  const token = reader.uint53();
  const report = readText(reader, MAX_REPORT_BYTES);
  if (reader.whole()) handler.nodeStatus(token, report);
}

const utf8 = new TextDecoder();

/** Text for people. It ends up in logs and terminals, so what would steer one is taken out. */
function readText(reader: MsgpackReader, maxBytes: number): string {
  const bytes = reader.shortValue(maxBytes);
  return utf8.decode(bytes).replace(/\p{Cc}/gu, '\u{fffd}');
}

const READERS: Readonly<Record<keyof typeof MessageType, Omit<MessageKind, 'name'>>> = {
  prepare: { fields: 2, read: readPrepare },
  promise: { fields: 5, read: readPromise },
  accept: { fields: 3, read: readAccept },
  accepted: { fields: 5, read: readAccepted },
  preempted: { fields: 3, read: readPreempted },
  repeat: { fields: 2, read: readRepeat },
  trim: { fields: 1, read: readTrim },
  acceptorState: { fields: 2, read: readAcceptorState },
  clientValue: { fields: 1, read: readClientValue },
  hello: { fields: 8, read: readHello },
  refused: { fields: 2, read: readRefused },
  ping: { fields: 1, read: readPing },
  pong: { fields: 1, read: readPong },
  query: { fields: 1, read: readQuery },
  status: { fields: 7, read: readStatus },
  prepareFrom: { fields: 3, read: readPrepareFrom },
  promisedValue: { fields: 5, read: readPromisedValue },
  promiseFrom: { fields: 7, read: readPromiseFrom },
  heartbeat: { fields: 3, read: readHeartbeat },
  leader: { fields: 4, read: readLeader },
  forward: { fields: 3, read: readForward },
  forwarded: { fields: 2, read: readForwarded },
  repair: { fields: 2, read: readRepair },
  acceptedRange: { fields: 4, read: readAcceptedRange },
  chosen: { fields: 3, read: readChosen },
  spare: { fields: 1, read: readSpare },
  fetch: { fields: 3, read: readFetch },
  chosenValue: { fields: 4, read: readChosenValue },
  fetched: { fields: 4, read: readFetched },
  storageIdentity: { fields: 2, read: readStorageIdentity },
  originals: { fields: 2, read: readOriginals },
  nodeQuery: { fields: 1, read: readNodeQuery },
  nodeStatus: { fields: 2, read: readNodeStatus },
  ...COMMANDS_READERS,
};

const KINDS: readonly (MessageKind | undefined)[] = byType();

function byType(): (MessageKind | undefined)[] {
  const kinds: (MessageKind | undefined)[] = [];
  for (const [name, type] of Object.entries(MessageType)) {
    const { fields, read } = READERS[name as keyof typeof MessageType];
    kinds[type] = { name, fields, read };
  }
  return kinds;
}
