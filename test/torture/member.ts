/**
 * Member: one node of the cluster as a process that is killed, stopped and started again. Knows what it says of itself,
 * and whether its end was asked for.
 *
 *   start → up → kill(), start() … → terminate()
 *
 * It is a process group of its own, so that Ctrl-C in a terminal reaches us alone. One that is left behind ends when it
 * finds nobody reading what it prints.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** Who has not ended so long after SIGTERM hangs. */
const END_WITHIN_MS = 5000;
const LAST_WORDS = 8;
/** When its port was taken by somebody's outgoing connection, it is started again. */
const PORT_TAKEN = /is already in use/;
/** What it says when its disk failed: then its end is right. */
const DISK_FAILED = /^error: .*acceptor_\d+ could not be /;
const PORT_RETRY_MS = 150;

/** How far a node that learns is, as it says itself. */
export interface Claim {
  readonly delivered: number;
  readonly digest: string;
}

export interface MemberOptions {
  readonly name: string;
  readonly program: readonly string[];
  readonly words: readonly string[];
  readonly logPath: string;
  /** which of its lives it is in, 1 at first, and how far it is */
  readonly claimed: (life: number, claim: Claim) => void;
  /** whatever else it says in JSON, a line at a time; undefined: it says nothing else, and is told nothing */
  readonly said?: (line: unknown) => void;
  /** it ended, and nobody asked for that */
  readonly failed: (reason: string) => void;
  /** it ended since its disk failed, as it should */
  readonly stoppedByDisk: () => void;
}

export class Member {
  readonly options: MemberOptions;
  readonly #log: WriteStream;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #life = 0;
  #isEndAsked = false;
  #lastWords: string[] = [];
  /** the last claim of the present life */
  claim: Claim | undefined;
  isLeading = false;
  /** true once it has said something in its present life: signals are its own to take from then on */
  hasSpoken = false;
  /** a sync of its present life was made to fail: it may end, at once or when it goes on after a stop */
  hasBadDisk = false;
  isStopped = false;

  constructor(options: MemberOptions) {
    this.options = options;
    this.#log = createWriteStream(options.logPath, { flags: 'a' });
  }

  get name(): string {
    return this.options.name;
  }

  get isUp(): boolean {
    return this.#child !== undefined;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get life(): number {
    return this.#life;
  }

  /** Starts it, or starts it again on what it has on disk. */
  start(): void {
    if (this.#child !== undefined) return;
    const [command = '', ...first] = this.options.program;
    const child = spawn(command, [...first, ...this.options.words], {
      stdio: [this.options.said === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      detached: true,
    });
    // Who is told something while it ends does not hear it.
    child.stdin?.on('error', () => undefined);
    this.#child = child;
    this.#life++;
    this.#isEndAsked = false;
    this.#lastWords = [];
    this.claim = undefined;
    this.isStopped = false;
    this.hasSpoken = false;
    this.hasBadDisk = false;
    this.#note(`started, life ${this.#life}, process ${child.pid}`);
    for (const stream of [child.stdout, child.stderr])
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#hear(child, line));
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => this.#hear(child, `error: ${error.message}`));
      child.once('close', (code, signal) => {
        this.#close(child, code, signal);
        resolve();
      });
    });
  }

  /** Tells it something, a line. */
  tell(line: object): void {
    this.#child?.stdin?.write(`${JSON.stringify(line)}\n`);
  }

  /** As a crash would: no last word. */
  async kill(): Promise<void> {
    this.#isEndAsked = true;
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  /** At once, without waiting: for the very end of this process. */
  killNow(): void {
    this.#isEndAsked = true;
    this.#child?.kill('SIGKILL');
  }

  /** Lets it stand still. */
  stop(): void {
    this.isStopped = true;
    this.#child?.kill('SIGSTOP');
    this.#note('stopped');
  }

  /** Lets it go on. */
  cont(): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    this.#child?.kill('SIGCONT');
    this.#note('goes on');
  }

  /** Asks it kindly to end. What was wrong with how it did, if anything. */
  async terminate(): Promise<string | undefined> {
    const child = this.#child;
    if (child === undefined) return undefined;
    this.#isEndAsked = true;
    const hangs = new Promise<string>((resolve) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        resolve(`${this.name} did not end within ${END_WITHIN_MS / 1000} s of SIGTERM${this.#quoted()}`);
      }, END_WITHIN_MS);
      child.once('close', () => clearTimeout(timer));
    });
    child.kill('SIGTERM');
    const ended = this.#ended.then(() => {
      const { exitCode, signalCode } = child;
      return exitCode === 0
        ? undefined
        : `${this.name} ended with ${exitCode ?? signalCode}${this.#quoted()}`;
    });
    const fault = await Promise.race([ended, hangs]);
    await this.#ended;
    return fault;
  }

  /** Closes its log. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#log.end(resolve));
  }

  #hear(child: ChildProcess, line: string): void {
    if (child !== this.#child) return;
    this.hasSpoken = true;
    const claim = claimOf(line);
    if (claim !== undefined) {
      this.claim = claim;
      if (claim.leading !== undefined) this.isLeading = claim.leading;
      this.options.claimed(this.#life, claim);
      return;
    }
    const { said } = this.options;
    if (said !== undefined && line.startsWith('{')) {
      said(parsed(line));
      return;
    }
    if (/ Leading from instance /.test(line)) this.isLeading = true;
    if (/ Gave up leading /.test(line)) this.isLeading = false;
    this.#log.write(`${line}\n`);
    this.#lastWords = [...this.#lastWords, line].slice(-LAST_WORDS);
  }

  #close(child: ChildProcess, code: number | null, signal: NodeJS.Signals | null): void {
    this.#child = undefined;
    this.isLeading = false;
    this.isStopped = false;
    this.#note(`ended with ${code ?? signal}`);
    if (this.#isEndAsked) return;
    const hasSaid = (pattern: RegExp) => this.#lastWords.some((line) => pattern.test(line));
    if (this.hasBadDisk && code === 1 && hasSaid(DISK_FAILED)) this.options.stoppedByDisk();
    else if (hasSaid(PORT_TAKEN)) setTimeout(() => this.#isEndAsked || this.start(), PORT_RETRY_MS);
    else {
      const how = `process ${child.pid} ended with ${code ?? signal}, and nobody asked for that`;
      this.options.failed(`${this.name}: ${how}${this.#quoted()}`);
    }
  }

  #quoted(): string {
    return this.#lastWords.length === 0 ? '' : `; its last words:\n    ${this.#lastWords.join('\n    ')}`;
  }

  #note(text: string): void {
    const line = `-- ${new Date().toISOString()} ${text}\n`;
    if (this.#log.writableEnded) appendFileSync(this.options.logPath, line);
    else this.#log.write(line);
  }
}

/** What a line of `--json` says; undefined if it is none. */
function claimOf(line: string): (Claim & { readonly leading: boolean | undefined }) | undefined {
  if (!line.startsWith('{"type":"progress"')) return undefined;
  const read = parsed(line);
  if (typeof read !== 'object' || read === null || !('delivered' in read && 'digest' in read))
    return undefined;
  const leading = 'leading' in read ? read.leading === true : undefined;
  return { delivered: Number(read.delivered), digest: String(read.digest), leading };
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // A line that was cut off by SIGKILL.
    return undefined;
  }
}
