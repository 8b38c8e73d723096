/**
 * CommandsCluster: three replicas with a state machine as processes, for benchmarks of commands: started, asked how far
 * they are, ended and started again.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { cpuMicros } from './proc.ts';
import { end, freePorts } from './scene.ts';
import { sum } from './statistics.ts';

const REPLICA = fileURLToPath(new URL('programs/commands-replica.ts', import.meta.url));
const REPLICAS = 3;

export interface CommandsClusterOptions {
  /** memory, or lmdb, which is synced */
  readonly storage: string;
  /** more lines of the config */
  readonly lines?: readonly string[];
  /** so much is in every snapshot */
  readonly stateBytes?: number;
}

/** What a replica says of itself. */
export interface ReplicaStatus {
  readonly applied: number;
  readonly isLeading: boolean;
  readonly snapshotInstanceId: number;
}

interface Running {
  readonly child: ChildProcess;
  readonly lines: Interface;
  readonly up: Promise<void>;
}

export class CommandsCluster {
  readonly configPath: string;
  readonly #directory: string;
  readonly #options: CommandsClusterOptions;
  readonly #replicas = new Map<number, Running>();

  private constructor(options: CommandsClusterOptions, directory: string) {
    this.#options = options;
    this.#directory = directory;
    this.configPath = join(directory, 'paxos.conf');
  }

  static async start(options: CommandsClusterOptions): Promise<CommandsCluster> {
    const directory = await mkdtemp(join(tmpdir(), 'libpaxos-commands-'));
    const cluster = new CommandsCluster(options, directory);
    const ports = await freePorts(REPLICAS);
    const lines = ports.map((port, id) => `replica ${id} 127.0.0.1 ${port}`);
    lines.push('value-format commands', 'verbosity quiet', ...(options.lines ?? []));
    if (options.storage === 'lmdb')
      lines.push('storage-backend lmdb', 'lmdb-sync yes', `lmdb-env-path ${directory}/log`);
    await writeFile(cluster.configPath, `${lines.join('\n')}\n`);
    await Promise.all([...ports.keys()].map((id) => cluster.startReplica(id)));
    return cluster;
  }

  /** Processor time of all replicas, µs. */
  get cpuMicros(): number {
    return sum([...this.#replicas.values()].map(({ child }) => cpuMicros(child.pid)));
  }

  /** @returns when it is up */
  startReplica(id: number): Promise<void> {
    const { stateBytes = 0 } = this.#options;
    const words = ['--import', 'tsx', REPLICA, this.configPath, String(id), String(stateBytes)];
    const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
    const up = new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve());
      child.once('exit', (code) => reject(new Error(`a replica ended with ${code}`)));
    });
    // Who is not waited for any more may end.
    up.catch(() => undefined);
    this.#replicas.set(id, { child, lines: createInterface({ input: child.stdout }), up });
    return up;
  }

  async killReplica(id: number): Promise<void> {
    const running = this.#replicas.get(id);
    this.#replicas.delete(id);
    if (running !== undefined) await end(running.child, false);
  }

  /** How a replica is, by itself. */
  status(id: number): Promise<ReplicaStatus> {
    const running = this.#replicas.get(id);
    if (running === undefined) throw new Error(`replica ${id} does not run`);
    return new Promise((resolve) => {
      const hear = (line: string) => {
        if (!line.startsWith('{')) return;
        running.lines.off('line', hear);
        resolve(JSON.parse(line));
      };
      running.lines.on('line', hear);
      running.child.stdin?.write('status\n');
    });
  }

  /** The replica that leads. */
  async leaderId(): Promise<number> {
    for (const id of this.#replicas.keys()) if ((await this.status(id)).isLeading) return id;
    throw new Error('nobody leads');
  }

  /** Ends all, and removes what they stored. */
  async close(): Promise<void> {
    await Promise.all([...this.#replicas.keys()].map((id) => this.killReplica(id)));
    await rm(this.#directory, { recursive: true, force: true });
  }
}
