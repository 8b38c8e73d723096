/**
 * Connection: a TCP connection to a node, on which a test says what it likes and keeps all that comes, with the time at
 * which it came.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { ByteBuffer } from '../../src/transport/buffer.ts';
import { Decoder } from '../../src/transport/decode.ts';
import { type Message, MessageLog } from '../../src/transport/message-log.ts';

const MAX_MESSAGE_BYTES = 2 ** 26;

/** A message of a node, and when it came, in ms on the clock of `performance`. */
export interface Heard {
  readonly message: Message;
  readonly at: number;
}

export class Connection {
  readonly heard: Heard[] = [];
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #log = new MessageLog();
  readonly #decoder = new Decoder(this.#log, { maxMessageBytes: MAX_MESSAGE_BYTES });
  readonly #looking = new Set<() => void>();
  #isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (read) => {
      this.#decoder.push(new Uint8Array(read.buffer, read.byteOffset, read.byteLength));
      const at = performance.now();
      for (const message of this.#log.take()) this.heard.push({ message, at });
      this.#look();
    });
    // A reset is an end like any other here.
    socket.on('error', () => undefined);
    this.closed = once(socket, 'close').then(() => {
      this.#isClosed = true;
      this.#look();
    });
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true });
    const connection = new Connection(socket);
    await Promise.race([once(socket, 'connect'), connection.closed]);
    if (connection.#isClosed) throw new Error(`nobody takes connections on port ${port}`);
    return connection;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** What the node's log calls this connection. */
  get name(): string {
    return `${this.#socket.localAddress}:${this.#socket.localPort}`;
  }

  /** Says what `encode` writes, in one write, and returns when that was. */
  say(encode: (out: ByteBuffer) => void): number {
    const out = new ByteBuffer();
    encode(out);
    const at = performance.now();
    this.write(out.take());
    return at;
  }

  write(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#socket.write(bytes);
  }

  /** Writes, and resolves when the kernel has all of it: the way to give much to a node at its own pace. */
  async writeAll(bytes: Uint8Array): Promise<void> {
    const written = new Promise<void>((resolve) => this.#socket.write(bytes, () => resolve()));
    await Promise.race([written, this.closed]);
  }

  /** Stops reading: what the node says waits there. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** The first message of a type that came or will come, and that `matches`. */
  first<T extends Message['type']>(
    type: T,
    matches: (message: Extract<Message, { type: T }>) => boolean = () => true,
  ): Promise<Heard & { readonly message: Extract<Message, { type: T }> }> {
    return new Promise((resolve, reject) => {
      let from = 0;
      const look = () => {
        for (; from < this.heard.length; from++) {
          const heard = this.heard[from];
          if (heard === undefined || !isOfType(heard.message, type) || !matches(heard.message)) continue;
          this.#looking.delete(look);
          resolve({ message: heard.message, at: heard.at });
          return;
        }
        if (!this.#isClosed) return;
        this.#looking.delete(look);
        reject(new Error(`the connection ended without ${type}`));
      };
      this.#looking.add(look);
      look();
    });
  }

  async close(): Promise<void> {
    this.#socket.destroy();
    await this.closed;
  }

  #look(): void {
    for (const look of [...this.#looking]) look();
  }
}

function isOfType<T extends Message['type']>(
  message: Message,
  type: T,
): message is Extract<Message, { type: T }> {
  return message.type === type;
}
