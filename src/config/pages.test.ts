import { describe, expect, it } from 'vitest';
import { DEFAULT_OPTIONS, OPTIONS } from './options.ts';
import { configurationPage, paxosConf } from './pages.ts';
import { parseConfig } from './parse.ts';

/** `npx vitest run src/config -u` writes the files anew. */
describe('the files written from the table of options', () => {
  it('paxos.conf is what the table says', async () => {
    await expect(paxosConf()).toMatchFileSnapshot('../../paxos.conf');
  });

  it('docs/configuration.md is what the table says', async () => {
    await expect(configurationPage()).toMatchFileSnapshot('../../docs/configuration.md');
  });

  it('paxos.conf is three replicas on this machine and no option, so that an original node takes it', () => {
    const lines = paxosConf()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(lines).toEqual([
      'replica 0 127.0.0.1 8800',
      'replica 1 127.0.0.1 8801',
      'replica 2 127.0.0.1 8802',
    ]);
    expect(parseConfig(paxosConf())).toMatchObject({ warnings: [], origins: {} });
  });

  it('paxos.conf shows every option at its default, behind a # that can be removed', () => {
    const directives = OPTIONS.map(({ directive }) => directive).join('|');
    const uncommented = paxosConf().replace(new RegExp(`^#(?=(${directives}) )`, 'gm'), '');
    const { config, warnings, origins } = parseConfig(uncommented);
    expect(config).toMatchObject(DEFAULT_OPTIONS);
    expect(warnings).toEqual([]);
    expect(Object.keys(origins)).toEqual(Object.keys(DEFAULT_OPTIONS));
  });
});
