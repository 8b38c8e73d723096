/**
 * Witness: stands between an acceptor and everybody else, passes on what is said, and remembers what the acceptor has
 * given away of its promises and acceptances. In the end its storage has to hold all that.
 *
 *   others ⇄ Witness.port ⇄ the acceptor's port
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Storage } from '../../src/paxos/storage.ts';
import { Decoder } from '../../src/transport/decode.ts';
import { type Message, MessageLog } from '../../src/transport/message-log.ts';

const MAX_MESSAGE_BYTES = 2 ** 26;

interface Acceptance {
  readonly ballot: number;
  readonly value: Uint8Array;
}

export class Witness {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #promised = new Map<number, number>();
  readonly #accepted = new Map<number, Acceptance>();
  readonly #faults: string[] = [];
  #floor = 0;
  #highestBallot = 0;
  #highestAccepted = 0;
  #trim = 0;

  private constructor(targetPort: number) {
    this.#server = createServer({ noDelay: true }, (near) => this.#join(near, targetPort));
  }

  /** @param targetPort where the acceptor listens, whenever it is up */
  static async start(targetPort: number): Promise<Witness> {
    const witness = new Witness(targetPort);
    witness.#server.listen(0, '127.0.0.1');
    await once(witness.#server, 'listening');
    return witness;
  }

  /** Where to connect to, instead of the acceptor. */
  get port(): number {
    const address: AddressInfo | string | null = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** For how many instances it saw an acceptance. */
  get instances(): number {
    return this.#accepted.size;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
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
    const told = [this.#floor, this.#highestBallot, this.#highestAccepted, this.#trim];
    const { promiseFloor, highestBallot, highestAccepted, trimInstanceId } = storage;
    const stored = [promiseFloor, highestBallot, highestAccepted, trimInstanceId];
    if (told.some((number, i) => number > (stored[i] ?? 0))) faults.push(`told ${told}, stored ${stored}`);
    return faults;
  }

  #join(near: Socket, targetPort: number): void {
    const far = connect({ host: '127.0.0.1', port: targetPort, noDelay: true });
    const log = new MessageLog();
    const decoder = new Decoder(log, { maxMessageBytes: MAX_MESSAGE_BYTES });
    far.on('data', (bytes) => {
      const fault = decoder.push(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      if (fault !== undefined) this.#faults.push(`the acceptor sent ${fault}`);
      for (const message of log.take()) this.#hear(message);
      near.write(bytes);
    });
    near.on('data', (bytes) => void far.write(bytes));
    for (const [socket, other] of [[near, far] as const, [far, near] as const]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
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
