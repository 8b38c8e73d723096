import { describe, expect, it } from 'vitest';
import { chunksOf, gather } from './snapshot-reader.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const textOf = async (chunks: AsyncIterable<Uint8Array>) => new TextDecoder().decode(await gather(chunks));

describe('chunksOf', () => {
  it('gives a string, bytes, and what is iterated over, alike', async () => {
    async function* later() {
      yield bytes('a');
      yield bytes('b');
    }
    for (const source of ['ab', bytes('ab'), [bytes('a'), bytes('b')], later()])
      expect(await textOf(chunksOf(source))).toBe('ab');
    for (const source of ['', new Uint8Array(0), []]) expect(await textOf(chunksOf(source))).toBe('');
  });

  it('begins a generator at once: what it captures first is of that moment', async () => {
    const state = ['one'];
    function* snapshot() {
      const captured = [...state];
      for (const each of captured) yield bytes(each);
    }
    async function* snapshotLater() {
      const captured = [...state];
      for (const each of captured) yield bytes(each);
    }
    const chunks = chunksOf(snapshot());
    const laterChunks = chunksOf(snapshotLater());
    state.push('two');
    expect(await textOf(chunks)).toBe('one');
    expect(await textOf(laterChunks)).toBe('one');
  });

  it('tells of a generator that fails when it is read, and of nothing before', async () => {
    async function* failing() {
      yield* [bytes('a')].slice(1);
      throw new Error('no state');
    }
    const chunks = chunksOf(failing());
    await new Promise((resolve) => setImmediate(resolve));
    await expect(gather(chunks)).rejects.toThrow('no state');
  });

  it.each(['[[1, 2]]', '["text"]', '[{}]'])('refuses chunks that are no bytes: %s', async (json) => {
    // What a machine in plain JavaScript may do: kept like that, its state would be lost with the log.
    const source: Uint8Array[] = JSON.parse(json);
    await expect(gather(chunksOf(source))).rejects.toThrow('no Uint8Array');
    await expect(gather(chunksOf([bytes('a'), ...source]))).rejects.toThrow('no Uint8Array');
  });

  it('ends a generator that is not read to its end', async () => {
    let isOver = false;
    function* snapshot() {
      try {
        for (;;) yield bytes('a');
      } finally {
        isOver = true;
      }
    }
    for await (const chunk of chunksOf(snapshot())) if (chunk.length > 0) break;
    expect(isOver).toBe(true);
  });
});
