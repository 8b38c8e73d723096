/**
 * What a client may hand in: items that are about its own session and nothing else. A replica asks this before it
 * proposes a client's bytes, since what is chosen is applied by everybody.
 */
import { ItemKind, ItemReader } from './items.ts';

/** The most items of one message of a client. */
export const MAX_CLIENT_ITEMS = 1024;

const UNOPENED = 0;

/**
 * Says what is wrong with the items of a client; undefined: nothing is.
 *
 * @param items what the client sent
 * @param session the session that it sent them for; 0: it has none yet, and may only open one
 * @param reader to be used for it, where one is at hand
 */
export function clientItemsFault(
  items: Uint8Array,
  session: number,
  reader: ItemReader = new ItemReader(),
): string | undefined {
  if (items.length === 0) return 'no item';
  reader.open(items);
  for (let count = 1; reader.next(); count++) {
    if (count > MAX_CLIENT_ITEMS) return `more than ${MAX_CLIENT_ITEMS} items`;
    const fault = itemFault(reader, session);
    if (fault !== undefined) return fault;
  }
  return reader.fault;
}

function itemFault(reader: ItemReader, session: number): string | undefined {
  switch (reader.kind) {
    case ItemKind.open:
      return session === UNOPENED ? undefined : `an OPEN within session ${session}`;
    case ItemKind.run:
    case ItemKind.keep:
    case ItemKind.close:
      return reader.session === session ? undefined : `an item of session ${reader.session}, not ${session}`;
    default:
      return `an item of kind ${reader.kind}, which is no client's`;
  }
}
