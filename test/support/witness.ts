/**
 * Witness: stands between an acceptor and everybody else, passes on what is said, and keeps what the acceptor has given
 * away as its testimony.
 *
 *   others ⇄ Witness.port ⇄ the acceptor's port
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import type { Storage } from '../../src/paxos/storage.ts';
import { Testimony } from './testimony.ts';

export class Witness {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #testimony = new Testimony();

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
    return this.#testimony.instances;
  }

  /** What the acceptor has said that its storage does not hold, and what it said in contradiction to itself. */
  compare(storage: Storage): string[] {
    return this.#testimony.compare(storage);
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #join(near: Socket, targetPort: number): void {
    const far = connect({ host: '127.0.0.1', port: targetPort, noDelay: true });
    const listen = this.#testimony.listener();
    far.on('data', (bytes) => {
      listen(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
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
}
