/** Every page for people: where its links lead exists, and so do the commands and flags that it shows. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { main } from '../../src/cli/program.ts';
import { quietIo } from '../support/command.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = (path: string) =>
  readdirSync(join(root, path))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(path, name));
const PAGES = [...folder('.'), ...folder('docs'), ...folder('test/traces')];

const read = (page: string) => readFileSync(join(root, page), 'utf8');

/** Links of a page to files of the project, and those to headings. */
function linksOf(page: string): readonly string[] {
  const links = read(page).matchAll(/\[[^\]]*\]\(([^)\s]+)\)/g);
  return [...links].map(([, target = '']) => target).filter((target) => !/^[a-z]+:/.test(target));
}

/** A heading's anchor, as GitHub makes it. */
function anchorsOf(page: string): readonly string[] {
  const headings = [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => heading);
  return headings.map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function isBroken(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : relative(root, join(root, dirname(page), path));
  if (!existsSync(join(root, file))) return true;
  return anchor !== undefined && !anchorsOf(file).includes(anchor);
}

/** What `-h` says of a command; undefined if there is no such command. */
async function helpOf(command: string): Promise<string | undefined> {
  let text = '';
  const out = (more: string) => {
    text += more;
  };
  return (await main([command, '-h'], { ...quietIo(), out })) === 0 ? text : undefined;
}

/** The commands of this program that a page shows: name and flags of each. */
function commandsOf(page: string): readonly { readonly name: string; readonly flags: readonly string[] }[] {
  const lines = read(page).matchAll(/npx libpaxos ([a-z]+)([^\n`#]*)/g);
  return [...lines].map(([, name = '', rest = '']) => {
    return { name, flags: rest.split(/\s+/).filter((word) => /^--?[a-z]/.test(word)) };
  });
}

describe.each(PAGES)('%s', (page) => {
  it('has no link that leads nowhere', () => {
    expect(linksOf(page).filter((target) => isBroken(page, target))).toEqual([]);
  });

  it('shows commands and flags that exist', async () => {
    const unknown: string[] = [];
    for (const { name, flags } of commandsOf(page)) {
      const help = await helpOf(name);
      if (help === undefined) unknown.push(name);
      for (const flag of flags) {
        if (help?.match(new RegExp(`(^|[\\s,])${flag}\\b`)) == null) unknown.push(`${name} ${flag}`);
      }
    }
    expect(unknown).toEqual([]);
  });
});
