/**
 * Codecs: how commands, results, queries and answers become bytes, and bytes become them.
 *
 * Invariant of a codec: encode gives the same bytes for the same value on every replica, since results are compared by
 * their bytes; decode either gives a value or throws an Error, whatever the bytes.
 */

export interface Codec<T> {
  encode(value: T): Uint8Array;
  /**
   * The value that these bytes stand for. They are a view into a larger buffer, and are never written again; who keeps
   * them, keeps the whole buffer.
   * @throws Error if they stand for none
   */
  decode(bytes: Uint8Array): T;
}

/** How each of the four kinds of values that cross the network becomes bytes. */
export interface Codecs<Command, Result, Query, Answer> {
  readonly command: Codec<Command>;
  readonly result: Codec<Result>;
  readonly query: Codec<Query>;
  readonly answer: Codec<Answer>;
}

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();
/** Bytes that are no UTF-8 are no JSON: a replaced character would be a command that nobody gave. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * JSON, in UTF-8. `undefined` is no bytes at all, so a result may be missing.
 *
 * What decode gives is what JSON holds, which is believed to be a T and not looked at: a machine that wants to be sure
 * looks itself, or takes a codec that does.
 */
export function jsonCodec<T>(): Codec<T> {
  return {
    encode: (value) => {
      const text: string | undefined = JSON.stringify(value);
      return text === undefined ? NO_BYTES : encoder.encode(text);
    },
    decode: (bytes) => (bytes.length === 0 ? undefined : JSON.parse(decoder.decode(bytes))),
  };
}

/** Bytes as they are. Nothing is copied. */
export const bytesCodec: Codec<Uint8Array> = {
  encode: (value) => value,
  decode: (bytes) => bytes,
};

/** All four codecs; JSON where none is given. */
export function withDefaultCodecs<Command, Result, Query, Answer>(
  codecs: Partial<Codecs<Command, Result, Query, Answer>> = {},
): Codecs<Command, Result, Query, Answer> {
  return {
    command: codecs.command ?? jsonCodec(),
    result: codecs.result ?? jsonCodec(),
    query: codecs.query ?? jsonCodec(),
    answer: codecs.answer ?? jsonCodec(),
  };
}
