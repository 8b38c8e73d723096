/**
 * docs/examples.md shows every example as it is. Where a file and the page differ: `npx vitest run -u
 * test/docs/examples.test.ts` puts the files into the page.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const PAGE = fileURLToPath(new URL('docs/examples.md', root));
const MAX_LINES = 100;
/** A link to the file, and what is shown of it below. */
const SHOWN = /(\(\.\.\/examples\/(\w+\.mjs)\)[^\n]*\n\n```js\n)(.*?)(```\n)/gs;

const files = readdirSync(new URL('examples', root)).filter((file) => file !== 'run.mjs');
const read = (file: string) => readFileSync(new URL(`examples/${file}`, root), 'utf8');

it('shows every example, word for word', async () => {
  const page = readFileSync(PAGE, 'utf8');
  const shown = [...page.matchAll(SHOWN)].map(([, , file]) => file);
  expect(shown.toSorted()).toEqual(files.toSorted());
  const asItIs = page.replaceAll(
    SHOWN,
    (_, before: string, file: string, __, after: string) => before + read(file) + after,
  );
  await expect(asItIs).toMatchFileSnapshot(PAGE);
});

it.each(files)(`%s has less than ${MAX_LINES} lines`, (file) => {
  expect(read(file).trimEnd().split('\n').length).toBeLessThan(MAX_LINES);
});
