/**
 * Commands, results, queries and answers where messages may not be large: what fits none is refused in words, and
 * nothing else is kept from coming through, however much there is of it at a time.
 */
import { expect, it } from 'vitest';
import { PaxosError } from '../../src/paxos/error.ts';
import { MachineCluster } from '../support/machine-cluster.ts';

const LIMIT = 4096;

/** Gives as many characters as it is told to, and what it was told last. */
class Echo {
  last = '';

  apply(command: { readonly text: string; readonly give: number }): string {
    this.last = command.text;
    return 'r'.repeat(command.give);
  }

  read(query: { readonly text: string; readonly give: number }): string {
    return 'a'.repeat(query.give);
  }

  snapshot(): string {
    return this.last;
  }

  async restore(reader: { text(): Promise<string> }): Promise<void> {
    this.last = await reader.text();
  }
}

const outcome = (promise: Promise<string>) =>
  promise.then(
    (text) => text.length,
    (error: unknown) => (error instanceof PaxosError ? error.code : String(error)),
  );

it('what fits no message is refused in words, and all else comes through', async () => {
  const cluster = new MachineCluster({
    machine: () => new Echo(),
    options: { maxMessageBytes: LIMIT, maxWaitingBytes: 64 * LIMIT },
  });
  await cluster.start();
  const client = await cluster.client();
  const follower = cluster.replica(cluster.follower);
  const commands = Array.from({ length: 60 }, (_, i) => ({ text: 't'.repeat(50 * i), give: 60 * i }));
  for (const target of [client, follower]) {
    const outcomes = commands.map((command) => outcome(target.propose(command)));
    expect(await cluster.result(Promise.all(outcomes))).toEqual(commands.map(({ give }) => give));
  }
  const large = { text: '', give: LIMIT };
  expect(await cluster.result(outcome(client.propose(large)))).toBe('COMMAND_FAILED');
  expect(await cluster.result(outcome(follower.propose(large)))).toBe(LIMIT);
  expect(await cluster.result(outcome(client.read(large)))).toBe('READ_FAILED');
  expect(await cluster.result(outcome(client.read({ text: 'q'.repeat(LIMIT), give: 1 })))).toBe(
    'VALUE_TOO_LARGE',
  );
  expect(await cluster.result(outcome(client.read({ text: 'q', give: 3000 })))).toBe(3000);
});
