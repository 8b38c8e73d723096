/**
 * TcpTransport: the Transport port on real sockets; the one file that knows node:net. It knows no message, does not
 * connect again, and decides nothing: whoever owns a link is told what happens to it, and acts.
 *
 *   connect → connected → data, drained … → closed(reason)
 *   listen → accept(link) → data, drained … → closed(reason)
 *
 * Invariants: nothing is told before connect() or accept() has returned; `closed` is told exactly once, and is the
 * last. No fault of a peer or of the network is thrown.
 */
import { type ConnectOpts, createServer, type Server, Socket, type SocketConstructorOpts } from 'node:net';
import { PaxosError } from '../paxos/error.ts';
import { unwritten } from './slab.ts';
import type { Address, Link, LinkEvents, Listener, Transport } from './transport.ts';

/** Whoever connects again wants to hear soon: the kernel alone tries for two minutes, at ever longer intervals. */
const CONNECT_TIMEOUT_MS = 5_000;

/** An idle link is probed after this, then every second; libuv gives it up after ten probes without an answer. */
const KEEP_ALIVE_MS = 10_000;

/** So much is read at a time, at most; small reads share the memory of four. A link that hears little has that of one. */
const READ_BYTES = 64 * 1024;
const READ_ROOM_BYTES = 4 * READ_BYTES;

const NO_BYTES = new Uint8Array(0);

export interface TcpOptions {
  /** TCP_NODELAY: send at once instead of gathering small writes */
  readonly noDelay: boolean;
  /** how long a connection may take to come up; 5,000 unless given */
  readonly connectTimeoutMs?: number;
}

export class TcpTransport implements Transport {
  readonly #noDelay: boolean;
  readonly #connectTimeoutMs: number;

  constructor(options: TcpOptions) {
    this.#noDelay = options.noDelay;
    this.#connectTimeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  }

  connect(address: Address, events: LinkEvents): Link {
    const socket = socketThatTells(events);
    socket.setNoDelay(this.#noDelay);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);

    const link = new TcpLink(socket, withPort(address.host, address.port));
    link.tell(events);
    link.dial(address, this.#connectTimeoutMs);
    return link;
  }

  async listen(port: number, accept: (link: Link) => LinkEvents): Promise<Listener> {
    const options = { noDelay: this.#noDelay, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
    const server = createServer(options, (socket) => {
      const link = new TcpLink(socket, remoteOf(socket) ?? 'an unknown address');
      link.tell(accept(link));
    });
    try {
      await listening(server, port);
    } catch (error) {
      throw listenError(port, error);
    }
    // From here on an error is a connection that could not be taken (no file left to open); its peer tries again.
    server.on('error', () => {});
    return new TcpListener(server, port);
  }
}

/** The listening port. Closing it gives the port back at once, and leaves the links that came in by it alone. */
class TcpListener implements Listener {
  readonly #server: Server;
  readonly port: number;

  constructor(server: Server, askedPort: number) {
    const address = server.address();
    this.#server = server;
    this.port = typeof address === 'object' && address !== null ? address.port : askedPort;
  }

  async close(): Promise<void> {
    this.#server.close();
  }
}

/** A socket that hands what it reads straight to a link's owner. */
function socketThatTells(events: LinkEvents): Socket {
  const room = new ReadRoom();
  const options: SocketConstructorOpts & ConnectOpts = {
    onread: {
      buffer: () => room.next(),
      callback: (length) => {
        const read = room.take(length);
        if (socket.destroyed) return true;
        let isTold = false;
        try {
          events.data(read);
          isTold = true;
        } finally {
          // Node asks for no other memory then: it would read the next bytes over these.
          if (!isTold) socket.destroy();
        }
        return true;
      },
    },
  };
  const socket = new Socket(options);
  return socket;
}

/**
 * Memory that Node reads into, one read behind the other, where we connected. For who connects to us it asks for memory
 * with each read, and hands it through its streams, which takes 1 to 2 µs of 10 to 14 more.
 */
class ReadRoom {
  #memory: Uint8Array = NO_BYTES;
  #buffer: ArrayBufferLike = NO_BYTES.buffer;
  #used = 0;

  /** Where the next bytes go. */
  next(): Uint8Array {
    if (this.#memory.length - this.#used < READ_BYTES) {
      this.#memory = unwritten(this.#memory.length === 0 ? READ_BYTES : READ_ROOM_BYTES);
      this.#buffer = this.#memory.buffer;
      this.#used = 0;
    }
    return new Uint8Array(this.#buffer, this.#used, READ_BYTES);
  }

  /** So many came there. They are not written over. */
  take(length: number): Uint8Array {
    const read = new Uint8Array(this.#buffer, this.#used, length);
    this.#used += length;
    return read;
  }
}

class TcpLink implements Link {
  readonly #socket: Socket;
  #remote: string;
  /** Why it ended, once it has; undefined for an ordinary end. */
  #reason: string | undefined;
  /** Whether a write had to wait, so that `drained` is owed. */
  #waited = false;
  #events: LinkEvents | undefined;

  constructor(socket: Socket, remote: string) {
    this.#socket = socket;
    this.#remote = remote;
  }

  get remote(): string {
    return this.#remote;
  }

  get waitingBytes(): number {
    return this.#socket.destroyed ? 0 : this.#socket.writableLength;
  }

  /** Hands the bytes to the socket as they are, uncopied. */
  write(bytes: Uint8Array): boolean {
    if (this.#socket.destroyed || bytes.length === 0) return false;
    this.#socket.write(bytes);
    // Usually the kernel has taken all of it by now. A callback for every write would cost a tick of the event loop.
    if (this.#socket.writableLength === 0) return true;
    // Node's own 'drain' comes only after more than its high-water mark waited: no bytes behind these tell as well.
    if (!this.#waited) this.#socket.write(NO_BYTES, this.#sent);
    this.#waited = true;
    return false;
  }

  /** While paused, an end of the other side is noticed only by a write that fails. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Sends what happens to the socket to the link's owner. Called once. */
  tell(events: LinkEvents): void {
    const socket = this.#socket;
    this.#events = events;
    socket.on('connect', () => {
      if (isSelfConnected(socket)) return this.#fail('connection refused');
      socket.setTimeout(0);
      this.#remote = remoteOf(socket) ?? this.#remote;
      events.connected();
    });
    // Only of who connected to us. A plain Uint8Array: a Buffer's slice() is a view, not the copy that the name promises
    // elsewhere.
    socket.on('data', (read) => {
      if (!socket.destroyed) events.data(new Uint8Array(read.buffer, read.byteOffset, read.byteLength));
    });
    // The other side sends no more: whoever reads nothing of ours then would keep what waits for it for ever.
    socket.on('end', () => socket.destroy());
    socket.on('error', (error) => {
      this.#reason ??= inWords(error);
    });
    socket.on('close', () => events.closed(this.#reason));
  }

  /** Starts connecting: to the IPv4 address of a host name, since nodes listen on 0.0.0.0. */
  dial(address: Address, timeoutMs: number): void {
    this.#socket.setTimeout(timeoutMs, () => this.#fail(`no answer within ${timeoutMs / 1000} s`));
    try {
      this.#socket.connect({ host: address.host, port: address.port, family: 4 });
    } catch (error) {
      this.#fail(inWords(error)); // a port that cannot exist
    }
  }

  /** All that was written before the empty write is out; what came behind it has to be waited for again. */
  readonly #sent = (): void => {
    this.#waited = false;
    if (this.#socket.destroyed) return;
    if (this.#socket.writableLength === 0) this.#events?.drained();
    else {
      this.#waited = true;
      this.#socket.write(NO_BYTES, this.#sent);
    }
  };

  #fail(reason: string): void {
    this.#reason = reason;
    this.#socket.destroy();
  }
}

/**
 * Whether a socket is its own other end. The kernel does that, once in some 15,000 times, when it is asked to connect
 * to a free local port of the range from which it also takes the local end; the node that should listen there would
 * find its port taken.
 */
export function isSelfConnected(socket: Socket): boolean {
  return socket.localPort === socket.remotePort && socket.localAddress === socket.remoteAddress;
}

function listening(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: '0.0.0.0' }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function listenError(port: number, cause: unknown): PaxosError {
  if (codeOf(cause) === 'EADDRINUSE') {
    const advice = 'end the process that listens there, or give this node another port';
    return new PaxosError('ADDRESS_IN_USE', `port ${port} is already in use: ${advice}`, { cause });
  }
  const advice = codeOf(cause) === 'EACCES' ? '; ports below 1024 are reserved, choose a higher one' : '';
  return new PaxosError('LISTEN_FAILED', `cannot listen on port ${port}: ${inWords(cause)}${advice}`, {
    cause,
  });
}

function remoteOf(socket: Socket): string | undefined {
  const { remoteAddress, remotePort } = socket;
  return remoteAddress === undefined || remotePort === undefined
    ? undefined
    : withPort(remoteAddress, remotePort);
}

function withPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const ERROR_WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EADDRNOTAVAIL: 'no local address to connect from',
  EAI_AGAIN: 'the name service does not answer',
  ECONNABORTED: 'connection aborted',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by the other end',
  EHOSTUNREACH: 'host unreachable',
  EMFILE: 'too many open files',
  ENETUNREACH: 'network unreachable',
  ENFILE: 'too many open files in the system',
  ENOTFOUND: 'host name not found',
  EPERM: 'not permitted',
  EPIPE: 'the other end has closed',
  ERR_SOCKET_BAD_PORT: 'no such port',
  ETIMEDOUT: 'the other end does not answer',
};

/** An error of the network as one line for people. */
function inWords(error: unknown): string {
  return ERROR_WORDS[codeOf(error)] ?? String(error).replaceAll(/\s+/g, ' ');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
