/** Echoes: what a client said is said again, byte for byte, on a connection of its own, to every replica it talked to. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { ByteBuffer } from '../../src/transport/buffer.ts';
import { encodeHello, encodePing } from '../../src/transport/encode.ts';
import { encodeCommands } from '../../src/transport/encode-commands.ts';
import { Echoes } from './echoes.ts';

const HELLO = {
  version: 1,
  roles: 8,
  id: 0,
  process: 5,
  capabilities: 31,
  fingerprint: 77,
  software: 'test',
  storage: 0,
};

const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function encoded(encode: (out: ByteBuffer) => void): Uint8Array {
  const out = new ByteBuffer();
  encode(out);
  return out.take();
}

/** A listener, and the next connection's bytes until so many came. */
async function listener() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ends.push(() => server.close());
  const address: AddressInfo | string | null = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('a TCP server has a port');
  const heard = async (length: number) => {
    const [socket] = await once(server, 'connection');
    let bytes = Buffer.alloc(0);
    for await (const piece of socket) {
      bytes = Buffer.concat([bytes, piece]);
      if (bytes.length >= length) return bytes;
    }
    return bytes;
  };
  return { port: address.port, heard };
}

it('say again what a client said, its HELLO first, and nothing but commands', async () => {
  const { port, heard } = await listener();
  const echoes = new Echoes();
  ends.push(() => echoes.close());
  echoes.begin(() => port);
  const hello = encoded((out) => encodeHello(out, HELLO));
  const ping = encoded((out) => encodePing(out, 9));
  const commands = [1, 2, 3].map((n) => encoded((out) => encodeCommands(out, 7, Uint8Array.of(n, n, n))));
  const all = Buffer.concat([hello, ping, ...commands]);
  const hear = echoes.hear('c0', 'r0');
  expect(echoes.sayAgain('c0')).toBe(0);
  // In two pieces, split in the middle of a message.
  hear(all.subarray(0, hello.length + 5));
  hear(all.subarray(hello.length + 5));
  const expected = Buffer.concat([hello, ...commands]);
  const came = heard(expected.length);
  expect(echoes.sayAgain('c0')).toBe(3);
  expect(await came).toEqual(expected);
  expect(echoes.messages).toBe(3);
  expect(echoes.sayAgain('c1')).toBe(0);
});

it('keep no more of a client than its last messages', () => {
  const echoes = new Echoes();
  echoes.begin(() => undefined);
  const hear = echoes.hear('c0', 'r0');
  hear(encoded((out) => encodeHello(out, HELLO)));
  for (let n = 0; n < 100; n++) hear(encoded((out) => encodeCommands(out, 7, Uint8Array.of(n))));
  expect(echoes.sayAgain('c0')).toBe(32);
});
