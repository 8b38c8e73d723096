/**
 * What the C original's nodes said to each other, recorded from its binaries: single messages with their fields, and
 * stretches of whole connections. Compressed, since the hex of random values takes 2 MB.
 */

import { readFileSync } from 'node:fs';
import { brotliDecompressSync } from 'node:zlib';
import type { Message } from '../../src/transport/message-log.ts';

export interface RecordedMessage {
  readonly bytes: Uint8Array;
  readonly message: Message;
}

export interface RecordedStream {
  /** which recording, which node's connection, and which way */
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly messages: number;
  /** how many messages of each type, by the original's names */
  readonly types: Readonly<Record<string, number>>;
}

/** A line of messages.json; which fields it has depends on the type. */
interface MessageLine {
  readonly type: string;
  readonly hex: string;
  readonly aid: number;
  readonly iid: number;
  readonly ballot: number;
  readonly value_ballot: number;
  readonly value: string;
  readonly from: number;
  readonly to: number;
  readonly trim_iid: number;
}

interface StreamLine {
  readonly scenario: string;
  readonly link: string;
  readonly connection: number;
  readonly direction: string;
  readonly messages: number;
  readonly types: Record<string, number>;
  readonly hex: string;
}

export function recordedMessages(): readonly RecordedMessage[] {
  const lines: MessageLine[] = readLines('messages.json.br');
  return lines.map((line) => ({ bytes: fromHex(line.hex), message: messageOf(line) }));
}

export function recordedStreams(): readonly RecordedStream[] {
  const lines: StreamLine[] = readLines('streams.json.br');
  return lines.map(({ scenario, link, connection, direction, messages, types, hex }) => {
    const name = `recording ${scenario}, connection ${connection} of ${link}, ${direction}`;
    return { name, bytes: fromHex(hex), messages, types };
  });
}

/** The original's name of a message. */
export function originalName(message: Message): string {
  return message.type.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

function messageOf(line: MessageLine): Message {
  const {
    aid: acceptorId,
    iid: instanceId,
    ballot,
    value_ballot: valueBallot,
    trim_iid: trimInstanceId,
  } = line;
  const value = fromHex(line.value ?? '');
  switch (line.type) {
    case 'PREPARE':
      return { type: 'prepare', instanceId, ballot };
    case 'PROMISE':
      return { type: 'promise', acceptorId, instanceId, ballot, valueBallot, value };
    case 'ACCEPT':
      return { type: 'accept', instanceId, ballot, value };
    case 'ACCEPTED':
      return { type: 'accepted', acceptorId, instanceId, ballot, valueBallot, value };
    case 'PREEMPTED':
      return { type: 'preempted', acceptorId, instanceId, ballot };
    case 'REPEAT':
      return { type: 'repeat', from: line.from, to: line.to };
    case 'TRIM':
      return { type: 'trim', instanceId };
    case 'ACCEPTOR_STATE':
      return { type: 'acceptorState', acceptorId, trimInstanceId };
    case 'CLIENT_VALUE':
      return { type: 'clientValue', value };
    default:
      throw new Error(`a recorded message of type ${line.type}`);
  }
}

function readLines<Line>(name: string): Line[] {
  const compressed = readFileSync(new URL(name, import.meta.url));
  return JSON.parse(brotliDecompressSync(compressed).toString('utf8'));
}

/** Plain Uint8Arrays, so that they equal what a decoder gives. */
function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}
