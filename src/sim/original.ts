/**
 * OriginalAcceptor: an acceptor as the original's is, seen from outside: no HELLO, no extension, one promise an
 * instance, every acceptance to everybody connected, and in REPEAT the record as it is, its raised ballot included.
 *
 * It keeps its records in memory, so a run never starts it again. It complains of what an original would not survive
 * or not understand.
 */
import { ByteBuffer } from '../transport/buffer.ts';
import { Decoder } from '../transport/decode.ts';
import { encodeMessage } from '../transport/describe.ts';
import { type Message, MessageLog } from '../transport/message-log.ts';
import type { Link, LinkEvents, Transport } from '../transport/transport.ts';
import { Violation } from './checkers.ts';
import type { SimDisk } from './disk.ts';
import type { SimProcess } from './process.ts';

const STATE_INTERVAL_MS = 1000;
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

export interface OriginalOptions {
  readonly id: number;
  readonly port: number;
  readonly process: SimProcess;
  readonly transport: Transport;
  /** where the checkers look; of memory */
  readonly disk: SimDisk;
  readonly complain: (violation: Violation) => void;
}

export class OriginalAcceptor {
  readonly #options: OriginalOptions;
  readonly #storage: ReturnType<SimDisk['open']>;
  readonly #links = new Set<Link>();
  readonly #out = new ByteBuffer();

  constructor(options: OriginalOptions) {
    this.#options = options;
    this.#storage = options.disk.open(options.process);
  }

  async start(): Promise<void> {
    const { transport, port } = this.#options;
    await transport.listen(port, (link) => this.#accept(link));
    this.#tellState();
  }

  #tellState(): void {
    const { id, process } = this.#options;
    process.after(STATE_INTERVAL_MS, () => {
      this.#tellAll({ type: 'acceptorState', acceptorId: id, trimInstanceId: this.#storage.trimInstanceId });
      this.#tellState();
    });
  }

  #accept(link: Link): LinkEvents {
    this.#links.add(link);
    const log = new MessageLog();
    const decoder = new Decoder(log, { maxMessageBytes: MAX_MESSAGE_BYTES });
    return {
      connected: () => undefined,
      drained: () => undefined,
      closed: () => {
        this.#links.delete(link);
      },
      data: (bytes) => {
        decoder.push(bytes);
        for (const message of log.take()) this.#receive(link, message);
      },
    };
  }

  #receive(link: Link, message: Message): void {
    switch (message.type) {
      case 'prepare':
        this.#prepare(link, message.instanceId, message.ballot);
        break;
      case 'accept':
        this.#acceptValue(link, message.instanceId, message.ballot, message.value);
        break;
      case 'repeat':
        for (let i = message.from; i <= Math.min(message.to, this.#storage.highestAccepted); i++) {
          const record = this.#record(i);
          if (record.valueBallot > 0) this.#tell(link, { type: 'accepted', ...record });
        }
        break;
      case 'trim':
        this.#storage.trim(message.instanceId);
        break;
      case 'hello':
        // An array of an unknown type: ignored.
        break;
      default:
        this.#complain(`original acceptor ${this.#options.id} was sent ${message.type}`, undefined);
    }
  }

  #prepare(link: Link, instanceId: number, ballot: number): void {
    if (instanceId <= this.#storage.trimInstanceId) return;
    const record = this.#record(instanceId);
    // A probe with ballot 0 is promised, too; there is nothing to remember of it.
    if (ballot >= record.ballot && ballot > 0)
      this.#storage.put(instanceId, ballot, record.valueBallot, record.value);
    this.#tell(link, { type: 'promise', ...this.#record(instanceId) });
  }

  #acceptValue(link: Link, instanceId: number, ballot: number, value: Uint8Array): void {
    if (value.length === 0) this.#complain('an original was sent an empty value', instanceId);
    if (instanceId <= this.#storage.trimInstanceId) return;
    const { ballot: promised, acceptorId } = this.#record(instanceId);
    if (ballot < promised) {
      this.#tell(link, { type: 'preempted', acceptorId, instanceId, ballot: promised });
      return;
    }
    this.#storage.put(instanceId, ballot, ballot, value);
    this.#tellAll({ type: 'accepted', ...this.#record(instanceId) });
  }

  #record(instanceId: number) {
    const acceptorId = this.#options.id;
    const record = this.#storage.get(instanceId);
    if (record === undefined)
      return { acceptorId, instanceId, ballot: 0, valueBallot: 0, value: new Uint8Array(0) };
    const { promisedBallot: ballot, acceptedBallot: valueBallot, value } = record;
    return { acceptorId, instanceId, ballot, valueBallot, value: value.slice() };
  }

  #tellAll(message: Message): void {
    encodeMessage(this.#out, message);
    const bytes = this.#out.take();
    for (const link of this.#links) link.write(bytes);
  }

  #tell(link: Link, message: Message): void {
    encodeMessage(this.#out, message);
    link.write(this.#out.take());
  }

  #complain(text: string, instanceId: number | undefined): void {
    this.#options.complain(new Violation('original', text, instanceId));
  }
}
