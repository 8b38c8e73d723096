/**
 * Scene: one cluster of originals and ours, on free ports, with all that learns from it; ended whole.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AcceptorNode,
  Client,
  type Delivered,
  LearnerNode,
  type NodeEvent,
  type NodeHandle,
  ProposerNode,
  Replica,
} from '../../src/evpaxos/index.ts';
import { freePorts } from '../support/ports.ts';
import { Program } from './programs.ts';
import { printedLine } from './values.ts';

/** What one learner delivered, in order. */
export interface Sequence {
  readonly name: string;
  readonly count: number;
  /** the value at a position, from 0, as the original's learner prints it */
  line(position: number): string;
}

/** A learner, or a replica, of ours. */
export class OurSequence implements Sequence {
  readonly name: string;
  readonly values: Uint8Array[] = [];
  /** set if an instance was left out or came twice */
  fault: string | undefined;

  constructor(name: string) {
    this.name = name;
  }

  get count(): number {
    return this.values.length;
  }

  line(position: number): string {
    const value = this.values[position];
    return value === undefined ? '' : printedLine(value);
  }

  readonly deliver = ({ instanceId, value }: Delivered): void => {
    this.values.push(value.slice());
    if (instanceId !== this.values.length)
      this.fault ??= `instance ${instanceId} came as number ${this.count}`;
  };
}

/** An original learner: what it printed that is a value. */
class OriginalSequence implements Sequence {
  readonly name: string;
  readonly #program: Program;

  constructor(program: Program) {
    this.name = 'original learner';
    this.#program = program;
  }

  get count(): number {
    return this.#program.values.length;
  }

  line(position: number): string {
    return this.#program.values[position] ?? '';
  }
}

/** The nodes of a cluster: replicas, or acceptors and proposers apart. */
export interface Lines {
  readonly replicas?: number;
  readonly acceptors?: number;
  readonly proposers?: number;
}

export class Scene implements AsyncDisposable {
  readonly configFile: string;
  readonly sequences: Sequence[] = [];
  /** what nodes of ours reported, oldest first, with the time in ms since the scene began */
  readonly events: { readonly at: number; readonly node: string; readonly event: NodeEvent }[] = [];
  readonly #folder: string;
  readonly #beganAt = performance.now();
  readonly #programs: Program[] = [];
  readonly #acceptorCount: number;
  readonly #nodes: NodeHandle[] = [];
  readonly #replicas: { readonly node: Replica; readonly sequence: OurSequence }[] = [];

  private constructor(folder: string, acceptorCount: number) {
    this.#acceptorCount = acceptorCount;
    this.#folder = folder;
    this.configFile = join(folder, 'paxos.conf');
  }

  static async make(lines: Lines, directives: readonly string[] = []): Promise<Scene> {
    const { replicas = 0, acceptors = 0, proposers = 0 } = lines;
    const ports = await freePorts(replicas + acceptors + proposers);
    const line = (kind: string) => (id: number) => `${kind} ${id} 127.0.0.1 ${ports.pop()}`;
    const text = [
      'verbosity info',
      ...directives,
      ...range(replicas).map(line('replica')),
      ...range(acceptors).map(line('acceptor')),
      ...range(proposers).map(line('proposer')),
    ];
    const scene = new Scene(mkdtempSync(join(tmpdir(), 'libpaxos-original-')), replicas + acceptors);
    writeFileSync(scene.configFile, `${text.join('\n')}\n`);
    return scene;
  }

  original(name: 'acceptor' | 'proposer' | 'replica', id: number): Program {
    return this.#start(name, [String(id), this.configFile]);
  }

  originalLearner(): Program {
    const program = this.#start('learner', [this.configFile]);
    this.sequences.push(new OriginalSequence(program));
    return program;
  }

  /** Waits until these are connected to every acceptor: an original that started before it tries again after 2 s. */
  async connected(...programs: readonly Program[]): Promise<void> {
    const isConnected = (program: Program) => program.connections >= this.#acceptorCount;
    await until('originals are connected to every acceptor', () => programs.every(isConnected));
  }

  /** Starts an original's client. It connects once, so that its proposer has to be there. */
  originalClient(proposerId: number, outstanding: number): Program {
    return this.#start('client', [this.configFile, '-p', String(proposerId), '-o', String(outstanding)]);
  }

  #start(name: 'acceptor' | 'client' | 'learner' | 'proposer' | 'replica', args: readonly string[]): Program {
    const program = new Program(name, args);
    this.#programs.push(program);
    return program;
  }

  async replica(id: number): Promise<Replica> {
    const sequence = this.#sequence(`replica ${id}`);
    const { deliver } = sequence;
    const node = this.#keep(await Replica.start({ ...this.#options(`replica ${id}`), id, deliver }));
    this.#replicas.push({ node, sequence });
    return node;
  }

  /** Ends a replica of ours; how far it came is compared no more. */
  async leave(replica: Replica | undefined): Promise<void> {
    const index = this.#replicas.findIndex(({ node }) => node === replica);
    const [left] = this.#replicas.splice(index, 1);
    if (left === undefined) throw new Error('there is no such replica');
    this.sequences.splice(this.sequences.indexOf(left.sequence), 1);
    await left.node.close();
  }

  async acceptor(id: number): Promise<NodeHandle> {
    return this.#keep(await AcceptorNode.start({ ...this.#options(`acceptor ${id}`), id }));
  }

  async proposer(id: number): Promise<NodeHandle> {
    return this.#keep(await ProposerNode.start({ ...this.#options(`proposer ${id}`), id }));
  }

  async learner(): Promise<OurSequence> {
    const name = `learner ${this.#nodes.length}`;
    const sequence = this.#sequence(name);
    this.#keep(await LearnerNode.start({ ...this.#options(name), deliver: sequence.deliver }));
    return sequence;
  }

  async client(proposerId: number): Promise<Client> {
    const deliver = () => undefined;
    return this.#keep(await Client.start({ ...this.#options('client'), proposerId, deliver }));
  }

  #options(node: string) {
    const report = (event: NodeEvent) =>
      this.events.push({ at: Math.round(performance.now() - this.#beganAt), node, event });
    return { config: this.configFile, observer: { report } };
  }

  #sequence(name: string): OurSequence {
    const sequence = new OurSequence(name);
    this.sequences.push(sequence);
    return sequence;
  }

  #keep<T extends NodeHandle>(node: T): T {
    this.#nodes.push(node);
    return node;
  }

  async end(): Promise<void> {
    await Promise.all(this.#programs.map((program) => program.end()));
    await Promise.all(this.#nodes.map((node) => node.close()));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}

export function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Waits until something holds; looked at every 10 ms, since what it waits for may happen in another process. */
export async function until(claim: string, holds: () => boolean, limitMs = 20_000): Promise<void> {
  const end = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within ${limitMs / 1000} s: ${claim}`);
    await sleep(10);
  }
}
