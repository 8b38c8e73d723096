import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesCodec, type Codec, jsonCodec, withDefaultCodecs } from './codec.ts';

describe('jsonCodec', () => {
  it('gives back what JSON can hold', () => {
    const codec = jsonCodec<unknown>();
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(codec.decode(codec.encode(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('has no bytes for undefined, and gives it back', () => {
    const codec = jsonCodec<undefined>();
    expect(codec.encode(undefined)).toHaveLength(0);
    expect(codec.decode(new Uint8Array(0))).toBeUndefined();
  });

  it.each<[string, Uint8Array]>([
    ['no JSON', Buffer.from('{')],
    ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
    ['a mark in front', Buffer.from('\ufeff1')],
  ])('refuses %s', (_, bytes) => {
    expect(() => jsonCodec().decode(bytes)).toThrow();
  });
});

describe('bytesCodec', () => {
  it('gives bytes as they are', () => {
    const bytes = Uint8Array.of(1, 2);
    expect(bytesCodec.decode(bytesCodec.encode(bytes))).toBe(bytes);
  });
});

describe('withDefaultCodecs', () => {
  it('takes what is given, and JSON for the rest', () => {
    const command: Codec<number> = {
      encode: (value) => Uint8Array.of(value),
      decode: (bytes) => bytes[0] ?? 0,
    };
    const codecs = withDefaultCodecs<number, string, string, string>({ command });
    expect(codecs.command).toBe(command);
    for (const codec of [codecs.result, codecs.query, codecs.answer]) {
      expect(Buffer.from(codec.encode('a')).toString()).toBe('"a"');
    }
  });
});
