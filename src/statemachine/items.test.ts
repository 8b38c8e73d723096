import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader, ByteWriter } from './bytes.ts';
import { clientItemsFault, MAX_CLIENT_ITEMS } from './client-items.ts';
import {
  encodeClock,
  encodeClose,
  encodeDigest,
  encodeKeep,
  encodeOpen,
  encodeRunHead,
  ItemKind,
  ItemReader,
  MAX_RUN_COMMANDS,
  MAX_SESSION_TIMEOUT_MS,
  MIN_SESSION_TIMEOUT_MS,
} from './items.ts';

type Item =
  | { readonly kind: 'clock'; readonly timeMs: number; readonly seed: number }
  | { readonly kind: 'open'; readonly high: number; readonly low: number; readonly timeoutMs: number }
  | {
      readonly kind: 'run';
      readonly session: number;
      readonly acknowledged: number;
      readonly first: number;
      readonly commands: readonly string[];
    }
  | { readonly kind: 'keep'; readonly session: number; readonly acknowledged: number }
  | { readonly kind: 'close'; readonly session: number }
  | { readonly kind: 'digest'; readonly instanceId: number; readonly digest: number };

function write(out: ByteWriter, item: Item): void {
  switch (item.kind) {
    case 'clock':
      encodeClock(out, item.timeMs, item.seed);
      break;
    case 'open':
      encodeOpen(out, item.high, item.low, item.timeoutMs);
      break;
    case 'run':
      encodeRunHead(out, item.session, item.acknowledged, item.first, item.commands.length);
      for (const command of item.commands) {
        const bytes = Buffer.from(command, 'hex');
        out.uint53(bytes.length);
        out.append(bytes);
      }
      break;
    case 'keep':
      encodeKeep(out, item.session, item.acknowledged);
      break;
    case 'close':
      encodeClose(out, item.session);
      break;
    case 'digest':
      encodeDigest(out, item.instanceId, item.digest);
      break;
  }
}

function encoded(...items: readonly Item[]): Uint8Array {
  const out = new ByteWriter(1);
  for (const item of items) write(out, item);
  return out.take();
}

/** What the reader's fields say of the item that it is at. */
function read(reader: ItemReader): Item | undefined {
  switch (reader.kind) {
    case ItemKind.clock:
      return { kind: 'clock', timeMs: reader.timeMs, seed: reader.seed };
    case ItemKind.open:
      return { kind: 'open', high: reader.nonceHigh, low: reader.nonceLow, timeoutMs: reader.timeoutMs };
    case ItemKind.run: {
      const { session, acknowledged, first, count } = reader;
      const commands = Array.from({ length: count }, () => Buffer.from(reader.command()).toString('hex'));
      return { kind: 'run', session, acknowledged, first, commands };
    }
    case ItemKind.keep:
      return { kind: 'keep', session: reader.session, acknowledged: reader.acknowledged };
    case ItemKind.close:
      return { kind: 'close', session: reader.session };
    case ItemKind.digest:
      return { kind: 'digest', instanceId: reader.instanceId, digest: reader.digest };
    default:
      return undefined;
  }
}

function readAll(value: Uint8Array): { readonly items: readonly Item[]; readonly fault: string | undefined } {
  const reader = new ItemReader();
  reader.open(value);
  const items: Item[] = [];
  while (reader.next()) {
    const item = read(reader);
    if (item !== undefined) items.push(item);
  }
  return { items, fault: reader.fault };
}

const uint32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const uint53 = fc.oneof(fc.nat(300), fc.maxSafeNat());
const positive = uint53.map((value) => Math.max(1, value));
const run = fc
  .record({
    session: positive,
    first: positive.map((first) => Math.min(first, Number.MAX_SAFE_INTEGER - 100)),
    back: positive,
    commands: fc.array(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('hex')),
      { minLength: 1, maxLength: 8 },
    ),
  })
  .map(({ session, first, back, commands }): Item => {
    return { kind: 'run', session, acknowledged: Math.max(0, first - back), first, commands };
  });
const anyItem: fc.Arbitrary<Item> = fc.oneof(
  run,
  fc.record({ kind: fc.constant('clock' as const), timeMs: uint53, seed: uint32 }),
  fc.record({
    kind: fc.constant('open' as const),
    high: uint32,
    low: uint32,
    timeoutMs: fc.integer({ min: MIN_SESSION_TIMEOUT_MS, max: MAX_SESSION_TIMEOUT_MS }),
  }),
  fc.record({ kind: fc.constant('keep' as const), session: positive, acknowledged: uint53 }),
  fc.record({ kind: fc.constant('close' as const), session: positive }),
  fc.record({ kind: fc.constant('digest' as const), instanceId: positive, digest: uint53 }),
);

const RUN: Item = { kind: 'run', session: 7, acknowledged: 2, first: 3, commands: ['aa', '', 'bbcc'] };

describe('items', () => {
  it('read back as they were written, and one behind the other too', () => {
    fc.assert(
      fc.property(fc.array(anyItem, { maxLength: 6 }), fc.array(anyItem, { maxLength: 6 }), (one, other) => {
        const joined = Buffer.concat([encoded(...one), encoded(...other)]);
        expect(readAll(joined)).toEqual({ items: [...one, ...other], fault: undefined });
      }),
    );
  });

  it('are none in the empty value', () => {
    expect(readAll(new Uint8Array(0))).toEqual({ items: [], fault: undefined });
  });

  it('may be looked at without reading their commands, and tell where they stand', () => {
    const reader = new ItemReader();
    const value = encoded(RUN, { kind: 'close', session: 9 });
    reader.open(value);
    expect([reader.next(), reader.kind, reader.start, reader.end]).toEqual([
      true,
      ItemKind.run,
      0,
      value.length - 2,
    ]);
    expect([reader.next(), reader.kind, reader.session]).toEqual([true, ItemKind.close, 9]);
    expect([reader.start, reader.end]).toEqual([value.length - 2, value.length]);
    expect(reader.next()).toBe(false);
  });

  it('are read up to the one that is cut short', () => {
    fc.assert(
      fc.property(anyItem, anyItem, fc.nat(), (whole, cut, at) => {
        const [first, second] = [encoded(whole), encoded(cut)];
        const kept = 1 + (at % (second.length - 1));
        const { items, fault } = readAll(Buffer.concat([first, second.subarray(0, kept)]));
        expect(items).toEqual([whole]);
        expect(fault).toBeDefined();
      }),
    );
  });

  it('are never read outside of their bytes, whatever these are, and what is read has no other form', () => {
    fc.assert(
      fc.property(
        fc.array(anyItem, { maxLength: 4 }),
        fc.infiniteStream(fc.nat()),
        fc.nat(12),
        (some, chance, n) => {
          const value = Buffer.from(encoded(...some));
          for (let i = 0; i < n && value.length > 0; i++) {
            value[Number(chance.next().value) % value.length] = Number(chance.next().value);
          }
          // Behind the value stands what must not be looked at: a difference would show that it was.
          const memory = Buffer.concat([Buffer.alloc(8, 1), value, Buffer.alloc(64, 1)]);
          const other = Buffer.concat([Buffer.alloc(8, 2), value, Buffer.alloc(64, 2)]);
          const found = readAll(memory.subarray(8, 8 + value.length));
          expect(readAll(other.subarray(8, 8 + value.length))).toEqual(found);
          const again = encoded(...found.items);
          expect(Buffer.compare(again, value.subarray(0, again.length))).toBe(0);
          if (found.fault === undefined) expect(again.length).toBe(value.length);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('are never more than random bytes hold, and never an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const { items } = readAll(bytes);
        expect(items.length).toBeLessThanOrEqual(bytes.length / 2);
      }),
      { numRuns: 5_000 },
    );
  });

  it('bound the commands of a run, whose count alone allocates nothing', () => {
    const commands = Array.from({ length: MAX_RUN_COMMANDS }, () => '');
    const most: Item = { kind: 'run', session: 1, acknowledged: 0, first: 1, commands };
    expect(readAll(encoded(most)).items).toHaveLength(1);
    expect(readAll(encoded({ ...most, commands: [...commands, ''] })).fault).toMatch(/1025 commands/);
    const out = new ByteWriter();
    encodeRunHead(out, 1, 0, 1, Number.MAX_SAFE_INTEGER);
    expect(readAll(out.take()).fault).toMatch(/9007199254740991 commands/);
  });

  it.each<[string, Item | Uint8Array, RegExp]>([
    ['an unknown kind', Uint8Array.of(9), /kind 9/],
    ['kind 0', Uint8Array.of(0), /kind 0/],
    ['session 0', { kind: 'close', session: 0 }, /session 0/],
    ['sequence 0', { kind: 'run', session: 1, acknowledged: 0, first: 0, commands: [''] }, /sequence 0/],
    ['no command', { kind: 'run', session: 1, acknowledged: 0, first: 1, commands: [] }, /0 commands/],
    ['an acknowledged command', { ...RUN, acknowledged: 3 } as Item, /acknowledged/],
    ['instance 0', { kind: 'digest', instanceId: 0, digest: 1 }, /instance 0/],
    ['a short timeout', { kind: 'open', high: 1, low: 1, timeoutMs: 999 }, /timeout of 999/],
    ['a long timeout', { kind: 'open', high: 1, low: 1, timeoutMs: 86_400_001 }, /timeout/],
    ['a long seed', { kind: 'clock', timeMs: 1, seed: 2 ** 32 }, /above 2\^32-1/],
    ['a padded integer', Uint8Array.of(5, 0x81, 0x00), /more bytes than it needs/],
    ['2^53', Uint8Array.of(5, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10), /above 2\^53-1/],
    ['nine bytes', Uint8Array.of(5, ...Array<number>(8).fill(0x80), 1), /above 2\^53-1/],
    [
      'a run beyond the end',
      { kind: 'run', session: 1, acknowledged: 0, first: Number.MAX_SAFE_INTEGER, commands: ['', ''] },
      /last sequence/,
    ],
  ])('refuse %s', (_, item, reason) => {
    const { items, fault } = readAll(item instanceof Uint8Array ? item : encoded(item));
    expect(items).toEqual([]);
    expect(fault).toMatch(reason);
  });
});

describe('integers', () => {
  it.each([0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32, 2 ** 49, Number.MAX_SAFE_INTEGER])(
    'hold %d',
    (value) => {
      const out = new ByteWriter(1);
      out.uint53(value);
      const reader = new ByteReader();
      reader.open(out.take());
      expect([reader.uint53(), reader.isAtEnd, reader.fault]).toEqual([value, true, undefined]);
    },
  );

  it('keep their first fault, and give 0 from then on', () => {
    const reader = new ByteReader();
    reader.open(Uint8Array.of(1, 0x80));
    expect([reader.uint53(), reader.uint53(), reader.byte(), reader.view(1).length]).toEqual([1, 0, 0, 0]);
    reader.moveTo(0);
    expect([reader.uint53(), reader.fault]).toEqual([0, 'ends within an integer']);
  });
});

describe('what a client may hand in', () => {
  const OPEN: Item = { kind: 'open', high: 1, low: 2, timeoutMs: 30_000 };
  const KEEP: Item = { kind: 'keep', session: 7, acknowledged: 1 };

  it('is an OPEN without a session, and its own session with one', () => {
    expect(clientItemsFault(encoded(OPEN), 0)).toBeUndefined();
    expect(clientItemsFault(encoded(RUN, KEEP, RUN, { kind: 'close', session: 7 }), 7)).toBeUndefined();
  });

  it('is nothing else', () => {
    expect(clientItemsFault(new Uint8Array(0), 7)).toMatch(/no item/);
    expect(clientItemsFault(encoded(OPEN), 7)).toMatch(/an OPEN within session 7/);
    expect(clientItemsFault(encoded(RUN), 0)).toMatch(/session 7, not 0/);
    expect(clientItemsFault(encoded(KEEP, RUN), 8)).toMatch(/session 7, not 8/);
    expect(clientItemsFault(encoded(RUN, { kind: 'clock', timeMs: 1, seed: 1 }), 7)).toMatch(/kind 1/);
    expect(clientItemsFault(encoded({ kind: 'digest', instanceId: 1, digest: 1 }), 7)).toMatch(/kind 6/);
    expect(clientItemsFault(Buffer.concat([encoded(RUN), Uint8Array.of(77)]), 7)).toMatch(/kind 77/);
    expect(clientItemsFault(encoded(RUN).subarray(0, -1), 7)).toMatch(/ends within/);
  });

  it('is bounded', () => {
    const most = Array.from({ length: MAX_CLIENT_ITEMS }, () => KEEP);
    expect(clientItemsFault(encoded(...most), 7)).toBeUndefined();
    expect(clientItemsFault(encoded(...most, KEEP), 7)).toMatch(/more than 1024/);
  });
});
