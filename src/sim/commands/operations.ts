/**
 * Operations: what may be asked of a store of registers and a counter, drawn by chance, asked, and written into the
 * history. Knows neither when somebody asks nor where the store is.
 *
 *   ask(asker, mark) → put | swap | add | fail | read → port → history
 *
 * What is given up, or fails in a way that tells nothing, stays open in the history: it may have happened or not.
 */
import { PaxosError } from '../../paxos/error.ts';
import type { Random } from '../../transport/transport.ts';
import { pick } from '../plan.ts';
import { Violation } from '../violation.ts';
import type { History } from './history.ts';
import type { StoreCommand, StoreResult } from './store-machine.ts';
import { partOf, type StorePort } from './store-port.ts';

/** Who asks. */
export interface Asker {
  readonly name: string;
  readonly port: StorePort;
  /** what it read or wrote last, by key */
  readonly seen: Map<string, string | null>;
  /** calls after so many ms, if it is still there */
  readonly after: (ms: number, call: () => void) => unknown;
}

/** How much each kind of operation is of all; what is left over are linearizable reads of a register. */
export interface Shares {
  readonly put: number;
  readonly swap: number;
  readonly add: number;
  readonly fail: number;
  readonly sum: number;
  readonly local: number;
}

export const EVERYTHING: Shares = { put: 0.2, swap: 0.2, add: 0.15, fail: 0.03, sum: 0.07, local: 0.07 };

export interface OperationsOptions {
  readonly history: History;
  readonly random: Random;
  readonly shares: Shares;
  readonly drawKey: () => string;
  /** how many operations are given up after a while, of one */
  readonly givenUp: number;
  /** told of each command before it is handed in, as it will stand in the log */
  readonly submitted: (part: string) => void;
  /** told of each command that has a result */
  readonly settled: (part: string) => void;
  readonly reached: (what: string) => void;
  /** how many messages were sent to confirm a leader; undefined: there are no leases, or nobody counts */
  readonly confirms: (() => number) | undefined;
}

export class Operations {
  readonly #options: OperationsOptions;
  /** every value that may be in a register */
  readonly #values = new Set<string>();

  constructor(options: OperationsOptions) {
    this.#options = options;
  }

  /**
   * Asks for something; resolves when it has its answer.
   * @param mark names the operation; no other has it
   * @throws Violation, PaxosError
   */
  ask(asker: Asker, mark: string): Promise<void> {
    const { random, drawKey, shares } = this.#options;
    let drawn = random.next();
    const key = drawKey();
    const isDrawn = (share: number) => {
      const isIt = drawn < share;
      drawn -= share;
      return isIt;
    };
    if (isDrawn(shares.put)) return this.#put(asker, mark, key);
    if (isDrawn(shares.swap)) return this.#swap(asker, mark, key);
    if (isDrawn(shares.add)) return this.#add(asker, mark);
    if (isDrawn(shares.fail)) return this.#fail(asker, mark);
    if (isDrawn(shares.sum)) return this.#readSum(asker);
    return this.#read(asker, key, isDrawn(shares.local) ? 'local' : 'linearizable');
  }

  /** Asks for the sum or a register, linearizable; resolves when it has its answer. @throws Violation, PaxosError */
  read(asker: Asker): Promise<void> {
    const { random, drawKey } = this.#options;
    return random.next() < 0.3 ? this.#readSum(asker) : this.#read(asker, drawKey(), 'linearizable');
  }

  async #put(asker: Asker, mark: string, key: string): Promise<void> {
    this.#values.add(mark);
    const returned = this.#options.history.call(asker.name, { type: 'write', key, value: mark });
    const result = await this.#propose(asker, { type: 'put', mark, key, value: mark });
    if (result !== null) throw wrong(asker, 'a put', result);
    asker.seen.set(key, mark);
    returned(result);
  }

  async #swap(asker: Asker, mark: string, key: string): Promise<void> {
    this.#values.add(mark);
    const expected = asker.seen.get(key) ?? null;
    const returned = this.#options.history.call(asker.name, { type: 'swap', key, expected, value: mark });
    const isDone = await this.#propose(asker, { type: 'swap', mark, key, expected, value: mark });
    if (typeof isDone !== 'boolean') throw wrong(asker, 'a swap', isDone);
    if (isDone) asker.seen.set(key, mark);
    returned(isDone);
  }

  async #add(asker: Asker, mark: string): Promise<void> {
    const returned = this.#options.history.callAdd(asker.name, mark);
    const sum = await this.#propose(asker, { type: 'add', mark });
    if (typeof sum !== 'number') throw wrong(asker, 'an addition', sum);
    returned(sum);
  }

  async #fail(asker: Asker, mark: string): Promise<void> {
    const result = await this.#propose(asker, { type: 'fail', mark }).catch((error: unknown) => error);
    if (!(result instanceof PaxosError) || result.code !== 'COMMAND_FAILED') throw result;
    this.#acknowledge({ type: 'fail', mark });
    this.#options.reached('command failed');
  }

  async #readSum(asker: Asker): Promise<void> {
    const returned = this.#options.history.callSum(asker.name);
    const signal = this.#giveUp(asker);
    const sum = await notGivenUp(asker.port.read({ key: undefined }, 'linearizable', signal), signal);
    if (typeof sum === 'number') returned(sum);
    else if (sum === undefined) this.#options.reached('read unavailable');
    else throw wrong(asker, 'a read of the sum', sum);
  }

  async #read(asker: Asker, key: string, consistency: 'local' | 'linearizable'): Promise<void> {
    const { history, reached, confirms } = this.#options;
    const { name, port } = asker;
    const isJudged = consistency === 'linearizable';
    const returned = isJudged ? history.call(name, { type: 'read', key }) : () => undefined;
    const before = confirms?.();
    const signal = this.#giveUp(asker);
    const value = await notGivenUp(port.read({ key }, consistency, signal), signal);
    const isLeased = before !== undefined && before === confirms?.();
    if (isJudged && value !== undefined) reached(isLeased ? 'lease read' : 'read that was confirmed');
    if (value === undefined) {
      reached('read unavailable');
      return;
    }
    if (value !== null && !this.#values.has(String(value)))
      throw new Violation('validity', `${name} read "${value}", which nobody wrote`);
    asker.seen.set(key, value === null ? null : String(value));
    returned(value === null ? null : String(value));
    reached(isJudged ? 'read answered' : 'local read answered');
  }

  async #propose(asker: Asker, command: StoreCommand): Promise<StoreResult> {
    this.#options.history.handedIn(command.mark, command.type === 'add');
    this.#options.submitted(partOf(command));
    const signal = this.#giveUp(asker);
    const result = await notGivenUp(asker.port.propose(command, signal), signal);
    this.#acknowledge(command);
    return result;
  }

  #acknowledge(command: StoreCommand): void {
    this.#options.history.acknowledged(command.mark);
    this.#options.settled(partOf(command));
  }

  /** Now and then somebody waits no longer. */
  #giveUp({ after }: Asker): AbortSignal | undefined {
    const { random, givenUp } = this.#options;
    if (random.next() >= givenUp) return undefined;
    const controller = new AbortController();
    after(pick(random, [0, 1, 10, 500]), () => controller.abort());
    return controller.signal;
  }
}

/** Nobody is told that he gave up who did not. */
function notGivenUp<T>(asked: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return asked.catch((error: unknown) => {
    if (error instanceof PaxosError && error.code === 'ABORTED' && signal?.aborted !== true)
      throw new Violation('invariant', 'somebody who waits was told that the wait was aborted');
    throw error;
  });
}

function wrong({ name }: Asker, what: string, result: unknown): Violation {
  return new Violation('invariant', `${name} was told that ${what} came to ${JSON.stringify(result)}`);
}
