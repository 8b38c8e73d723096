/**
 * Faults: a process that goes on after its disk failed is accused, whatever it says itself.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SeededRandom } from '../../src/transport/random.ts';
import { whyNoStrace } from '../support/strace.ts';
import { Faults } from './faults.ts';
import { Member } from './member.ts';
import { Proxies } from './proxies.ts';

const noStrace = whyNoStrace();

/** Syncs again and again; a sync that failed is done once more, as if nothing were. */
const CARELESS = `
  const fs = require('node:fs');
  const fd = fs.openSync(process.argv[1], 'w');
  const sync = () => fs.fdatasync(fd, () => setTimeout(sync, 10));
  sync();
  console.log('up');`;

it('a process that tries again after its disk failed to sync is accused', async (context) => {
  context.skip(noStrace !== undefined, noStrace);
  const directory = mkdtempSync(join(tmpdir(), 'libpaxos-faults-'));
  let tell: (what: string) => void = () => undefined;
  const failed = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const member = new Member({
    name: 'r0',
    program: [process.execPath],
    words: ['-e', CARELESS, join(directory, 'disk')],
    logPath: join(directory, 'r0.log'),
    claimed: () => undefined,
    failed: (reason) => tell(reason),
    stoppedByDisk: () => tell('it ended'),
  });
  const proxies = await Proxies.start({ names: [], listeners: [], random: new SeededRandom(1) });
  const faults = new Faults({
    members: new Map([['r0', member]]),
    names: [],
    proxies,
    tell: () => undefined,
  });
  try {
    member.start();
    faults.begin([
      { atMs: 0, kind: 'failed-sync', victim: 'r0', strikesLeader: false, others: [], forMs: 0, amount: 0 },
    ]);
    expect(await failed).toMatch(/^r0 goes on, although its disk failed to sync [(]\d+ times[)]$/);
  } finally {
    await faults.end(false);
    await member.kill();
    await member.close();
    await proxies.close();
    rmSync(directory, { recursive: true });
  }
});
