/**
 * docs/protocol.md against the code: its tables name every message with its type and fields, and each example is, byte
 * for byte, what the encoder writes and what the decoder reads.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clusterFingerprint, makeConfig } from '../../src/config/index.ts';
import { RefusalCode } from '../../src/evpaxos/peer-context.ts';
import { ByteBuffer } from '../../src/transport/buffer.ts';
import { Decoder } from '../../src/transport/decode.ts';
import { describeMessage, encodeMessage } from '../../src/transport/describe.ts';
import { type Message, MessageLog } from '../../src/transport/message-log.ts';
import { MessageType } from '../../src/transport/messages.ts';
import { kindOf } from '../../src/transport/read-message.ts';
import { sectionOf, tableRows } from './markdown.ts';

const page = readFileSync(new URL('../../docs/protocol.md', import.meta.url), 'utf8');

/** Indented blocks that begin with a message in words and go on with its bytes. */
function examples(): { readonly words: string; readonly hex: string }[] {
  const found = page.matchAll(/^ {4}(\S.*)\n((?: {4}(?:[0-9a-f]{2} ?)+\n)+)/gm);
  return [...found].map(([, words = '', bytes = '']) => ({
    words,
    hex: bytes.trim().split(/\s+/).join(' '),
  }));
}

function decode(hex: string): readonly Message[] {
  const log = new MessageLog();
  const bytes = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  expect(new Decoder(log, { maxMessageBytes: 65_536 }).push(new Uint8Array(bytes))).toBeUndefined();
  return log.messages;
}

function encode(message: Message): string {
  const out = new ByteBuffer();
  encodeMessage(out, message);
  return [...out.take()].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}

describe('docs/protocol.md', () => {
  it('shows HELLO and at least two other messages of ours in hex', () => {
    const words = examples().map((example) => example.words.split(' ')[0]);
    expect(words).toEqual(expect.arrayContaining(['hello', 'status', 'prepare-from', 'promise-from']));
  });

  it.each(examples())('$words is what the encoder writes', ({ words, hex }) => {
    const [message, ...more] = decode(hex);
    expect(more).toEqual([]);
    expect(message === undefined ? '' : describeMessage(message)).toBe(words);
    expect(message === undefined ? '' : encode(message)).toBe(hex);
  });

  it('names every message once, with its type and the number of its fields', () => {
    const documented = tableRows(page)
      .filter(([type = '', name = '']) => /^\d+$/.test(type) && /^[A-Z_]+$/.test(name))
      .map(([type, name, fields = '']) => ({ type: Number(type), name, fields: fields.split(',').length }));
    const implemented = Object.entries(MessageType).map(([name, type]) => ({
      type: Number(type),
      name: name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase(),
      fields: kindOf(type)?.fields,
    }));
    const inOrder = (left: { type: number }, right: { type: number }) => left.type - right.type;
    expect(documented.sort(inOrder)).toEqual(implemented.sort(inOrder));
  });

  it('names every code of a refusal', () => {
    const codes = tableRows(sectionOf(page, 'HELLO')).filter(([code = '']) => /^\d$/.test(code));
    expect(codes.map(([code]) => Number(code)).sort()).toEqual(Object.values(RefusalCode).sort());
  });

  it('shows the fingerprint of the default cluster', () => {
    const replicas = [0, 1, 2].map((id) => ({ host: '127.0.0.1', port: 8800 + id }));
    const fingerprint = clusterFingerprint(makeConfig({ replicas })).toString(16);
    expect(page).toContain(`\`3\\nraw\\nlibpaxos\\n\`, and \`${fingerprint}\``);
  });

  it('shows limits and times as they stand in the code', () => {
    const rows = tableRows(sectionOf(page, 'Limits and times'));
    const documented = rows.map(([, value = '', constant = '']) => [
      constant.replaceAll('`', ''),
      Number(value),
    ]);
    expect(documented.length).toBeGreaterThan(10);
    const implemented = documented.map(([constant]) => [constant, constantOf(String(constant))]);
    expect(documented).toEqual(implemented);
  });
});

const SOURCES = sourcesOf(new URL('../../src/', import.meta.url));

function sourcesOf(folder: URL): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const sources = files.filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  return sources.map((name) => readFileSync(new URL(name, folder), 'utf8')).join('\n');
}

/** The number of a constant in src/, which may be written as a product or a power; NaN if there is none, or are two. */
function constantOf(name: string): number {
  const found = SOURCES.matchAll(new RegExp(`^(?:export )?const ${name} = ([\\d_* ]+);`, 'gm'));
  const numbers = new Set([...found].map(([, expression = '']) => numberOf(expression.replaceAll('_', ''))));
  const [number = Number.NaN, ...others] = numbers;
  return others.length === 0 ? number : Number.NaN;
}

function numberOf(expression: string): number {
  const [base = '', exponent] = expression.split('**');
  if (exponent !== undefined) return Number(base) ** Number(exponent);
  return base.split('*').reduce((product, factor) => product * Number(factor), 1);
}
