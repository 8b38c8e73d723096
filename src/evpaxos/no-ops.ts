/**
 * NoOps: when a leader may fill an instance that nobody has a value for.
 *
 * A no-op is an empty value, of which an original learner dies and which an original proposer takes for none. With
 * value-format commands there are no originals, so it may at any time. With raw it may once every node of the config
 * has said HELLO, and while no connection is open to one that has not; acceptors then see to it that none is told.
 */
import type { ValueFormat } from '../config/config.ts';
import type { Proposer } from '../paxos/proposer.ts';
import type { Peers } from './peers.ts';
import type { Value } from './values.ts';

export interface NoOpsOptions {
  readonly core: Pick<Proposer<Value>, 'nextToAccept' | 'highestReported'>;
  readonly valueFormat: ValueFormat;
  readonly peers: Pick<Peers, 'areAllOurs'>;
  /** the highest instance this node knows to be chosen */
  readonly highestChosen: () => number;
}

export class NoOps {
  readonly #options: NoOpsOptions;

  constructor(options: NoOpsOptions) {
    this.#options = options;
  }

  get areAllowed(): boolean {
    const { valueFormat, peers } = this.#options;
    return valueFormat === 'commands' || peers.areAllOurs;
  }

  /** Instances below are to be filled where nobody has a value for them; 0: none is. Hot, and mostly 0. */
  get fillBelow(): number {
    const { core, highestChosen } = this.#options;
    const known = Math.max(core.highestReported, highestChosen());
    return core.nextToAccept < known && this.areAllowed ? known : 0;
  }
}
