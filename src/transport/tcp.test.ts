import { once } from 'node:events';
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { PaxosError } from '../paxos/error.ts';
import { isSelfConnected, TcpTransport } from './tcp.ts';
import type { Link, LinkEvents, Listener } from './transport.ts';

const LOOPBACK = '127.0.0.1';
const tcp = new TcpTransport({ noDelay: true });

/** What happened to one link, in order, and promises of what will. */
class Recorder implements LinkEvents {
  readonly told: string[] = [];
  readonly chunks: Uint8Array[] = [];
  receivedBytes = 0;
  reason: string | undefined;
  #waiting: (() => void)[] = [];

  connected(): void {
    this.#note('connected');
  }

  data(bytes: Uint8Array): void {
    this.chunks.push(bytes);
    this.receivedBytes += bytes.length;
    this.#note('data');
  }

  drained(): void {
    this.#note('drained');
  }

  closed(reason: string | undefined): void {
    this.reason = reason;
    this.#note('closed');
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  untilTold(event: string): Promise<void> {
    return this.until(() => this.told.includes(event));
  }

  #note(event: string): void {
    this.told.push(event);
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

const listeners: Listener[] = [];
const links: Link[] = [];

afterEach(async () => {
  for (const link of links.splice(0)) link.close();
  for (const listener of listeners.splice(0)) await listener.close();
});

interface Accepting {
  readonly port: number;
  /** The next link that comes in, with its recorder. */
  next(): Promise<{ link: Link; seen: Recorder }>;
}

async function listen(): Promise<Accepting> {
  const arrived: { link: Link; seen: Recorder }[] = [];
  const waiting: ((arrival: { link: Link; seen: Recorder }) => void)[] = [];
  const listener = await tcp.listen(0, (link) => {
    const arrival = { link, seen: new Recorder() };
    links.push(link);
    const wake = waiting.shift();
    if (wake === undefined) arrived.push(arrival);
    else wake(arrival);
    return arrival.seen;
  });
  listeners.push(listener);
  return {
    port: listener.port,
    next: async () => arrived.shift() ?? new Promise((resolve) => waiting.push(resolve)),
  };
}

function connect(port: number, host = LOOPBACK, transport = tcp): { link: Link; seen: Recorder } {
  const seen = new Recorder();
  const link = transport.connect({ host, port }, seen);
  links.push(link);
  return { link, seen };
}

/** Both ends of one connection. */
async function pair() {
  const server = await listen();
  const here = connect(server.port);
  const there = await server.next();
  await here.seen.untilTold('connected');
  return { here, there };
}

/** What is thrown next where nobody catches it; the test's runner does not hear of it. */
async function nextUncaught(): Promise<unknown> {
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  try {
    return await new Promise((resolve) => process.once('uncaughtException', resolve));
  } finally {
    for (const listener of others) process.on('uncaughtException', listener);
  }
}

/** Which end reads: each has its own way. */
const READERS = ['who was connected to', 'who connected'] as const;

/** Both ends of one connection: `here` writes, `there` reads. */
async function pairReadBy(reader: (typeof READERS)[number]) {
  const { here, there } = await pair();
  return reader === 'who connected' ? { here: there, there: here } : { here, there };
}

/** A listening socket of plain Node, for ends that behave as no node of ours does. */
async function rawListener(onSocket: (socket: Socket) => void): Promise<number> {
  const server = createServer(onSocket);
  server.listen(0, LOOPBACK);
  await once(server, 'listening');
  listeners.push({ port: 0, close: async () => void server.close() });
  return portOf(server.address());
}

function portOf(address: AddressInfo | string | null): number {
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const listener = await tcp.listen(0, () => new Recorder());
  await listener.close();
  return listener.port;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('TcpTransport.connect', () => {
  it('tells connected, carries bytes both ways, and tells closed once at both ends', async () => {
    const { here, there } = await pair();
    here.link.write(bytes('ping'));
    await there.seen.until(() => there.seen.text === 'ping');
    there.link.write(bytes('pong'));
    await here.seen.until(() => here.seen.text === 'pong');
    here.link.close();
    await Promise.all([here.seen.untilTold('closed'), there.seen.untilTold('closed')]);
    expect(here.seen.told).toEqual(['connected', 'data', 'closed']);
    expect(there.seen.told).toEqual(['data', 'closed']);
    expect([here.seen.reason, there.seen.reason]).toEqual([undefined, undefined]);
  });

  it('takes a host name, and shows it until the address is known', async () => {
    const server = await listen();
    const { link, seen } = connect(server.port, 'localhost');
    expect(link.remote).toBe(`localhost:${server.port}`);
    await seen.untilTold('connected');
    expect(link.remote).toBe(`${LOOPBACK}:${server.port}`);
    const accepted = await server.next();
    expect(accepted.link.remote).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it('shows an IPv6 address in brackets', async () => {
    const { link, seen } = connect(await freePort(), '::1');
    expect(link.remote).toMatch(/^\[::1\]:\d+$/);
    await seen.untilTold('closed');
  });

  it('sends what was written before the connection was up', async () => {
    const server = await listen();
    const { link, seen } = connect(server.port);
    link.write(bytes('early'));
    expect(link.waitingBytes).toBe(5);
    const accepted = await server.next();
    await accepted.seen.until(() => accepted.seen.text === 'early');
    await seen.untilTold('drained');
    expect(seen.told).toEqual(['connected', 'drained']);
    expect(link.waitingBytes).toBe(0);
  });

  it('tells nothing before it has returned, a failure that is known at once included', async () => {
    const { seen } = connect(70_000);
    expect(seen.told).toEqual([]);
    await seen.untilTold('closed');
    expect(seen.reason).toBe('no such port');
  });

  it('tells in words that a connection was refused', async () => {
    const { seen } = connect(await freePort());
    await seen.untilTold('closed');
    expect(seen.told).toEqual(['closed']);
    expect(seen.reason).toBe('connection refused');
  });

  it('tells in words that a host name is unknown', async () => {
    const { seen } = connect(80, 'no-such-host.invalid');
    await seen.untilTold('closed');
    // a machine without a name server hears the second
    expect(['host name not found', 'the name service does not answer']).toContain(seen.reason);
  });

  it('ends as closed, without connected, when closed while connecting', async () => {
    const server = await listen();
    const { link, seen } = connect(server.port);
    link.close();
    expect(seen.told).toEqual([]);
    await seen.untilTold('closed');
    expect(seen.told).toEqual(['closed']);
    expect(seen.reason).toBeUndefined();
  });

  it('gives up a connection that nobody answers', async () => {
    const { worker, port } = await deafListener();
    const impatient = new TcpTransport({ noDelay: true, connectTimeoutMs: 100 });
    const dialled: Recorder[] = [];
    try {
      // its backlog takes the first few; the kernel drops the knocking of the rest
      while (!dialled.some((seen) => seen.told.includes('closed'))) {
        const { seen } = connect(port, LOOPBACK, impatient);
        dialled.push(seen);
        await seen.until(() => seen.told.length > 0);
      }
      expect(dialled.at(-1)?.told).toEqual(['closed']);
      expect(dialled.at(-1)?.reason).toBe('no answer within 0.1 s');
    } finally {
      await worker.terminate();
    }
  });
});

describe('isSelfConnected', () => {
  it('tells a socket that is its own other end from all others', async () => {
    const port = await freePort();
    const socket = connectSocket({ port, localPort: port, host: LOOPBACK });
    await once(socket, 'connect');
    expect(isSelfConnected(socket)).toBe(true);
    socket.destroy();

    const { port: listening } = await listen();
    const ordinary = connectSocket({ port: listening, host: LOOPBACK });
    await once(ordinary, 'connect');
    expect(isSelfConnected(ordinary)).toBe(false);
    ordinary.destroy();
  });
});

/** A port of a thread that never takes a connection in: it stands still for good. */
async function deafListener(): Promise<{ worker: Worker; port: number }> {
  const source = `
    const { parentPort } = require('node:worker_threads');
    const server = require('node:net').createServer().listen({ port: 0, host: '${LOOPBACK}', backlog: 1 }, () => {
      parentPort.postMessage(server.address().port);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });`;
  const worker = new Worker(source, { eval: true });
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  return { worker, port };
}

describe('TcpTransport.listen', () => {
  it('says what to do when the port is taken', async () => {
    const { port } = await listen();
    const second = tcp.listen(port, () => new Recorder());
    await expect(second).rejects.toThrow(
      `port ${port} is already in use: end the process that listens there, or give this node another port`,
    );
    await expect(second).rejects.toMatchObject({ name: 'PaxosError', code: 'ADDRESS_IN_USE' });
  });

  it('says in one line what else keeps it from listening', async () => {
    const error: unknown = await tcp.listen(70_000, () => new Recorder()).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(PaxosError);
    expect(error).toMatchObject({
      code: 'LISTEN_FAILED',
      message: 'cannot listen on port 70000: no such port',
    });
  });

  it('gives the port back when it is closed, and leaves its links alone', async () => {
    const accepted = new Recorder();
    const listener = await tcp.listen(0, (link) => {
      links.push(link);
      return accepted;
    });
    const { link, seen } = connect(listener.port);
    await seen.untilTold('connected');
    link.write(bytes('before'));
    await accepted.until(() => accepted.text === 'before');
    await listener.close();
    listeners.push(await tcp.listen(listener.port, () => new Recorder()));
    link.write(bytes(' and after'));
    await accepted.until(() => accepted.text === 'before and after');
  });

  it('may be closed twice', async () => {
    const listener = await tcp.listen(0, () => new Recorder());
    await listener.close();
    await listener.close();
  });

  it('lets a link be closed while it is taken in', async () => {
    const accepted = new Recorder();
    const listener = await tcp.listen(0, (link) => {
      link.write(bytes('go away'));
      link.close();
      return accepted;
    });
    listeners.push(listener);
    const { seen } = connect(listener.port);
    await Promise.all([accepted.untilTold('closed'), seen.untilTold('closed')]);
    expect(accepted.told).toEqual(['closed']);
  });
});

describe('a link', () => {
  it('lets writes wait for a peer that does not read, and tells drained once it has', async () => {
    const { here, there } = await pair();
    there.link.pause();
    const chunk = new Uint8Array(1 << 20).fill(7);
    let writtenBytes = 0;
    // more than the kernel holds for both ends: 32 MB must end up waiting here
    while (here.link.waitingBytes < 32 << 20) {
      here.link.write(chunk);
      writtenBytes += chunk.length;
    }
    expect(here.seen.told).toEqual(['connected']);
    expect(there.seen.told).toEqual([]);

    there.link.resume();
    await here.seen.untilTold('drained');
    expect(here.link.waitingBytes).toBe(0);
    await there.seen.until(() => there.seen.receivedBytes === writtenBytes);
    expect(
      there.seen.chunks.every((received) => Buffer.from(received).equals(chunk.subarray(0, received.length))),
    ).toBe(true);
    expect(here.seen.told).toEqual(['connected', 'drained']);
  });

  it('tells drained for what was written while it was taken in', async () => {
    const accepted = new Recorder();
    const listener = await tcp.listen(0, (link) => {
      links.push(link);
      while (link.waitingBytes < 8 << 20) link.write(new Uint8Array(1 << 20));
      return accepted;
    });
    listeners.push(listener);
    connect(listener.port);
    await accepted.untilTold('drained');
  });

  it('tells drained for a few waiting bytes as well as for many', async () => {
    const server = await listen();
    const { link, seen } = connect(server.port);
    link.write(bytes('x'));
    await seen.untilTold('drained');
    expect(link.waitingBytes).toBe(0);
  });

  it('tells no drained for a write that did not have to wait', async () => {
    const { here, there } = await pair();
    for (let i = 1; i <= 10; i++) {
      here.link.write(bytes('x'));
      expect(here.link.waitingBytes).toBe(0);
      await there.seen.until(() => there.seen.receivedBytes === i);
    }
    expect(here.seen.told).toEqual(['connected']);
  });

  it.each(READERS)(
    '%s tells no data while it is paused, and all of it afterwards, in order',
    async (reader) => {
      const { here, there } = await pairReadBy(reader);
      there.link.pause();
      for (let i = 0; i < 100; i++) here.link.write(bytes(`${i},`));
      // what comes back shows that the bytes went out before
      there.link.write(bytes('still here'));
      await here.seen.until(() => here.seen.text === 'still here');
      expect(there.seen.receivedBytes).toBe(0);
      there.link.resume();
      await there.seen.until(() => there.seen.text.endsWith('99,'));
      expect(there.seen.text).toBe(Array.from({ length: 100 }, (_, i) => `${i},`).join(''));
    },
  );

  it('may be paused while data is being told', async () => {
    const { here, there } = await pair();
    await there.seen.until(() => true);
    const paused = new Recorder();
    const server = await tcp.listen(0, (link) => {
      links.push(link);
      return {
        connected: () => {},
        data: (received) => {
          link.pause();
          paused.data(received);
        },
        drained: () => {},
        closed: (reason) => paused.closed(reason),
      };
    });
    listeners.push(server);
    const sender = connect(server.port);
    await sender.seen.untilTold('connected');
    sender.link.write(new Uint8Array(4 << 20));
    await paused.untilTold('data');
    here.link.write(bytes('a turn later'));
    await there.seen.until(() => there.seen.text === 'a turn later');
    expect(paused.told).toEqual(['data']);
  });

  it('may be paused and resumed with each piece of data, where we connected too', async () => {
    const port = await rawListener((socket) => socket.end(Buffer.alloc(1 << 20, 'x')));
    const seen = new Recorder();
    let isPaused = false;
    const link = tcp.connect(
      { host: LOOPBACK, port },
      {
        connected: () => seen.connected(),
        data: (received) => {
          expect(isPaused).toBe(false);
          isPaused = true;
          link.pause();
          seen.data(received);
          setImmediate(() => {
            isPaused = false;
            link.resume();
          });
        },
        drained: () => {},
        closed: (reason) => seen.closed(reason),
      },
    );
    links.push(link);
    await seen.untilTold('closed');
    expect(seen.receivedBytes).toBe(1 << 20);
  });

  it('ends where its owner threw, since what was told would be written over', async () => {
    const port = await rawListener((socket) => socket.write('first'));
    const seen = new Recorder();
    const thrown = nextUncaught();
    const link = tcp.connect(
      { host: LOOPBACK, port },
      {
        connected: () => seen.connected(),
        data: () => {
          throw new Error('a program of its own');
        },
        drained: () => {},
        closed: (reason) => seen.closed(reason),
      },
    );
    links.push(link);
    await seen.untilTold('closed');
    expect(String(await thrown)).toContain('a program of its own');
  });

  it.each(READERS)('%s gives bytes that stay as they are while more come', async (reader) => {
    const { here, there } = await pairReadBy(reader);
    for (const text of ['first', 'second', 'third']) {
      const before = there.seen.chunks.length;
      here.link.write(bytes(text));
      await there.seen.until(() => there.seen.chunks.length > before);
    }
    const texts = there.seen.chunks.map((chunk) => new TextDecoder().decode(chunk));
    expect(texts).toEqual(['first', 'second', 'third']);
  });

  it.each(READERS)('%s gives all of much, and none of it is written over', async (reader) => {
    const { here, there } = await pairReadBy(reader);
    const sent = Uint8Array.from({ length: 3 << 20 }, (_, i) => (i * 31 + (i >> 12)) % 251);
    for (let at = 0; at < sent.length; ) {
      const end = at + 1 + ((at * 7) % 99_991);
      here.link.write(sent.subarray(at, end));
      at = end;
    }
    await there.seen.until(() => there.seen.receivedBytes === sent.length);
    expect(Buffer.concat(there.seen.chunks).equals(sent)).toBe(true);
  });

  it.each(READERS)('%s gives plain byte arrays, whose slice is a copy', async (reader) => {
    const { here, there } = await pairReadBy(reader);
    here.link.write(bytes('plain'));
    await there.seen.untilTold('data');
    expect(there.seen.chunks[0]?.constructor).toBe(Uint8Array);
  });

  it('tells in words that it was reset, once', async () => {
    const port = await rawListener((socket) => {
      socket.once('data', () => socket.resetAndDestroy());
    });
    const { link, seen } = connect(port);
    await seen.untilTold('connected');
    link.write(bytes('hello'));
    await seen.untilTold('closed');
    expect(seen.told).toEqual(['connected', 'closed']);
    expect(seen.reason).toBe('connection reset by the other end');
  });

  it('ends when the other side sends no more, though bytes still wait for it', async () => {
    const { port, next } = await listen();
    const socket = connectSocket({ port, host: LOOPBACK, allowHalfOpen: true });
    socket.on('error', () => {});
    const accepted = await next();
    while (accepted.link.waitingBytes < 8 << 20) accepted.link.write(new Uint8Array(1 << 20));
    socket.end();
    await accepted.seen.untilTold('closed');
    expect(accepted.seen.reason).toBeUndefined();
    expect(accepted.link.waitingBytes).toBe(0);
    socket.destroy();
  });

  it('ends when the other side sends no more, where we connected too', async () => {
    const port = await rawListener((socket) => socket.end('that is all'));
    const { seen } = connect(port);
    await seen.untilTold('closed');
    expect(seen.text).toBe('that is all');
    expect(seen.reason).toBeUndefined();
  });

  it('tells nothing but closed after it was closed', async () => {
    const { here, there } = await pair();
    there.link.write(new Uint8Array(4 << 20));
    while (here.link.waitingBytes === 0) here.link.write(new Uint8Array(1 << 20));
    here.link.close();
    const toldAtClose = here.seen.told.length;
    here.link.write(bytes('ignored'));
    here.link.pause();
    here.link.resume();
    here.link.close();
    expect(here.link.waitingBytes).toBe(0);
    await Promise.all([here.seen.untilTold('closed'), there.seen.untilTold('closed')]);
    expect(here.seen.told.slice(toldAtClose)).toEqual(['closed']);
    here.link.close();
    here.link.write(bytes('ignored'));
  });

  it('survives many connections that come, send and break off', async () => {
    const seen: Recorder[] = [];
    const listener = await tcp.listen(0, (link) => {
      const recorder = new Recorder();
      seen.push(recorder);
      link.write(bytes('welcome'));
      return recorder;
    });
    listeners.push(listener);
    await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const socket = connectSocket({ port: listener.port, host: LOOPBACK });
        socket.on('error', () => {});
        await once(socket, 'connect');
        socket.write(bytes('x'.repeat(i)));
        if (i % 2 === 0) socket.resetAndDestroy();
        else socket.destroy();
      }),
    );
    const last = connect(listener.port);
    await last.seen.untilTold('data'); // they are taken in in order: the others are known by now
    const broken = seen.slice(0, -1);
    await Promise.all(broken.map((recorder) => recorder.untilTold('closed')));
    for (const recorder of broken)
      expect(recorder.told.filter((event) => event === 'closed')).toHaveLength(1);
    expect(broken).toHaveLength(200);
  });
});
