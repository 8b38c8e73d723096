/**
 * OriginalAcceptor: an acceptor as the original's is, seen from outside: one promise an instance, every acceptance to
 * everybody connected, and in REPEAT the record as it is, its raised ballot included.
 *
 * It keeps its records in memory, so a run never starts it again.
 */
import type { Storage } from '../../paxos/storage.ts';
import type { Message } from '../../transport/message-log.ts';
import type { Link } from '../../transport/transport.ts';
import type { SimProcess } from '../process.ts';
import type { OriginalLinks } from './links.ts';

const STATE_INTERVAL_MS = 1000;

export interface OriginalAcceptorOptions {
  readonly id: number;
  readonly process: SimProcess;
  readonly links: OriginalLinks;
  /** where the checkers look; of memory */
  readonly storage: Storage;
}

export class OriginalAcceptor {
  readonly #options: OriginalAcceptorOptions;
  readonly #storage: Storage;

  constructor(options: OriginalAcceptorOptions) {
    this.#options = options;
    this.#storage = options.storage;
  }

  /** Tells its trim point once a second from now on. */
  start(): void {
    const { id, process, links } = this.#options;
    process.after(STATE_INTERVAL_MS, () => {
      links.tellInbound({
        type: 'acceptorState',
        acceptorId: id,
        trimInstanceId: this.#storage.trimInstanceId,
      });
      this.start();
    });
  }

  receive(link: Link, message: Message): void {
    switch (message.type) {
      case 'prepare':
        this.#prepare(link, message.instanceId, message.ballot);
        break;
      case 'accept':
        this.#accept(link, message.instanceId, message.ballot, message.value);
        break;
      case 'repeat':
        for (let i = message.from; i <= Math.min(message.to, this.#storage.highestAccepted); i++) {
          const record = this.#record(i);
          if (record.valueBallot > 0) this.#options.links.tell(link, { type: 'accepted', ...record });
        }
        break;
      case 'trim':
        this.#storage.trim(message.instanceId);
        break;
      default:
    }
  }

  #prepare(link: Link, instanceId: number, ballot: number): void {
    if (instanceId <= this.#storage.trimInstanceId) return;
    const record = this.#record(instanceId);
    // A probe with ballot 0 is promised, too; there is nothing to remember of it.
    if (ballot >= record.ballot && ballot > 0)
      this.#storage.put(instanceId, ballot, record.valueBallot, record.value);
    this.#options.links.tell(link, { type: 'promise', ...this.#record(instanceId) });
  }

  #accept(link: Link, instanceId: number, ballot: number, value: Uint8Array): void {
    const { links } = this.#options;
    if (instanceId <= this.#storage.trimInstanceId) return;
    const { ballot: promised, acceptorId } = this.#record(instanceId);
    if (ballot < promised) {
      links.tell(link, { type: 'preempted', acceptorId, instanceId, ballot: promised });
      return;
    }
    this.#storage.put(instanceId, ballot, ballot, value);
    links.tellInbound({ type: 'accepted', ...this.#record(instanceId) });
  }

  #record(instanceId: number) {
    const acceptorId = this.#options.id;
    const record = this.#storage.get(instanceId);
    if (record === undefined)
      return { acceptorId, instanceId, ballot: 0, valueBallot: 0, value: new Uint8Array(0) };
    const { promisedBallot: ballot, acceptedBallot: valueBallot, value } = record;
    return { acceptorId, instanceId, ballot, valueBallot, value: value.slice() };
  }
}
