/**
 * Proxies: the network between processes, one listening port for each ordered pair of them. Who opens a connection is
 * thereby known, and what passes between any two can be held up, one way or both.
 *
 *   from → proxy(from, to) → to
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { isSelfConnected } from '../../src/transport/tcp.ts';
import type { Random } from '../../src/transport/transport.ts';
import { Pipe, Way } from './way.ts';

const HOST = '127.0.0.1';

export interface ProxiesOptions {
  /** all processes */
  readonly names: readonly string[];
  /** those that take connections in */
  readonly listeners: readonly string[];
  readonly random: Random;
  /** for each connection to a listener, what is told of all that the listener says on it */
  readonly hearing?: (listener: string) => (bytes: Uint8Array) => void;
  /** the same for what is said to a listener */
  readonly saying?: (from: string, listener: string) => (bytes: Uint8Array) => void;
  /** the same for what is passed on to a listener, when it is */
  readonly passing?: ((from: string, listener: string) => (bytes: Uint8Array) => void) | undefined;
}

export class Proxies {
  readonly #options: ProxiesOptions;
  readonly #servers = new Map<string, Server>();
  readonly #ways = new Map<string, Way>();
  readonly #ports = new Map<string, number>();
  readonly #sockets = new Set<Socket>();
  #isClosed = false;

  private constructor(options: ProxiesOptions) {
    this.#options = options;
    for (const from of options.names)
      for (const to of options.names) this.#ways.set(pair(from, to), new Way(options.random));
  }

  /** Listens for everybody; where the listeners are is told later. */
  static async start(options: ProxiesOptions): Promise<Proxies> {
    const proxies = new Proxies(options);
    for (const to of options.listeners) {
      for (const from of options.names) if (from !== to) await proxies.#listen(from, to);
    }
    return proxies;
  }

  /** Where a listener really listens, whenever it is up. */
  setPort(listener: string, port: number): void {
    this.#ports.set(listener, port);
  }

  /** Where it listens, as was told. */
  portOf(listener: string): number | undefined {
    return this.#ports.get(listener);
  }

  /** Where `from` has to connect to, to reach `to`. */
  address(from: string, to: string): { readonly host: string; readonly port: number } {
    const address: AddressInfo | string | null | undefined = this.#servers.get(pair(from, to))?.address();
    if (typeof address !== 'object' || address === null) throw new Error(`no proxy from ${from} to ${to}`);
    return { host: HOST, port: address.port };
  }

  /** What passes from one process to another, whoever of them opened the connection. */
  way(from: string, to: string): Way {
    const way = this.#ways.get(pair(from, to));
    if (way === undefined) throw new Error(`no way from ${from} to ${to}`);
    return way;
  }

  healAll(): void {
    for (const way of this.#ways.values()) way.heal();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const socket of this.#sockets) socket.destroy();
    for (const server of this.#servers.values()) {
      server.close();
      if (server.listening) await once(server, 'close');
    }
  }

  async #listen(from: string, to: string): Promise<void> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => this.#join(near, from, to));
    this.#servers.set(pair(from, to), server);
    server.listen(0, HOST);
    await once(server, 'listening');
  }

  #join(near: Socket, from: string, to: string): void {
    this.#keep(near);
    const there = this.way(from, to);
    const back = this.way(to, from);
    // A connection is made by bytes both ways; until then whoever asked for it waits.
    there.whenOpen(() => back.whenOpen(() => this.#dial(near, from, to)));
  }

  #dial(near: Socket, from: string, to: string): void {
    const { hearing, saying, passing } = this.#options;
    const port = this.#ports.get(to);
    if (port === undefined || this.#isClosed || near.destroyed) {
      near.destroy();
      return;
    }
    const far = connect({ host: HOST, port, noDelay: true, allowHalfOpen: true });
    this.#keep(far);
    far.once('connect', () => {
      if (isSelfConnected(far)) far.destroy();
    });
    new Pipe(near, far, this.way(from, to), saying?.(from, to) ?? (() => undefined), passing?.(from, to));
    new Pipe(far, near, this.way(to, from), hearing?.(to) ?? (() => undefined));
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

function pair(from: string, to: string): string {
  return `${from} ${to}`;
}
