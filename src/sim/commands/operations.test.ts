import { describe, expect, it } from 'vitest';
import { PaxosError } from '../../paxos/error.ts';
import { SeededRandom } from '../../transport/random.ts';
import { History } from './history.ts';
import { EVERYTHING, Operations, type Shares } from './operations.ts';
import { type StoreCommand, StoreMachine } from './store-machine.ts';
import type { StorePort } from './store-port.ts';

const NOTHING: Shares = { put: 0, swap: 0, add: 0, fail: 0, sum: 0, local: 0 };
const CONTEXT = { timeMs: 0, random: () => 0.5, instanceId: 1, index: 0, session: 1, sequence: 1 };

/** Asks one thing of a port that does what a store should, but for what the test says. */
function ask(shares: Partial<Shares>, lies: Partial<StorePort>): Promise<void> {
  const store = new StoreMachine();
  const port: StorePort = {
    propose: async (command: StoreCommand) => store.apply(command, CONTEXT),
    read: async (query) => store.read(query),
    ...lies,
  };
  const operations = new Operations({
    history: new History(() => 0),
    random: new SeededRandom(1),
    shares: { ...NOTHING, ...shares },
    drawKey: () => 'k',
    givenUp: 0,
    submitted: () => undefined,
    settled: () => undefined,
    reached: () => undefined,
    confirms: undefined,
  });
  const asker = { name: 'c0', port, seen: new Map(), after: () => undefined };
  return operations.ask(asker, 'c0-1');
}

describe('operations', () => {
  it.each(['put', 'swap', 'add', 'sum', 'local'] as const)(
    'bear a %s that comes to what it should',
    async (kind) => {
      await ask({ [kind]: 1 }, {});
      await ask(EVERYTHING, {});
    },
  );

  it.each(['put', 'swap', 'add'] as const)(
    'accuse whoever answers a %s with something else',
    async (kind) => {
      const lie = ask({ [kind]: 1 }, { propose: async () => (kind === 'put' ? 77 : null) });
      await expect(lie).rejects.toMatchObject({ checker: 'invariant' });
    },
  );

  it('accuse whoever answers with no number when the sum is read; that it cannot be told now is no answer', async () => {
    await expect(ask({ sum: 1 }, { read: async () => null })).rejects.toMatchObject({ checker: 'invariant' });
    await ask({ sum: 1 }, { read: async () => undefined });
  });

  it('accuse whoever says that a wait was aborted which goes on', async () => {
    const aborted = async () => {
      throw new PaxosError('ABORTED', 'the wait was aborted');
    };
    await expect(ask({ put: 1 }, { propose: aborted })).rejects.toMatchObject({ checker: 'invariant' });
    await expect(ask({ sum: 1 }, { read: aborted })).rejects.toMatchObject({ checker: 'invariant' });
  });
});
