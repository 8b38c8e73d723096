/**
 * Parts: what of a chosen value somebody handed in. A raw value is handed in as it is; an instance of commands holds a
 * batch of them, and items that only say how the cluster is.
 */
import { ItemKind, ItemReader } from '../statemachine/items.ts';
import { text } from './text.ts';

/** The parts of a value that have to come from somebody, as text. */
export type PartsOf = (value: Uint8Array) => readonly string[];

export const rawParts: PartsOf = (value) => [text(value)];

/** The commands in it. What is malformed is a part that nobody handed in. */
export const commandParts: PartsOf = (value) => {
  const parts: string[] = [];
  const reader = new ItemReader();
  reader.open(value);
  while (reader.next())
    if (reader.kind === ItemKind.run)
      for (let i = 0; i < reader.count; i++) parts.push(text(reader.command()));
  if (reader.fault !== undefined) parts.push(`malformed: ${reader.fault}`);
  return parts;
};

/** The items of a value, for people. */
export function describeItems(value: Uint8Array): string {
  if (value.length === 0) return 'no-op';
  const words: string[] = [];
  const reader = new ItemReader();
  reader.open(value);
  while (reader.next()) words.push(describeItem(reader));
  if (reader.fault !== undefined) words.push(`malformed (${reader.fault})`);
  return words.join(' ');
}

function describeItem(reader: ItemReader): string {
  switch (reader.kind) {
    case ItemKind.clock:
      return `clock(${reader.timeMs})`;
    case ItemKind.open:
      return `open(${reader.nonceHigh}:${reader.nonceLow}, ${reader.timeoutMs} ms)`;
    case ItemKind.run: {
      const last = reader.first + reader.count - 1;
      return `run(session ${reader.session}, ${reader.first}..${last}, knows ${reader.acknowledged})`;
    }
    case ItemKind.keep:
      return `keep(session ${reader.session})`;
    case ItemKind.close:
      return `close(session ${reader.session})`;
    default:
      return `digest(after ${reader.instanceId})`;
  }
}

/** The commands of a value by session and sequence number, `3:17`. */
export function* sequencesOf(value: Uint8Array): Generator<string> {
  const reader = new ItemReader();
  reader.open(value);
  while (reader.next())
    if (reader.kind === ItemKind.run)
      for (let i = 0; i < reader.count; i++) yield `${reader.session}:${reader.first + i}`;
}
