/**
 * Cluster: the processes of a run, their configs in which everybody else's address leads through a proxy, their storage
 * and their logs, in a directory of their own.
 *
 *   make → start → faults → terminate: nobody is left → storages are opened → close
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, configText } from '../../src/config/index.ts';
import type { Storage } from '../../src/paxos/storage.ts';
import { openStorage } from '../../src/storage/index.ts';
import { Decoder } from '../../src/transport/decode.ts';
import { type Message, MessageLog } from '../../src/transport/message-log.ts';
import { SeededRandom } from '../../src/transport/random.ts';
import { freePorts } from '../support/ports.ts';
import { Testimony } from '../support/testimony.ts';
import type { Echoes } from './echoes.ts';
import { type Claim, Member } from './member.ts';
import {
  acceptorsOf,
  type CommandsPlan,
  clientsOf,
  learnersOf,
  listenersOf,
  type Plan,
  WATCHER,
} from './plan.ts';
import { Proxies } from './proxies.ts';
import { configOf } from './traffic.ts';

const REPORT_EVERY_MS = 100;
const MAX_MESSAGE_BYTES = 2 ** 26;

export interface ClusterOptions {
  readonly plan: Plan;
  readonly directory: string;
  /** the words that run the command line, up to its arguments */
  readonly program: readonly string[];
  /** told of each ACCEPT that passes between processes */
  readonly proposed: (instanceId: number, ballot: number, value: Uint8Array) => void;
  readonly claimed: (name: string, life: number, claim: Claim) => void;
  /** for state machines: what else a process says, as data */
  readonly said?: (name: string, line: unknown) => void;
  /** what hears what clients say; undefined: nobody cares */
  readonly echoes?: Echoes;
  readonly failed: (reason: string) => void;
  readonly stoppedByDisk: (member: Member) => void;
}

export class Cluster {
  readonly members = new Map<string, Member>();
  readonly proxies: Proxies;
  readonly #options: ClusterOptions;
  readonly #ports: ReadonlyMap<string, number>;
  readonly #testimonies: ReadonlyMap<string, Testimony>;

  private constructor(
    options: ClusterOptions,
    proxies: Proxies,
    ports: ReadonlyMap<string, number>,
    testimonies: ReadonlyMap<string, Testimony>,
  ) {
    this.#options = options;
    this.proxies = proxies;
    this.#ports = ports;
    this.#testimonies = testimonies;
    for (const name of [...listenersOf(options.plan), ...learnersOf(options.plan)]) this.#add(name);
  }

  static async make(options: ClusterOptions): Promise<Cluster> {
    const { plan } = options;
    const listeners = listenersOf(plan);
    const look = (message: Message) => {
      if (message.type !== 'accept') return;
      options.proposed(message.instanceId, message.ballot, message.value);
    };
    const testimonies = new Map(acceptorsOf(plan).map((name) => [name, new Testimony()]));
    const proxies = await Proxies.start({
      names: [...listeners, ...learnersOf(plan), ...clientsOf(plan), WATCHER],
      listeners,
      random: new SeededRandom(plan.seed),
      // A replica says to another what it proposes on whichever connection of the two is better: the one it took in, too.
      hearing: (listener) => testimonies.get(listener)?.listener(look) ?? (() => undefined),
      saying: (from) =>
        /^[rp]/.test(from)
          ? messagesIn(look, (fault) => options.failed(`${from} said what nobody says: ${fault}`))
          : () => undefined,
      passing: options.echoes?.hear,
    });
    options.echoes?.begin((listener) => proxies.portOf(listener));
    const free = await freePorts(listeners.length);
    const ports = new Map(listeners.map((name, i) => [name, free[i] ?? 0]));
    for (const [name, port] of ports) proxies.setPort(name, port);
    return new Cluster(options, proxies, ports, testimonies);
  }

  /** The config as a process of this name has to have it. */
  config(name: string): Config {
    const { plan, directory } = this.#options;
    const addressOf = (listener: string) =>
      listener === name
        ? { host: '127.0.0.1', port: this.#ports.get(listener) ?? 0 }
        : this.proxies.address(name, listener);
    return configOf(plan, addressOf, join(directory, 'acceptor'));
  }

  start(): void {
    for (const member of this.members.values()) member.start();
  }

  /** Ends every process, kindly. What was wrong with how they ended. */
  async terminate(): Promise<string[]> {
    const faults = await Promise.all([...this.members.values()].map((member) => member.terminate()));
    return faults.filter((fault) => fault !== undefined);
  }

  /** For the very end of this process, whatever its cause: no process of the cluster outlives it. */
  killNow(): void {
    for (const member of this.members.values()) member.killNow();
  }

  /** Opens what the acceptors have stored, once their processes have ended. */
  async storages(): Promise<Storage[]> {
    const config = this.config(WATCHER);
    return Promise.all(config.acceptors.map(({ id }) => openStorage(config, id)));
  }

  /** What acceptors have told that their storage does not hold. */
  brokenWords(storages: readonly Storage[]): string[] {
    return acceptorsOf(this.#options.plan).flatMap((name, id) => {
      const storage = storages[id];
      const faults = storage === undefined ? [] : (this.#testimonies.get(name)?.compare(storage) ?? []);
      return faults.map((fault) => `${name}: ${fault}`);
    });
  }

  /** Ends what is left of it, unkindly. */
  async close(): Promise<void> {
    for (const member of this.members.values()) {
      await member.kill();
      await member.close();
    }
    await this.proxies.close();
  }

  #add(name: string): void {
    const { plan, directory, program, claimed, said, failed, stoppedByDisk } = this.#options;
    mkdirSync(directory, { recursive: true });
    const conf = join(directory, `${name}.conf`);
    writeFileSync(conf, configText(this.config(name)));
    const member: Member = new Member({
      name,
      program,
      words: plan.commands === undefined ? wordsOf(name, conf) : storeWordsOf(plan.commands, name, conf),
      logPath: join(directory, `${name}.log`),
      claimed: (life, claim) => claimed(name, life, claim),
      ...(said === undefined ? {} : { said: (line: unknown) => said(name, line) }),
      failed,
      stoppedByDisk: () => stoppedByDisk(member),
    });
    this.members.set(name, member);
  }
}

/** Takes what is said on one connection, split anywhere, and tells each message; or that it is none. */
function messagesIn(
  look: (message: Message) => void,
  isNone: (fault: string) => void,
): (bytes: Uint8Array) => void {
  const log = new MessageLog();
  const decoder = new Decoder(log, { maxMessageBytes: MAX_MESSAGE_BYTES });
  return (bytes) => {
    const fault = decoder.push(bytes);
    if (fault !== undefined) isNone(fault);
    for (const message of log.take()) look(message);
  };
}

/** How a replica with a store is started: as store-replica.mjs takes it. */
function storeWordsOf({ sessionTimeoutMs }: CommandsPlan, name: string, conf: string): string[] {
  return [name.slice(1), conf, String(REPORT_EVERY_MS), String(sessionTimeoutMs)];
}

/** How a process of this name is started. */
function wordsOf(name: string, conf: string): string[] {
  const id = name.slice(1);
  const progress = ['--json', '--every', String(REPORT_EVERY_MS)];
  switch (name[0]) {
    case 'r':
      return ['replica', id, conf, ...progress];
    case 'a':
      return ['acceptor', id, conf];
    case 'p':
      return ['proposer', id, conf];
    default:
      return ['learner', conf, ...progress];
  }
}
