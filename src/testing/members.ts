/**
 * TestReplica and TestClient: a process of a test's cluster, as the test sees it. What is asked of one lets time pass
 * until it is answered; what a crash leaves unanswered is rejected.
 */
import { PaxosError } from '../paxos/error.ts';
import type { SimProcess } from '../sim/process.ts';
import type { MachineClient, ProposeOptions, ReadOptions } from '../statemachine/client.ts';
import type { StateMachine } from '../statemachine/index.ts';
import type { MachineReplica, MachineStatus } from '../statemachine/replica.ts';
import type { Driver } from './driver.ts';

/** What answers questions in a process. */
interface Service<Command, Result, Query, Answer> {
  propose(command: Command, options?: ProposeOptions): Promise<Result>;
  read(query: Query, options?: ReadOptions): Promise<Answer>;
}

/** What is asked of a process, and rejected when that ends. */
class Asked {
  readonly #driver: Driver;
  readonly #rejects = new Set<(error: PaxosError) => void>();

  constructor(driver: Driver) {
    this.#driver = driver;
  }

  get count(): number {
    return this.#rejects.size;
  }

  ask<T>(what: string, answer: () => Promise<T>): Promise<T> {
    const answered = new Promise<T>((resolve, reject) => {
      const end = () => this.#rejects.delete(reject);
      this.#rejects.add(reject);
      answer().finally(end).then(resolve, reject);
    });
    return this.#driver.wait(answered, what);
  }

  rejectAll(error: PaxosError): void {
    const rejects = [...this.#rejects];
    this.#rejects.clear();
    for (const reject of rejects) reject(error);
  }
}

/** What runs in a replica's process, from its start to its end. */
export interface Life<Command, Result, Query, Answer> {
  readonly process: SimProcess;
  readonly machine: StateMachine<Command, Result, Query, Answer>;
  readonly replica: MachineReplica<Command, Result, Query, Answer>;
}

export class TestReplica<Command, Result, Query, Answer> {
  readonly id: number;
  readonly #asked: Asked;
  #life: Life<Command, Result, Query, Answer> | undefined;

  /** @internal */
  constructor(id: number, driver: Driver) {
    this.id = id;
    this.#asked = new Asked(driver);
  }

  get isUp(): boolean {
    return this.#life !== undefined;
  }

  /** Its machine: to be looked at, not to be changed. A restarted replica has a new one. */
  get machine(): StateMachine<Command, Result, Query, Answer> {
    return this.#up().machine;
  }

  get status(): MachineStatus {
    return this.#up().replica.status;
  }

  /** As Replica.propose; CLOSED if the replica crashes meanwhile: the command may have been applied. */
  propose(command: Command, options?: ProposeOptions): Promise<Result> {
    const service = this.#up().replica;
    return this.#asked.ask(`a command at replica ${this.id}`, () => service.propose(command, options));
  }

  /** As Replica.read. */
  read(query: Query, options?: ReadOptions): Promise<Answer> {
    const service: Service<Command, Result, Query, Answer> = this.#up().replica;
    return this.#asked.ask(`a read at replica ${this.id}`, () => service.read(query, options));
  }

  /** @internal How much that was asked has no answer. */
  get askedCount(): number {
    return this.#asked.count;
  }

  /** @internal */
  get life(): Life<Command, Result, Query, Answer> | undefined {
    return this.#life;
  }

  /** @internal It runs from now on; undefined: it does not any more. */
  turnTo(life: Life<Command, Result, Query, Answer> | undefined): void {
    this.#life = life;
    if (life !== undefined) return;
    const text = `replica ${this.id} ended; what it was asked may have been done`;
    this.#asked.rejectAll(new PaxosError('CLOSED', text));
  }

  #up(): Life<Command, Result, Query, Answer> {
    if (this.#life === undefined) throw new PaxosError('CLOSED', `replica ${this.id} is down`);
    return this.#life;
  }
}

export class TestClient<Command, Result, Query, Answer> {
  readonly name: string;
  readonly #asked: Asked;
  readonly #client: Promise<MachineClient<Command, Result, Query, Answer>>;

  /** @internal */
  constructor(name: string, driver: Driver, client: Promise<MachineClient<Command, Result, Query, Answer>>) {
    this.name = name;
    this.#asked = new Asked(driver);
    this.#client = client;
  }

  /** As Client.propose. */
  propose(command: Command, options?: ProposeOptions): Promise<Result> {
    const answer = async () => (await this.#client).propose(command, options);
    return this.#asked.ask(`a command of ${this.name}`, answer);
  }

  /** As Client.read. */
  read(query: Query, options?: ReadOptions): Promise<Answer> {
    return this.#asked.ask(`a read of ${this.name}`, async () => (await this.#client).read(query, options));
  }

  close(): Promise<void> {
    return this.#asked.ask(`closing ${this.name}`, async () => (await this.#client).close());
  }

  /** @internal How much that was asked has no answer. */
  get askedCount(): number {
    return this.#asked.count;
  }
}
