import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCheckpoint, writeCheckpoint } from './counter-state.ts';

describe("the counter's checkpoint", () => {
  let directory = '';
  let path = '';

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'libpaxos-counter-'));
    path = join(directory, 'state-0');
  });

  afterEach(() => rm(directory, { recursive: true }));

  it("is the original's text, and reads back", async () => {
    await writeCheckpoint(path, { count: 97, instanceId: 100 });
    expect(await readFile(path, 'utf8')).toBe('97 100');
    expect(await readCheckpoint(path)).toEqual({ count: 97, instanceId: 100 });
    expect(await readdir(directory)).toEqual(['state-0']);
  });

  it('is nothing yet where there is no file', async () => {
    expect(await readCheckpoint(path)).toEqual({ count: 0, instanceId: 0 });
  });

  it('is replaced whole: what a crash left beside it does no harm', async () => {
    await writeCheckpoint(path, { count: 1, instanceId: 100 });
    await writeFile(`${path}.new`, 'half a li');
    expect(await readCheckpoint(path)).toEqual({ count: 1, instanceId: 100 });
    await writeCheckpoint(path, { count: 2, instanceId: 200 });
    expect(await readCheckpoint(path)).toEqual({ count: 2, instanceId: 200 });
  });

  it.each(['', '97', 'ninety seven', '97 100 103', '-1 5', '1e3 5', '9999999999999999 1'])(
    'is refused where it is damaged: %j',
    async (text) => {
      await writeFile(path, text);
      await expect(readCheckpoint(path)).rejects.toThrow(/state-0 is damaged: it should hold a count/);
    },
  );

  it('says in a line why it cannot be read or written', async () => {
    await mkdir(path);
    await expect(readCheckpoint(path)).rejects.toThrow(/^cannot read the checkpoint .*state-0: EISDIR/);
    await expect(
      writeCheckpoint(join(directory, 'no', 'state-0'), { count: 1, instanceId: 1 }),
    ).rejects.toThrow(/^cannot write the checkpoint .*state-0: ENOENT/);
  });
});
