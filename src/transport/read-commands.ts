/**
 * Reads the messages of CommandsMessageHandler, as read-message.ts does the others.
 */
import { Consistency, type MessageHandler, type MessageType, ReadStatus } from './messages.ts';
import type { MsgpackReader } from './msgpack.ts';

function readConfirm(reader: MsgpackReader, handler: MessageHandler): void {
  const ballot = reader.uint53();
  const token = reader.uint53();
  const leaseMs = reader.uint53();
  if (reader.whole()) handler.commands.confirm(ballot, token, leaseMs);
}

function readConfirmed(reader: MsgpackReader, handler: MessageHandler): void {
  const acceptorId = reader.nodeId();
  const ballot = reader.uint53();
  const token = reader.uint53();
  if (reader.whole()) handler.commands.confirmed(acceptorId, ballot, token);
}

function readReadIndex(reader: MsgpackReader, handler: MessageHandler): void {
  const token = reader.uint53();
  if (reader.whole()) handler.commands.readIndex(token);
}

function readReadIndexIs(reader: MsgpackReader, handler: MessageHandler): void {
  const token = reader.uint53();
  const next = reader.uint53();
  if (reader.whole()) handler.commands.readIndexIs(token, next);
}

function readCommands(reader: MsgpackReader, handler: MessageHandler): void {
  const session = reader.uint53();
  const items = reader.value();
  if (reader.whole()) handler.commands.commands(session, items);
}

function readResults(reader: MsgpackReader, handler: MessageHandler): void {
  const session = reader.uint53();
  const results = reader.value();
  if (reader.whole()) handler.commands.results(session, results);
}

function readRead(reader: MsgpackReader, handler: MessageHandler): void {
  const token = reader.uint53();
  const consistency = readUpTo(reader, Consistency.local);
  const query = reader.value();
  if (reader.whole()) handler.commands.read(token, consistency, query);
}

function readReadResult(reader: MsgpackReader, handler: MessageHandler): void {
  const token = reader.uint53();
  const status = readUpTo(reader, ReadStatus.unavailable);
  const answer = reader.value();
  if (reader.whole()) handler.commands.readResult(token, status, answer);
}

function readSnapshotAt(reader: MsgpackReader, handler: MessageHandler): void {
  const instanceId = reader.instance53();
  const snapshotId = reader.uint53();
  const bytes = reader.uint53();
  if (reader.whole()) handler.commands.snapshotAt(instanceId, snapshotId, bytes);
}

function readFetchSnapshot(reader: MsgpackReader, handler: MessageHandler): void {
  const snapshotId = reader.uint53();
  const offset = reader.uint53();
  if (reader.whole()) handler.commands.fetchSnapshot(snapshotId, offset);
}

function readSnapshotPiece(reader: MsgpackReader, handler: MessageHandler): void {
  const snapshotId = reader.uint53();
  const offset = reader.uint53();
  const totalBytes = reader.uint53();
  const piece = reader.value();
  if (reader.whole()) handler.commands.snapshotPiece(snapshotId, offset, totalBytes, piece);
}

function readSessionOpened(reader: MsgpackReader, handler: MessageHandler): void {
  const nonceHigh = reader.uint32();
  const nonceLow = reader.uint32();
  const session = reader.uint53();
  if (reader.whole()) handler.commands.sessionOpened(nonceHigh, nonceLow, session);
}

function readUpTo(reader: MsgpackReader, highest: number): number {
  const code = reader.uint32();
  if (code > highest) reader.fail(`${code} where 0 to ${highest} was expected`);
  return code;
}

/** How many fields each has, and how they are read. */
export const COMMANDS_READERS = {
  confirm: { fields: 3, read: readConfirm },
  confirmed: { fields: 3, read: readConfirmed },
  readIndex: { fields: 1, read: readReadIndex },
  readIndexIs: { fields: 2, read: readReadIndexIs },
  commands: { fields: 2, read: readCommands },
  results: { fields: 2, read: readResults },
  read: { fields: 3, read: readRead },
  readResult: { fields: 3, read: readReadResult },
  snapshotAt: { fields: 3, read: readSnapshotAt },
  fetchSnapshot: { fields: 2, read: readFetchSnapshot },
  snapshotPiece: { fields: 4, read: readSnapshotPiece },
  sessionOpened: { fields: 3, read: readSessionOpened },
} as const satisfies Partial<
  Record<
    keyof typeof MessageType,
    { readonly fields: number; readonly read: (reader: MsgpackReader, handler: MessageHandler) => void }
  >
>;
