/**
 * ReplicaPort: asks a replica in another process for operations of its own: a line there, a line back. What it was asked
 * is lost with its process: nobody answers, and it may have happened or not.
 */
import { PaxosError, type PaxosErrorCode } from '../../../src/paxos/error.ts';
import type {
  StoreAnswer,
  StoreCommand,
  StoreQuery,
  StoreResult,
} from '../../../src/sim/commands/store-machine.ts';
import type { StorePort } from '../../../src/sim/commands/store-port.ts';
import type { Member } from '../member.ts';

/** Takes what came of what was asked: a value, or the error that stands for it. */
type Settle = (line: {
  readonly value?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
}) => void;

/** What a replica says of its state. */
export interface ToldState {
  readonly applied: number;
  readonly digest: string;
}

export class ReplicaPort implements StorePort {
  readonly #member: Member;
  /** by number of what it was asked, and in which life */
  readonly #waiting = new Map<number, { readonly life: number; readonly settle: Settle }>();
  #next = 0;

  constructor(member: Member) {
    this.#member = member;
  }

  async propose(command: StoreCommand, signal?: AbortSignal): Promise<StoreResult> {
    const value = await this.#ask({ ask: 'propose', command }, signal);
    if (value === null || typeof value === 'boolean' || typeof value === 'number') return value;
    throw new TypeError(`a store answers a command with ${typeof value}`);
  }

  async read(
    query: StoreQuery,
    consistency: 'linearizable' | 'local',
    signal?: AbortSignal,
  ): Promise<StoreAnswer | undefined> {
    try {
      const value = await this.#ask({ ask: 'read', query, consistency }, signal);
      if (value === null || typeof value === 'string' || typeof value === 'number') return value;
      throw new TypeError(`a store answers a query with ${typeof value}`);
    } catch (error) {
      if (error instanceof PaxosError && error.code === 'READ_UNAVAILABLE') return undefined;
      throw error;
    }
  }

  /** Has it write its state to a file, and tell how far it is. */
  async state(path: string): Promise<ToldState> {
    const value = await this.#ask({ ask: 'state', path });
    if (typeof value !== 'object' || value === null || !('applied' in value && 'digest' in value))
      throw new TypeError('a replica tells its state');
    return { applied: Number(value.applied), digest: String(value.digest) };
  }

  /** It answered: a line of its own. */
  answered(line: object): void {
    const n = 'n' in line ? Number(line.n) : Number.NaN;
    const waiting = this.#waiting.get(n);
    this.#waiting.delete(n);
    if (waiting?.life === this.#member.life) waiting.settle(line);
  }

  #ask(question: object, signal?: AbortSignal): Promise<unknown> {
    const { life } = this.#member;
    for (const [n, waiting] of this.#waiting) if (waiting.life !== life) this.#waiting.delete(n);
    const n = this.#next++;
    this.#member.tell({ n, ...question });
    signal?.addEventListener('abort', () => this.#member.tell({ n, ask: 'abort' }), { once: true });
    return new Promise((resolve, reject) => {
      const settle: Settle = ({ value, code, message }) => {
        if (code === undefined) resolve(value);
        else reject(errorOf(String(code), String(message)));
      };
      this.#waiting.set(n, { life, settle });
    });
  }
}

/** What a program may be told. */
const CODES: readonly PaxosErrorCode[] = [
  'COMMAND_FAILED',
  'SESSION_EXPIRED',
  'ABORTED',
  'CLOSED',
  'READ_UNAVAILABLE',
];

/** The error that a replica told of; one that it should not meet is a fault. */
function errorOf(code: string, message: string): Error {
  const known = CODES.find((one) => one === code);
  return known === undefined ? new Error(`${code}: ${message}`) : new PaxosError(known, message);
}
