/**
 * OriginalClient: submits values to one proposer as the original's client does: so many at once when it is connected,
 * and another for each of its own that it learns. It connects to its proposer once, and forgets nothing, for it knows
 * nothing: what is lost with that connection, or with its proposer, is lost.
 */
import type { Address } from '../../transport/transport.ts';
import type { OriginalLinks } from './links.ts';

export interface OriginalClientOptions {
  readonly name: string;
  readonly proposer: Address;
  readonly outstanding: number;
  /** how many it submits in all */
  readonly values: number;
  readonly links: OriginalLinks;
  /** told of each value before it is sent */
  readonly submitted: (value: string) => void;
}

export class OriginalClient {
  readonly #options: OriginalClientOptions;
  #submit: () => void = () => undefined;
  #submitted = 0;

  constructor(options: OriginalClientOptions) {
    this.#options = options;
  }

  start(): void {
    const { links, proposer, outstanding, values, name, submitted } = this.#options;
    const connected = () => {
      for (let i = 0; i < outstanding; i++) this.#submit();
    };
    const link = links.connect(proposer, connected, () => undefined);
    this.#submit = () => {
      if (this.#submitted === values) return;
      const value = `${name}-${this.#submitted++}`;
      submitted(value);
      links.tell(link, { type: 'clientValue', value: Buffer.from(value, 'latin1') });
    };
  }

  /** Its learner delivered a value. */
  delivered(value: string): void {
    if (value.startsWith(`${this.#options.name}-`)) this.#submit();
  }
}
