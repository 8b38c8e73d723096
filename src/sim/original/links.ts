/**
 * OriginalLinks: the connections of one node that behaves as the original's do. Whoever connects is taken in; acceptors
 * are connected to, and again 2 s after a connection was lost. It says no HELLO, and complains of what an original would
 * not understand.
 */
import { ByteBuffer } from '../../transport/buffer.ts';
import { Decoder } from '../../transport/decode.ts';
import { encodeMessage } from '../../transport/describe.ts';
import { type Message, MessageLog } from '../../transport/message-log.ts';
import { MessageType } from '../../transport/messages.ts';
import type { Address, Link, LinkEvents, Transport } from '../../transport/transport.ts';
import type { SimProcess } from '../process.ts';
import { Violation } from '../violation.ts';

const RECONNECT_MS = 2000;
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

export interface OriginalLinksOptions {
  readonly process: SimProcess;
  readonly transport: Transport;
  readonly receive: (link: Link, message: Message) => void;
  readonly complain: (violation: Violation) => void;
}

export class OriginalLinks {
  readonly #options: OriginalLinksOptions;
  readonly #inbound = new Set<Link>();
  readonly #acceptors = new Set<Link>();
  readonly #out = new ByteBuffer();

  constructor(options: OriginalLinksOptions) {
    this.#options = options;
  }

  /** @throws PaxosError ADDRESS_IN_USE */
  async listen(port: number): Promise<void> {
    await this.#options.transport.listen(port, (link) => {
      this.#inbound.add(link);
      return this.#events(
        () => link,
        () => this.#inbound.delete(link),
      );
    });
  }

  /** Connects to an acceptor, and again whenever the connection is lost. */
  keepConnected(address: Address): void {
    const link = this.connect(
      address,
      () => this.#acceptors.add(link),
      () => {
        this.#acceptors.delete(link);
        this.#options.process.after(RECONNECT_MS, () => this.keepConnected(address));
      },
    );
  }

  /** Connects once. */
  connect(address: Address, connected: () => void, closed: () => void): Link {
    const link: Link = this.#options.transport.connect(address, {
      ...this.#events(() => link, closed),
      connected,
    });
    return link;
  }

  tell(link: Link, message: Message): void {
    encodeMessage(this.#out, message);
    link.write(this.#out.take());
  }

  tellAcceptors(message: Message): void {
    this.#tellAll(this.#acceptors, message);
  }

  /** Everybody who connected to us. */
  tellInbound(message: Message): void {
    this.#tellAll(this.#inbound, message);
  }

  #tellAll(links: Iterable<Link>, message: Message): void {
    encodeMessage(this.#out, message);
    const bytes = this.#out.take();
    for (const link of links) link.write(bytes);
  }

  #events(link: () => Link, closed: () => void): LinkEvents {
    const log = new MessageLog();
    const decoder = new Decoder(log, { maxMessageBytes: MAX_MESSAGE_BYTES });
    return {
      connected: () => undefined,
      drained: () => undefined,
      closed,
      data: (bytes) => {
        decoder.push(bytes);
        for (const message of log.take()) this.#receive(link(), message);
      },
    };
  }

  #receive(link: Link, message: Message): void {
    const { process, complain, receive } = this.#options;
    if (message.type === 'hello') return;
    if (!isKnown(message.type))
      complain(new Violation('original', `${process.name} was sent ${message.type}`));
    else if ((message.type === 'accept' || message.type === 'accepted') && message.value.length === 0) {
      complain(new Violation('original', `${process.name} was sent an empty value`, message.instanceId));
    } else receive(link, message);
  }
}

/** True for what an original knows; of the rest it ignores an array of an unknown type, as HELLO is one. */
function isKnown(type: Message['type']): boolean {
  return type !== 'unknown' && MessageType[type] <= MessageType.clientValue;
}
