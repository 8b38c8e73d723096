/**
 * Commands: the command line run in this process, its output taken line by line, and directories with a paxos.conf for
 * it. Nothing here waits for time to pass: only for lines, and for ends.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Io } from '../../src/cli/io.ts';
import { main } from '../../src/cli/program.ts';
import { SystemClock } from '../../src/transport/clock.ts';
import { freePorts } from './ports.ts';

const SIGINT = 2;
/** A port that was free may be taken by the time it is used; so often other ones are tried. */
const PORT_ATTEMPTS = 5;

/** The lines of one stream, those to come included. */
export class Lines {
  readonly all: string[] = [];
  #rest = '';
  #ended = false;
  #looking = new Set<() => void>();

  add(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    this.all.push(...lines);
    for (const look of [...this.#looking]) look();
  }

  end(): void {
    this.#ended = true;
    for (const look of [...this.#looking]) look();
  }

  /** Everything that was printed. */
  get text(): string {
    return this.all.map((line) => `${line}\n`).join('') + this.#rest;
  }

  /** The first `count` lines that match, as soon as there are so many. */
  matching(pattern: RegExp, count: number): Promise<string[]> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.all.filter((line) => pattern.test(line)).slice(0, count);
        if (found.length < count && !this.#ended) return;
        this.#looking.delete(look);
        if (found.length === count) resolve(found);
        else reject(new Error(`it ended with ${found.length} of ${count} lines ${pattern}:\n${this.text}`));
      };
      this.#looking.add(look);
      look();
    });
  }

  /** The first line that matches, as soon as there is one. */
  async first(pattern: RegExp): Promise<string> {
    const [line = ''] = await this.matching(pattern, 1);
    return line;
  }
}

/** A world without a terminal, in which nothing is said and nobody asks for an end. */
export function quietIo(): Io {
  return {
    out: () => undefined,
    err: () => undefined,
    colours: false,
    screen: () => undefined,
    stop: new AbortController().signal,
    clock: new SystemClock(),
    directory: tmpdir(),
    program: [],
  };
}

/** A command that runs in this process. */
export class RunningCommand {
  readonly out = new Lines();
  readonly err = new Lines();
  /** its exit code, once it has ended */
  readonly exitCode: Promise<number>;
  readonly #stop = new AbortController();

  constructor(argv: readonly string[], world: Partial<Io> = {}) {
    const io: Io = {
      ...quietIo(),
      out: (text) => this.out.add(text),
      err: (text) => this.err.add(text),
      stop: this.#stop.signal,
      ...world,
    };
    this.exitCode = main(argv, io).finally(() => {
      this.out.end();
      this.err.end();
    });
  }

  /** Ends it as Ctrl-C does. */
  stop(signal: number = SIGINT): Promise<number> {
    this.#stop.abort(signal);
    return this.exitCode;
  }
}

/** What a command prints from its start to its end. */
export async function runToEnd(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const command = new RunningCommand(argv);
  const code = await command.exitCode;
  return { code, out: command.out.text, err: command.err.text };
}

/** A directory with a paxos.conf, and the commands that were started in it. */
export class CommandDirectory {
  readonly path: string;
  readonly ports: readonly number[];
  readonly #running: RunningCommand[] = [];

  private constructor(path: string, ports: readonly number[]) {
    this.path = path;
    this.ports = ports;
  }

  /** @param text what the config says, given free ports */
  static async make(
    portCount: number,
    text: (ports: readonly number[], path: string) => string,
  ): Promise<CommandDirectory> {
    const path = await mkdtemp(join(tmpdir(), 'libpaxos-cli-'));
    const ports = await freePorts(portCount);
    await writeFile(join(path, 'paxos.conf'), text(ports, path));
    return new CommandDirectory(path, ports);
  }

  get config(): string {
    return join(this.path, 'paxos.conf');
  }

  /** Starts a command; `CONF` among its words is this directory's config. */
  start(...argv: string[]): RunningCommand {
    const words = argv.map((word) => (word === 'CONF' ? this.config : word));
    const command = new RunningCommand(words, { directory: this.path });
    this.#running.push(command);
    return command;
  }

  async close(): Promise<void> {
    await Promise.all(this.#running.map((command) => command.stop()));
    await rm(this.path, { recursive: true });
  }
}

/** The tutorial's config: three replicas, and what is added to it. */
export function threeReplicas(ports: readonly number[], options: readonly string[] = []): string {
  const lines = ports.map((port, id) => `replica ${id} 127.0.0.1 ${port}`);
  return [...lines, ...options, ''].join('\n');
}

/**
 * Starts commands that listen, each on a port of a fresh directory, and waits until all of them do.
 * @param commands the words of each; the one that is started comes in the same place of the result
 */
export async function startListening(
  make: () => Promise<CommandDirectory>,
  commands: readonly (readonly string[])[],
): Promise<{ directory: CommandDirectory; nodes: RunningCommand[] }> {
  for (let attempt = 1; ; attempt++) {
    const directory = await make();
    const nodes = commands.map((words) => directory.start(...words));
    try {
      await Promise.all(nodes.map((node) => node.out.first(/Listening on port/)));
      return { directory, nodes };
    } catch (error) {
      await directory.close();
      const isTaken = nodes.some((node) => /is already in use: end/.test(node.err.text));
      if (!isTaken || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}
