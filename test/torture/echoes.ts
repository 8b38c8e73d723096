/**
 * Echoes: says again to replicas what clients of a state machine said, on connections of its own: the client's HELLO,
 * and its last messages with commands, byte for byte. As a network does that sends bytes of a lost connection late, or a
 * relay that tries again by itself.
 *
 *   client → replica: passed on → kept, so many → sayAgain(client) → every replica, on a new connection → closed
 *
 * What a replica answers there goes nowhere. Only what was passed on is said again: bytes do not overtake themselves.
 */
import { connect, type Socket } from 'node:net';
import { ByteBuffer } from '../../src/transport/buffer.ts';
import { Decoder } from '../../src/transport/decode.ts';
import { encodeHello } from '../../src/transport/encode.ts';
import { encodeCommands } from '../../src/transport/encode-commands.ts';
import { type Message, MessageLog } from '../../src/transport/message-log.ts';

const CLIENT = /^c\d+$/;
const HOST = '127.0.0.1';
const MAX_MESSAGE_BYTES = 2 ** 26;
/** So many messages of a client are kept. */
const MAX_KEPT = 32;
/** How long a connection stays that says something again. */
const STAYS_MS = 300;

interface Said {
  hello: Uint8Array | undefined;
  /** its last messages with commands, whichever replica it said them to */
  readonly commands: Uint8Array[];
  readonly listeners: Set<string>;
}

export class Echoes {
  readonly #said = new Map<string, Said>();
  readonly #sockets = new Set<Socket>();
  #portOf: (listener: string) => number | undefined = () => undefined;
  #messages = 0;

  /** How many messages were said again, to all together. */
  get messages(): number {
    return this.#messages;
  }

  /** From now on it is known where replicas listen. */
  begin(portOf: (listener: string) => number | undefined): void {
    this.#portOf = portOf;
  }

  /** Takes what is passed on of one more connection, split anywhere; of a client's. */
  readonly hear = (client: string, listener: string): ((bytes: Uint8Array) => void) => {
    if (!CLIENT.test(client)) return () => undefined;
    const said = this.#said.get(client) ?? { hello: undefined, commands: [], listeners: new Set() };
    this.#said.set(client, said);
    said.listeners.add(listener);
    const log = new MessageLog();
    const decoder = new Decoder(log, { maxMessageBytes: MAX_MESSAGE_BYTES });
    return (bytes) => {
      decoder.push(bytes);
      for (const message of log.take()) keep(said, message);
    };
  };

  /** @returns how many messages are said again, to each of the replicas */
  sayAgain(client: string): number {
    const said = this.#said.get(client);
    if (said?.hello === undefined || said.commands.length === 0) return 0;
    const bytes = Buffer.concat([said.hello, ...said.commands]);
    for (const listener of said.listeners) this.#say(this.#portOf(listener), bytes, said.commands.length);
    return said.commands.length;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #say(port: number | undefined, bytes: Uint8Array, messages: number): void {
    if (port === undefined) return;
    const socket = connect({ host: HOST, port, noDelay: true });
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('connect', () => {
      this.#messages += messages;
      socket.write(bytes);
      socket.resume();
      setTimeout(() => socket.destroy(), STAYS_MS);
    });
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

function keep(said: Said, message: Message): void {
  const out = new ByteBuffer();
  if (message.type === 'hello') {
    encodeHello(out, message);
    said.hello = out.take();
  } else if (message.type === 'commands') {
    encodeCommands(out, message.session, message.items);
    said.commands.push(out.take());
    if (said.commands.length > MAX_KEPT) said.commands.shift();
  }
}
