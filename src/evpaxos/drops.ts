/**
 * Drops: the messages that a peer missed because it does not read. Told once when it begins, and once when it is over.
 */
import type { Link } from '../transport/transport.ts';
import type { Observer } from './observer.ts';

export class Drops {
  readonly #observer: Observer;
  readonly #link: Link;
  #messages = 0;

  constructor(observer: Observer, link: Link) {
    this.#observer = observer;
    this.#link = link;
  }

  /** So many messages were not sent, because so many bytes wait already. */
  count(messages: number, waitingBytes: number): void {
    if (this.#messages === 0)
      this.#observer.report({ type: 'slow-peer', remote: this.#link.remote, waitingBytes });
    this.#messages += messages;
  }

  /** It reads again. */
  end(): void {
    if (this.#messages === 0) return;
    const droppedMessages = this.#messages;
    this.#messages = 0;
    this.#observer.report({ type: 'peer-reads-again', remote: this.#link.remote, droppedMessages });
  }
}
