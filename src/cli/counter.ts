/**
 * `counter ID [paxos.conf]`: a small replicated state machine, with checkpoints, trimming, and restart from a
 * checkpoint.
 *
 *   COUNT every 100 ms → chosen → counted → every 100 instances: checkpoint on disk → TRIM chosen → acceptors forget
 *
 * Invariant: TRIM for an instance is submitted only when the checkpoint that holds it is on disk.
 */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { Config } from '../config/index.ts';
import { type NodeEvent, Replica } from '../evpaxos/index.ts';
import type { Timer } from '../transport/transport.ts';
import { loadConfig, nodeCommand } from './arguments.ts';
import { CHECKPOINT_INSTANCES, CounterMachine, trimValue } from './counter-machine.ts';
import { readCheckpoint, writeCheckpoint } from './counter-state.ts';
import { CommandFailed, ExitCode, type Io, stopped } from './io.ts';
import { Log } from './log.ts';

const HELP = `
An example of what Paxos is for: replicas that count together, and agree. Each submits a COUNT every
100 ms and counts every value that is chosen. Every 100 instances it writes the count to the file
state-ID in the current directory; when all replicas have done so, the acceptors forget what is
before. Started again, it goes on from its file.

  npx libpaxos counter 0 paxos.conf

You will see its connections, and a line for each checkpoint: "Counted 98 up to instance 100, and
wrote it to state-0". Start two replicas at least. Ctrl-C ends it.`;

const COUNT_INTERVAL_MS = 100;
/** No more of its own are on their way: without a quorum they would pile up. */
const MAX_OUTSTANDING = 100;
const COUNT = new TextEncoder().encode('COUNT\0');

export function counterCommand(io: Io): Command {
  return nodeCommand('counter', 'an example: count together, with checkpoints', 'replica')
    .addHelpText('after', HELP)
    .action(async (id: number, path: string) => {
      await new CounterRun(id, loadConfig(path, io), io).run();
    });
}

class CounterRun {
  readonly #id: number;
  readonly #config: Config;
  readonly #io: Io;
  readonly #log: Log;
  /** the checkpoint's file */
  readonly #name: string;
  readonly #path: string;
  #replica: Replica | undefined;
  #timer: Timer | undefined;
  #outstanding = 0;
  /** the checkpoint that is being written, and whether another is due */
  #writing: Promise<void> | undefined;
  #isDue = false;
  readonly #failed: Promise<never>;
  #fail: (error: unknown) => void = () => undefined;

  constructor(id: number, config: Config, io: Io) {
    this.#id = id;
    this.#config = config;
    this.#io = io;
    this.#log = new Log(io, config.verbosity);
    this.#name = `state-${id}`;
    this.#path = resolve(io.directory, this.#name);
    this.#failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
  }

  /** @throws PaxosError, CommandFailed */
  async run(): Promise<void> {
    const state = await readCheckpoint(this.#path);
    const machine = new CounterMachine(this.#config.acceptors.length, state);
    if (state.instanceId > 0) {
      const { count, instanceId } = state;
      this.#log.line('info', `Going on from ${this.#name}: counted ${count} up to instance ${instanceId}`);
    }
    const replica = await Replica.start({
      config: this.#config,
      id: this.#id,
      after: state.instanceId,
      observer: { report: (event) => this.#report(event) },
      deliver: ({ instanceId, value }) => this.#deliver(machine, instanceId, value),
    });
    this.#replica = replica;
    this.#submitEvery100Ms(replica);
    try {
      await Promise.race([stopped(this.#io.stop), replica.closed, this.#failed]);
    } finally {
      this.#timer?.cancel();
      await replica.close();
      await this.#writing;
    }
  }

  #submitEvery100Ms(replica: Replica): void {
    if (this.#outstanding < MAX_OUTSTANDING) this.#submit(replica, COUNT);
    this.#timer = this.#io.clock.after(COUNT_INTERVAL_MS, () => this.#submitEvery100Ms(replica));
  }

  /** Hands a value in. Nothing is lost if it is refused: the next COUNT or TRIM says as much. */
  #submit(replica: Replica, value: Uint8Array): void {
    this.#outstanding++;
    const settled = () => {
      this.#outstanding--;
    };
    replica.submit(value).then(settled, settled);
  }

  #deliver(machine: CounterMachine, instanceId: number, value: Uint8Array): void {
    const stretch = (at: number) => Math.floor(at / CHECKPOINT_INSTANCES);
    const isDue = stretch(instanceId) > stretch(machine.state.instanceId);
    machine.apply(instanceId, value);
    this.#trim(machine);
    // The last of a stretch may have been filled with a no-op, which is not delivered.
    if (isDue) this.#checkpoint(machine);
  }

  /** Tells the acceptors to forget what all replicas have in their checkpoints. */
  #trim(machine: CounterMachine): void {
    const instanceId = machine.takeTrim();
    if (instanceId === undefined) return;
    this.#log.line('debug', `Every replica has a checkpoint up to instance ${instanceId}: trimming`);
    this.#replica?.sendTrim(instanceId);
  }

  /** Writes a checkpoint. One that falls due while another is being written follows it, with what is counted by then. */
  #checkpoint(machine: CounterMachine): void {
    this.#isDue = true;
    this.#writing ??= this.#writeWhatIsDue(machine).then(
      () => {
        this.#writing = undefined;
      },
      (error: unknown) => this.#fail(error),
    );
  }

  async #writeWhatIsDue(machine: CounterMachine): Promise<void> {
    while (this.#isDue) {
      this.#isDue = false;
      const { count, instanceId } = machine.state;
      await writeCheckpoint(this.#path, { count, instanceId });
      machine.checkpointed(instanceId);
      this.#log.line('info', `Counted ${count} up to instance ${instanceId}, and wrote it to ${this.#name}`);
      if (this.#replica !== undefined) this.#submit(this.#replica, trimValue(this.#id, instanceId));
      this.#trim(machine);
    }
  }

  #report(event: NodeEvent): void {
    this.#log.report(event);
    if (event.type !== 'behind-trim') return;
    const advice = `copy the checkpoint of another replica to ${this.#name}`;
    const { trimInstanceId } = event;
    const what = `instances up to ${trimInstanceId} were trimmed and cannot be counted`;
    this.#fail(new CommandFailed(`${what}: ${advice}`, ExitCode.behindTrim));
  }
}
