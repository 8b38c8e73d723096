/**
 * The well-known tutorial on LibPaxos, its five commands on its config, as processes: acceptors 0 and 1, proposer 2, a
 * learner and a client, where the original prints `0 value/sec` for ever.
 */
import { expect, it } from 'vitest';
import { CommandDirectory, threeReplicas } from '../support/command.ts';
import { CommandProcess } from '../support/processes.ts';

const COMMANDS = {
  acceptor0: ['acceptor', '0'],
  acceptor1: ['acceptor', '1'],
  proposer2: ['proposer', '2'],
  learner: ['learner'],
  client: ['client'],
} as const;
type Name = keyof typeof COMMANDS;

const SECOND_LINE = /^\d+ value\/sec, \d+\.\d\d Mbps, latency min \d+ us max \d+ us avg \d+ us$/;
const DELIVERY_LINE = /^\d{10}\.\d{6} \[[0-9a-z]{16}\] 64 bytes$/;
/** A port that was free may be taken by the time it is used; so often other ones are tried. */
const PORT_ATTEMPTS = 3;

const ORDERS: readonly (readonly [string, readonly Name[]])[] = [
  ['as the tutorial starts them', ['acceptor0', 'acceptor1', 'proposer2', 'learner', 'client']],
  ['the client first', ['client', 'learner', 'acceptor1', 'proposer2', 'acceptor0']],
  ['the proposer first, the acceptors last', ['proposer2', 'client', 'learner', 'acceptor0', 'acceptor1']],
];

type Processes = Map<Name, CommandProcess>;

/** Starts the five, each when the one before has something to say; all at once with `together`. */
async function start(processes: Processes, config: string, order: readonly Name[], together: boolean) {
  for (const name of order) {
    const command = new CommandProcess([...COMMANDS[name], config]);
    processes.set(name, command);
    if (!together) await command.out.first(/./);
  }
}

async function run(order: readonly Name[], together: boolean): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const directory = await CommandDirectory.make(3, (ports) => threeReplicas(ports));
    const processes: Processes = new Map();
    try {
      await start(processes, directory.config, order, together);
      await check(processes);
      return;
    } catch (error) {
      const isPortTaken = [...processes.values()].some(({ err }) =>
        err.text.includes('is already in use: end'),
      );
      if (!isPortTaken || attempt === PORT_ATTEMPTS) throw error;
    } finally {
      await Promise.all([...processes.values()].map((command) => command.signal('SIGKILL')));
      await directory.close();
    }
  }
}

/** The client's second line is above zero, the learner learns, and all end when they are asked to. */
async function check(processes: Processes): Promise<void> {
  const lines = await processes.get('client')?.out.matching(SECOND_LINE, 2);
  expect(Number.parseInt(lines?.[1] ?? '', 10)).toBeGreaterThan(0);
  await processes.get('learner')?.out.matching(DELIVERY_LINE, 3);
  for (const [name, command] of processes) {
    expect([name, await command.signal('SIGINT')]).toEqual([name, 0]);
    expect(command.out.all.at(-1)).toBe('Caught signal 2');
  }
}

it.each(ORDERS)("the tutorial's five commands put values through: %s", (_name, order) => run(order, false));

it("the tutorial's five commands put values through: all at once", () =>
  run(['client', 'acceptor0', 'acceptor1', 'proposer2', 'learner'], true));
