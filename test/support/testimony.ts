/**
 * Testimony: what an acceptor has given away of its promises and acceptances, whoever it was that heard it. In the end
 * its storage has to hold all that.
 */
import type { Storage } from '../../src/paxos/storage.ts';
import { Decoder } from '../../src/transport/decode.ts';
import { type Message, MessageLog } from '../../src/transport/message-log.ts';

const MAX_MESSAGE_BYTES = 2 ** 26;

interface Acceptance {
  readonly ballot: number;
  readonly value: Uint8Array;
}

export class Testimony {
  readonly #promised = new Map<number, number>();
  readonly #accepted = new Map<number, Acceptance>();
  /** by instance, what it accepted as it said in brief: the ballot without the value */
  readonly #acceptedInBrief = new Map<number, number>();
  readonly #faults: string[] = [];
  #floor = 0;
  #highestBallot = 0;
  #highestAccepted = 0;
  #trim = 0;

  /** For how many instances an acceptance was heard, with its value or in brief. */
  get instances(): number {
    return new Set([...this.#accepted.keys(), ...this.#acceptedInBrief.keys()]).size;
  }

  /**
   * Takes what the acceptor sends on one more connection, split anywhere.
   * @param also told of each message, too
   */
  listener(also: (message: Message) => void = () => undefined): (bytes: Uint8Array) => void {
    const log = new MessageLog();
    const decoder = new Decoder(log, { maxMessageBytes: MAX_MESSAGE_BYTES });
    let isLost = false;
    return (bytes) => {
      const fault = decoder.push(bytes);
      if (fault !== undefined && !isLost) this.#faults.push(`the acceptor sent ${fault}`);
      isLost = fault !== undefined;
      for (const message of log.take()) {
        this.#hear(message);
        also(message);
      }
    };
  }

  /** What the acceptor has said that its storage does not hold, and what it said in contradiction to itself. */
  compare(storage: Storage): string[] {
    const faults = [...this.#faults];
    for (const [instanceId, ballot] of this.#promised) {
      const stored = Math.max(storage.promisedBallot(instanceId), storage.promiseFloor);
      if (stored < ballot) faults.push(`instance ${instanceId}: promised ${ballot}, stored ${stored}`);
    }
    for (const [instanceId, told] of this.#accepted) {
      const { acceptedBallot = 0, value = new Uint8Array(0) } = storage.get(instanceId) ?? {};
      const isKept = acceptedBallot === told.ballot && Buffer.compare(value, told.value) === 0;
      if (instanceId <= storage.trimInstanceId || acceptedBallot > told.ballot || isKept) continue;
      faults.push(`instance ${instanceId}: accepted at ${told.ballot}, stored ${acceptedBallot}`);
    }
    for (const [instanceId, ballot] of this.#acceptedInBrief) {
      const { acceptedBallot = 0 } = storage.get(instanceId) ?? {};
      if (instanceId <= storage.trimInstanceId || acceptedBallot >= ballot) continue;
      faults.push(`instance ${instanceId}: accepted in brief at ${ballot}, stored ${acceptedBallot}`);
    }
    const told = [this.#floor, this.#highestBallot, this.#highestAccepted, this.#trim];
    const { promiseFloor, highestBallot, highestAccepted, trimInstanceId } = storage;
    const stored = [promiseFloor, highestBallot, highestAccepted, trimInstanceId];
    if (told.some((number, i) => number > (stored[i] ?? 0))) faults.push(`told ${told}, stored ${stored}`);
    return faults;
  }

  #hear(message: Message): void {
    switch (message.type) {
      case 'promise':
        this.#notePromise(message.instanceId, message.ballot);
        this.#noteAccepted(message.instanceId, message.valueBallot, message.value);
        return;
      case 'accepted':
      case 'promisedValue':
        this.#noteAccepted(message.instanceId, message.valueBallot, message.value);
        return;
      case 'acceptedRange':
        for (let i = message.from; i <= message.to; i++) {
          if (message.ballot > (this.#acceptedInBrief.get(i) ?? 0))
            this.#acceptedInBrief.set(i, message.ballot);
        }
        return;
      case 'preempted':
        // One above what it accepted, if the ballot was the same and the value another.
        this.#notePromise(message.instanceId, message.ballot - 1);
        return;
      case 'promiseFrom':
        if (message.promisedBallot <= message.ballot) this.#floor = Math.max(this.#floor, message.ballot);
        this.#trim = Math.max(this.#trim, message.trimInstanceId);
        return;
      case 'status':
        this.#highestBallot = Math.max(this.#highestBallot, message.highestBallot);
        this.#highestAccepted = Math.max(this.#highestAccepted, message.highestAccepted);
        return;
      case 'acceptorState':
        this.#trim = Math.max(this.#trim, message.trimInstanceId);
        return;
      default:
        return;
    }
  }

  #notePromise(instanceId: number, ballot: number): void {
    if (ballot > (this.#promised.get(instanceId) ?? 0)) this.#promised.set(instanceId, ballot);
  }

  #noteAccepted(instanceId: number, ballot: number, value: Uint8Array): void {
    const before = this.#accepted.get(instanceId);
    if (ballot < 1 || ballot < (before?.ballot ?? 0)) return;
    if (before?.ballot === ballot && Buffer.compare(before.value, value) !== 0) {
      this.#faults.push(`instance ${instanceId}: two values at ballot ${ballot}`);
    }
    this.#accepted.set(instanceId, { ballot, value: value.slice() });
  }
}
