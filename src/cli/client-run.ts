/**
 * ClientRun: one run of the client, from its start to its summary.
 *
 *   enough acceptors can be reached → the first values go out → the first is learned → a line every second → the end
 *
 * Lines begin with the first value that is learned, so that they show the cluster and not the order in which its nodes
 * were started; until then, and whenever it stalls, a sentence on standard error says why nothing is chosen.
 */
import type { Config } from '../config/index.ts';
import { Client, maxValueBytes, type Reach } from '../evpaxos/index.ts';
import { quorumSize } from '../paxos/quorum.ts';
import { systemRandom } from '../transport/random.ts';
import type { Timer } from '../transport/transport.ts';
import { Load } from './client-load.ts';
import { secondJson, secondLine, summaryJson, summaryLine } from './client-report.ts';
import { stallReason } from './client-stall.ts';
import { HEAD_BYTES } from './client-value.ts';
import { CommandFailed, type Io, stopped } from './io.ts';
import { Tally } from './latency.ts';
import { Log } from './log.ts';
import { behindTrim, tellSignal } from './running.ts';

const SECOND_MS = 1000;
/** How often it looks whether enough nodes can be reached to begin. */
const LOOK_MS = 20;
/** Nothing learned for so long is worth a sentence; and again after so long. */
const STALL_MS = 3000;
const STALL_AGAIN_MS = 10_000;
const MAX_CLIENT_ID = 2 ** 31 - 1;

export interface ClientFlags {
  readonly outstanding: number;
  readonly valueSize: number;
  readonly proposerId: number;
  readonly percentiles?: boolean;
  readonly count?: number;
  readonly seconds?: number;
  readonly json?: boolean;
}

export class ClientRun {
  readonly #config: Config;
  readonly #flags: ClientFlags;
  readonly #io: Io;
  readonly #second: Tally;
  readonly #total: Tally;
  readonly #timers = new Map<string, Timer>();
  /** resolves when the run has reached the end it was given; rejects when it cannot go on */
  readonly #ended: Promise<void>;
  #end: () => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;
  #load: Load | undefined;
  #seconds = 0;
  #toldProposer = false;
  /** when the first values could go out, and when the last was learned */
  #beganAt: number;
  #learnedAt: number;
  /** why none is learned, as it was last said, and when to say it again */
  #complaint = '';
  #complainAt = 0;

  constructor(config: Config, flags: ClientFlags, io: Io) {
    this.#config = config;
    this.#flags = flags;
    this.#io = io;
    const percentiles = flags.percentiles === true;
    this.#second = new Tally(percentiles);
    this.#total = new Tally(percentiles);
    this.#beganAt = io.clock.now();
    this.#learnedAt = this.#beganAt;
    this.#ended = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
  }

  /** @throws PaxosError; CommandFailed if a run with an end got nothing chosen */
  async run(): Promise<void> {
    const { proposerId, seconds, valueSize } = this.#flags;
    const limit = maxValueBytes(this.#config) - HEAD_BYTES;
    if (valueSize > limit) {
      throw new CommandFailed(`--value-size ${valueSize} is too large; max-message allows ${limit}`);
    }
    const client = await Client.start({
      config: this.#config,
      proposerId,
      observer: new Log(this.#io, this.#config.verbosity, (text) => this.#tell(text)),
      deliver: ({ value }) => {
        if (this.#load?.delivered(value) === true) this.#fill();
      },
    });
    this.#look(client);
    this.#watch(client);
    if (seconds !== undefined) this.#after(seconds * SECOND_MS, 'end', () => this.#end());
    try {
      await Promise.race([stopped(this.#io.stop), this.#ended, client.closed]);
      tellSignal(this.#io, (text) => this.#tell(text));
      this.#summarise(client.reach);
    } catch (error) {
      throw behindTrim(error, () => 'this client did not keep up: start it again');
    } finally {
      for (const timer of this.#timers.values()) timer.cancel();
      await client.close();
    }
  }

  /** Looks until there are acceptors enough to begin, and a proposer to tell of. */
  #look(client: Client): void {
    const { acceptors, proposers } = client.reach;
    if (this.#load === undefined && acceptors.length >= quorumSize(this.#config.acceptors.length)) {
      this.#beganAt = this.#io.clock.now();
      this.#load = this.#makeLoad(client);
    }
    if (!this.#toldProposer && proposers.length > 0) {
      this.#toldProposer = true;
      this.#tell('Connected to proposer\n');
    }
    this.#fill();
    if (this.#load === undefined || !this.#toldProposer) {
      this.#after(LOOK_MS, 'look', () => this.#look(client));
    }
  }

  #makeLoad(client: Client): Load {
    const { outstanding, valueSize: textBytes, count = Number.POSITIVE_INFINITY } = this.#flags;
    const { clock } = this.#io;
    const random = systemRandom();
    const clientId = Math.floor(random.next() * MAX_CLIENT_ID);
    const offer = (value: Uint8Array, chosen: (() => void) | undefined) => client.offer(value, chosen);
    const learned = (bytes: number, micros: number, now: number) => this.#learned(bytes, micros, now);
    return new Load({ clientId, outstanding, count, textBytes, clock, random, offer, learned });
  }

  #fill(): void {
    try {
      this.#load?.fill();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Hot. */
  #learned(valueBytes: number, latencyMicros: number, now: number): void {
    this.#learnedAt = now;
    this.#second.add(valueBytes, latencyMicros);
    this.#total.add(valueBytes, latencyMicros);
    if (this.#total.values === 1) this.#nextSecond(this.#learnedAt);
    if (this.#total.values === this.#flags.count) this.#end();
  }

  /** Prints a line at the end of every second since the first value. */
  #nextSecond(startedAt: number): void {
    this.#seconds++;
    const waitMs = startedAt + this.#seconds * SECOND_MS - this.#io.clock.now();
    this.#after(Math.max(0, waitMs), 'second', () => {
      const json = this.#flags.json === true;
      this.#io.out(json ? secondJson(this.#second, this.#seconds) : secondLine(this.#second));
      this.#second.reset();
      this.#nextSecond(startedAt);
    });
  }

  /** Looks every second whether values are learned. */
  #watch(client: Client): void {
    this.#load?.sweep();
    this.#complain(client.reach);
    this.#after(SECOND_MS, 'watch', () => this.#watch(client));
  }

  /** Says why nothing is learned: when that has lasted, when the reason is another one, and now and then. */
  #complain(reach: Reach): void {
    const now = this.#io.clock.now();
    const silentMs = now - this.#learnedAt;
    if (silentMs < STALL_MS || this.#load?.isDone === true) {
      this.#complaint = '';
      return;
    }
    const why = stallReason(this.#config, reach);
    if (why === this.#complaint && now < this.#complainAt) return;
    this.#complaint = why;
    this.#complainAt = now + STALL_AGAIN_MS;
    this.#io.err(`Nothing was chosen for ${Math.round(silentMs / SECOND_MS)} s: ${why}\n`);
  }

  #summarise(reach: Reach): void {
    const { count, seconds, percentiles, json } = this.#flags;
    if (count === undefined && seconds === undefined && percentiles !== true && json !== true) return;
    const isComplete = this.#total.values === count;
    const elapsedMs = (isComplete ? this.#learnedAt : this.#io.clock.now()) - this.#beganAt;
    const print = json === true ? summaryJson : summaryLine;
    this.#io.out(print(this.#total, elapsedMs));
    if (this.#total.values > 0 || this.#io.stop.aborted) return;
    throw new CommandFailed(`nothing was chosen: ${stallReason(this.#config, reach)}`);
  }

  /** A line beside the figures: with --json they have standard output for themselves. */
  #tell(text: string): void {
    if (this.#flags.json === true) this.#io.err(text);
    else this.#io.out(text);
  }

  /** Calls later, instead of what was to be called later under this name. */
  #after(delayMs: number, name: string, call: () => void): void {
    this.#timers.get(name)?.cancel();
    this.#timers.set(name, this.#io.clock.after(delayMs, call));
  }
}
