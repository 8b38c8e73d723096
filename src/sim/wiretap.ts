/**
 * Wiretap: everything that one process writes to another passes here. It is read once, by a decoder of its own, hashed,
 * counted, shown to the checkers and to whoever looks on; and tampered with, when messages are to be lost, doubled or
 * swapped.
 */
import { ByteBuffer } from '../transport/buffer.ts';
import { Decoder } from '../transport/decode.ts';
import { encodeMessage } from '../transport/describe.ts';
import { type Message, MessageLog } from '../transport/message-log.ts';
import type { Random } from '../transport/transport.ts';
import type { EventHash } from './event-hash.ts';
import type { MessageFaults } from './faults.ts';
import { EXPENDABLE, outcomeOf, REPEATABLE } from './messages.ts';
import { Outcomes } from './outcomes.ts';
import { Violation } from './violation.ts';

const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

export interface WiretapOptions {
  readonly hash: EventHash;
  readonly random: Random;
  readonly now: () => number;
  readonly faults: () => MessageFaults;
  readonly see: (from: string, to: string, messages: readonly Message[]) => void;
  readonly complain: (violation: Violation) => void;
}

export class Wiretap {
  /** what was sent, by what it tells of the core */
  readonly sent = new Outcomes();
  readonly #options: WiretapOptions;
  readonly #log = new MessageLog();
  readonly #decoder = new Decoder(this.#log, { maxMessageBytes: MAX_MESSAGE_BYTES });
  readonly #out = new ByteBuffer();

  constructor(options: WiretapOptions) {
    this.#options = options;
  }

  /** What really goes on its way. A process writes whole messages, so no write waits for the next. */
  pass(from: string, to: string, bytes: Uint8Array): readonly Uint8Array[] {
    const { hash, now, see, complain, faults } = this.#options;
    hash.write(from, to, now(), bytes);
    const fault = this.#decoder.push(bytes);
    if (fault !== undefined) complain(new Violation('codec', `${from} sent ${fault}`));
    else if (this.#decoder.waitingBytes > 0) complain(new Violation('codec', `${from} sent half a message`));
    const messages = this.#log.take();
    for (const message of messages) this.sent.count(outcomeOf(message));
    see(from, to, messages);
    const { loss, duplication, reordering } = faults();
    if (loss === 0 && duplication === 0 && reordering === 0) return [bytes];
    return this.#tamper(messages, bytes, faults());
  }

  #tamper(messages: readonly Message[], bytes: Uint8Array, faults: MessageFaults): readonly Uint8Array[] {
    const { loss, duplication, reordering } = faults;
    const { random } = this.#options;
    const sent: Message[] = [];
    for (const message of messages) {
      const isExpendable = EXPENDABLE.has(message.type);
      if (isExpendable && random.next() < loss) continue;
      sent.push(message);
      if (REPEATABLE.has(message.type) && random.next() < duplication) sent.push(message);
      const before = sent[sent.length - 2];
      if (isExpendable && before !== undefined && EXPENDABLE.has(before.type) && random.next() < reordering) {
        sent.splice(-2, 2, message, before);
      }
    }
    if (sent.length === 0) return [];
    if (sent.length === messages.length && sent.every((message, i) => message === messages[i]))
      return [bytes];
    for (const message of sent) encodeMessage(this.#out, message);
    return [this.#out.take()];
  }
}
