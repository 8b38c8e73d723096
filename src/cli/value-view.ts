/**
 * ValueView: what an instance's value holds, for people and for programs. Knows no storage.
 *
 * A data directory does not say which `value-format` its cluster has; the value does: with commands it begins with the
 * CLOCK that each leader puts in front.
 */
import { ItemKind, ItemReader } from '../statemachine/items.ts';

/** Bytes: as text if they are printable, in base64 otherwise. */
export type BytesView =
  | { readonly bytes: number; readonly text: string }
  | { readonly bytes: number; readonly base64: string };

export type ItemView =
  | { readonly kind: 'clock'; readonly timeMs: number; readonly seed: number }
  | { readonly kind: 'open'; readonly nonce: string; readonly timeoutMs: number }
  | {
      readonly kind: 'run';
      readonly session: number;
      /** the session's client has every result up to here */
      readonly acknowledged: number;
      /** the sequence number of the first command */
      readonly first: number;
      readonly commands: readonly BytesView[];
    }
  | { readonly kind: 'keep'; readonly session: number; readonly acknowledged: number }
  | { readonly kind: 'close'; readonly session: number }
  | { readonly kind: 'digest'; readonly instance: number; readonly digest: number };

export type ValueView =
  | { readonly format: 'no-op' }
  | { readonly format: 'raw'; readonly value: BytesView }
  /** @property fault why the rest is passed over, by every replica */
  | { readonly format: 'commands'; readonly items: readonly ItemView[]; readonly fault?: string };

/** A CLOCK before this is none, but a value of bytes that happen to look like one: 2020 in ms. */
const FIRST_TIME_MS = Date.UTC(2020, 0);
const LAST_TIME_MS = Date.UTC(2200, 0);
const SHORT_CHARACTERS = 48;
/** Letters, marks, numbers, signs and spaces of any script; no control characters. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}]*$/u;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @param value of an instance that was accepted */
export function viewValue(value: Uint8Array): ValueView {
  if (value.length === 0) return { format: 'no-op' };
  const reader = new ItemReader();
  reader.open(value);
  const items: ItemView[] = [];
  while (reader.next()) {
    items.push(viewItem(reader));
    if (!isClock(items[0])) break;
  }
  if (!isClock(items[0])) return { format: 'raw', value: viewBytes(value) };
  return { format: 'commands', items, ...(reader.fault === undefined ? {} : { fault: reader.fault }) };
}

/** In one line: how many commands of whom, or the bytes. */
export function summaryOf(view: ValueView): string {
  if (view.format === 'no-op') return 'no-op';
  if (view.format === 'raw') return shortText(view.value);
  const parts = view.items.flatMap((item) => (item.kind === 'clock' ? [] : [itemSummary(item)]));
  if (view.fault !== undefined) parts.push(`malformed from here on: ${view.fault}`);
  return parts.length === 0 ? 'nothing but the time' : parts.join('; ');
}

/** Everything, line by line. */
export function valueLines(view: ValueView): readonly string[] {
  if (view.format === 'no-op') return ['no-op: it fills a hole, and no replica does anything'];
  if (view.format === 'raw') return [textOf(view.value)];
  const lines = view.items.flatMap(itemLines);
  return view.fault === undefined
    ? lines
    : [...lines, `MALFORMED from here on, and passed over: ${view.fault}`];
}

export function textOf(view: BytesView): string {
  return 'text' in view ? view.text : `0x${Buffer.from(view.base64, 'base64').toString('hex')}`;
}

function isClock(item: ItemView | undefined): boolean {
  return item?.kind === 'clock' && item.timeMs >= FIRST_TIME_MS && item.timeMs < LAST_TIME_MS;
}

function viewItem(item: ItemReader): ItemView {
  const { session, acknowledged, first, timeMs, seed, timeoutMs } = item;
  switch (item.kind) {
    case ItemKind.clock:
      return { kind: 'clock', timeMs, seed };
    case ItemKind.open:
      return { kind: 'open', nonce: hex(item.nonceHigh) + hex(item.nonceLow), timeoutMs };
    case ItemKind.run: {
      const commands = Array.from({ length: item.count }, () => viewBytes(item.command()));
      return { kind: 'run', session, acknowledged, first, commands };
    }
    case ItemKind.keep:
      return { kind: 'keep', session, acknowledged };
    case ItemKind.close:
      return { kind: 'close', session };
    default:
      return { kind: 'digest', instance: item.instanceId, digest: item.digest };
  }
}

function itemSummary(item: ItemView): string {
  switch (item.kind) {
    case 'clock':
      return timeText(item.timeMs);
    case 'open':
      return 'opens a session';
    case 'run': {
      const [only] = item.commands;
      const count = item.commands.length;
      const what = count === 1 && only !== undefined ? shortText(only) : `${count} commands`;
      return `session ${item.session}: ${what}`;
    }
    case 'keep':
      return `keeps session ${item.session}`;
    case 'close':
      return `closes session ${item.session}`;
    case 'digest':
      return `digest of instance ${item.instance}`;
  }
}

function itemLines(item: ItemView): readonly string[] {
  switch (item.kind) {
    case 'clock':
      return [`CLOCK   ${timeText(item.timeMs)}, seed ${item.seed}`];
    case 'open':
      return [`OPEN    nonce ${item.nonce}, ends ${item.timeoutMs} ms after it was last heard of`];
    case 'run': {
      const { session, first, commands, acknowledged } = item;
      const head = `RUN     session ${session}, ${commands.length} from ${first} on, results up to ${acknowledged} have arrived`;
      return [head, ...commands.map((command, i) => `        ${first + i}  ${textOf(command)}`)];
    }
    case 'keep':
      return [`KEEP    session ${item.session}, results up to ${item.acknowledged} have arrived`];
    case 'close':
      return [`CLOSE   session ${item.session}`];
    case 'digest':
      return [`DIGEST  ${item.digest.toString(16)} after instance ${item.instance}`];
  }
}

function viewBytes(bytes: Uint8Array): BytesView {
  const text = printableText(bytes);
  if (text !== undefined) return { bytes: bytes.length, text };
  return { bytes: bytes.length, base64: Buffer.from(bytes).toString('base64') };
}

function printableText(bytes: Uint8Array): string | undefined {
  try {
    const text = decoder.decode(bytes);
    return PRINTABLE.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

function shortText(view: BytesView): string {
  const text = textOf(view);
  return text.length <= SHORT_CHARACTERS ? text : `${text.slice(0, SHORT_CHARACTERS)}…`;
}

function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString();
}

function hex(uint32: number): string {
  return uint32.toString(16).padStart(8, '0');
}
