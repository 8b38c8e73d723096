/**
 * DemoCluster: three replicas as child processes, `libpaxos replica ID paxos.conf --json`, in a directory of their own.
 *
 *   make → start(id) … kill(id), start(id) … → close: no process and no file is left
 *
 * Each replica says on its standard output how far it is; its log goes to a file in the directory. One that ends by
 * itself fails the cluster, with the last line of its log.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Config, configText, makeConfig } from '../../config/index.ts';
import { PaxosError } from '../../paxos/error.ts';
import { randomInt, systemRandom } from '../../transport/random.ts';
import { TcpTransport } from '../../transport/tcp.ts';
import { CommandFailed } from '../io.ts';

const REPLICAS = 3;
const REPORT_EVERY_MS = 100;
/** Ports below those that the system gives to outgoing connections, so that none is taken while a replica is down. */
const FIRST_PORT = 20_000;
const LAST_PORT = 30_000;
const PORT_ATTEMPTS = 1000;
/** Who has not ended after this, asked kindly, is killed. */
const END_WITHIN_MS = 3000;

/** What is known of a replica. */
export interface Member {
  readonly id: number;
  readonly port: number;
  /** undefined while it is down */
  pid: number | undefined;
  leading: boolean;
  delivered: number;
  /** its digest at each instance at which it said one; two of them if it said something else after a restart */
  readonly digests: Map<number, Set<string>>;
}

export class DemoCluster {
  readonly config: Config;
  readonly members: readonly Member[];
  /** Rejects when a replica ends that was not told to. */
  readonly failed: Promise<never>;
  readonly #directory: string;
  readonly #program: readonly string[];
  readonly #children = new Map<number, ChildProcess>();
  readonly #killed = new WeakSet<ChildProcess>();
  #fail: (error: unknown) => void = () => undefined;

  private constructor(directory: string, config: Config, program: readonly string[]) {
    this.#directory = directory;
    this.#program = program;
    this.config = config;
    this.members = config.acceptors.map(({ id, port }) => {
      return { id, port, pid: undefined, leading: false, delivered: 0, digests: new Map() };
    });
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    // Whoever closes the cluster does not wait for its failure any more.
    this.failed.catch(() => undefined);
  }

  /** Finds free ports and writes the config; starts nothing. */
  static async make(program: readonly string[]): Promise<DemoCluster> {
    const ports = await freePorts(REPLICAS);
    const directory = mkdtempSync(join(tmpdir(), 'libpaxos-demo-'));
    const config = makeConfig(
      { replicas: ports.map((port) => ({ host: '127.0.0.1', port })) },
      { storageBackend: 'lmdb', lmdbSync: true, lmdbEnvPath: join(directory, 'acceptor') },
    );
    writeFileSync(join(directory, 'paxos.conf'), configText(config));
    return new DemoCluster(directory, config, program);
  }

  /** Starts a replica, or starts it again on what it has on disk. */
  start(id: number): void {
    const member = this.#member(id);
    const [command = '', ...words] = this.#program;
    const config = join(this.#directory, 'paxos.conf');
    const flags = ['--json', '--every', String(REPORT_EVERY_MS)];
    const log = openSync(this.#logPath(id), 'a');
    const child = spawn(command, [...words, 'replica', String(id), config, ...flags], {
      stdio: ['ignore', 'pipe', log],
    });
    closeSync(log);
    this.#children.set(id, child);
    member.pid = child.pid;
    member.delivered = 0;
    child.once('error', (error) => this.#ended(member, child, error.message));
    child.once('exit', (code, signal) => this.#ended(member, child, `exit code ${code ?? signal}`));
    if (child.stdout !== null) {
      createInterface({ input: child.stdout }).on('line', (line) => readProgress(member, line));
    }
  }

  /** Kills a replica as a crash would: SIGKILL, no last word. */
  async kill(id: number): Promise<void> {
    await this.#end(id, 'SIGKILL');
  }

  /** Ends every replica and removes the directory. May be called at any time, and twice. */
  async close(): Promise<void> {
    await Promise.all(this.members.map(({ id }) => this.#end(id, 'SIGTERM')));
    rmSync(this.#directory, { recursive: true, force: true });
  }

  async #end(id: number, signal: NodeJS.Signals): Promise<void> {
    const child = this.#children.get(id);
    if (child === undefined || this.#member(id).pid === undefined) return;
    this.#killed.add(child);
    const kill = setTimeout(() => child.kill('SIGKILL'), END_WITHIN_MS);
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
    clearTimeout(kill);
  }

  #ended(member: Member, child: ChildProcess, how: string): void {
    member.pid = undefined;
    member.leading = false;
    if (this.#killed.has(child)) return;
    this.#fail(
      new CommandFailed(`replica ${member.id} ended by itself: ${this.#lastWords(member.id) ?? how}`),
    );
  }

  #lastWords(id: number): string | undefined {
    const lines = readFileSync(this.#logPath(id), 'utf8').trim().split('\n');
    const last = lines.findLast((line) => /^error: |^\w*Error\b/.test(line)) ?? lines.at(-1);
    return last?.replace(/^error: /, '');
  }

  #logPath(id: number): string {
    return join(this.#directory, `replica-${id}.log`);
  }

  #member(id: number): Member {
    const member = this.members[id];
    if (member === undefined) throw new RangeError(`the demo has no replica ${id}`);
    return member;
  }
}

/** Takes a line of `--json`. */
function readProgress(member: Member, line: string): void {
  const read: unknown = JSON.parse(line);
  if (typeof read !== 'object' || read === null) return;
  if (!('delivered' in read && 'digest' in read && 'leading' in read)) return;
  member.delivered = Number(read.delivered);
  member.leading = read.leading === true && member.pid !== undefined;
  const digests = member.digests.get(member.delivered) ?? new Set();
  member.digests.set(member.delivered, digests.add(String(read.digest)));
}

/** So many ports that nobody listens on, in the order of trying. */
async function freePorts(count: number): Promise<number[]> {
  const transport = new TcpTransport({ noDelay: true });
  const random = systemRandom();
  const found = new Set<number>();
  for (let attempt = 0; found.size < count && attempt < PORT_ATTEMPTS; attempt++) {
    const port = randomInt(random, FIRST_PORT, LAST_PORT);
    if (await isFree(transport, port)) found.add(port);
  }
  if (found.size < count) throw new CommandFailed(`no free ports between ${FIRST_PORT} and ${LAST_PORT}`);
  return [...found];
}

async function isFree(transport: TcpTransport, port: number): Promise<boolean> {
  try {
    const listener = await transport.listen(port, (link) => {
      link.close();
      return { connected: noop, data: noop, drained: noop, closed: noop };
    });
    await listener.close();
    return true;
  } catch (error) {
    if (error instanceof PaxosError) return false;
    throw error;
  }
}

function noop(): void {}
