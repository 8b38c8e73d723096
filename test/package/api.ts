/**
 * The API reports: what each entry of package.json exports, with its types, as test/package/reports/<entry>.api.md. A change of what
 * users can call then shows in review, and CI fails when a report is not what the code says.
 *
 *   npm run api             compares; non-zero if a report differs
 *   npm run api -- --write  writes them anew; read the difference before you commit it
 *
 * Needs dist/, as `npm run build` makes it.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SETTINGS = join(ROOT, 'test/package/api-extractor.json');

interface Entry {
  readonly name: string;
  readonly types: string;
}

/** Every entry with types, from package.json. */
function entries(): Entry[] {
  const read: unknown = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  if (typeof read !== 'object' || read === null || !('exports' in read)) throw new Error('no exports');
  const exports: object = Object(read.exports);
  return Object.entries(exports).flatMap(([path, target]: [string, unknown]) => {
    if (typeof target !== 'object' || target === null || !('types' in target)) return [];
    return [{ name: path === '.' ? 'libpaxos' : path.slice(2), types: String(target.types) }];
  });
}

/** True if the report of an entry is what the code says, or was made so. */
function check({ name, types }: Entry, isWriting: boolean, temporary: string): boolean {
  const settings = ExtractorConfig.loadFile(SETTINGS);
  const config = ExtractorConfig.prepare({
    configObject: {
      ...settings,
      mainEntryPointFilePath: join(ROOT, types),
      apiReport: {
        ...settings.apiReport,
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportTempFolder: temporary,
      },
    },
    configObjectFullPath: SETTINGS,
    packageJsonFullPath: join(ROOT, 'package.json'),
  });
  const result = Extractor.invoke(config, {
    localBuild: isWriting,
    messageCallback: (message) => {
      message.handled = true;
    },
  });
  return isWriting || !result.apiReportChanged;
}

const isWriting = process.argv.includes('--write');
const temporary = mkdtempSync(join(tmpdir(), 'libpaxos-api-'));
try {
  const changed = entries().filter((entry) => !check(entry, isWriting, temporary));
  for (const { name } of changed)
    process.stderr.write(
      `test/package/reports/${name}.api.md is not what the code exports; npm run api -- --write\n`,
    );
  process.exitCode = changed.length === 0 ? 0 : 1;
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
