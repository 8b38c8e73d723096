import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { TallyReporter } from './test/reporter.ts';

/** Real nodes as processes, loaded disks, kills: run one after another, so that no test measures its neighbour. */
const WHOLE = [
  'test/bench/run.test.ts',
  'test/cluster/**/*.test.ts',
  'test/original/**/*.test.ts',
  'test/faults/**/*.test.ts',
  'test/hostile/**/*.test.ts',
  'test/durability/**/*.test.ts',
  'test/guard/syscalls.test.ts',
  'test/package/**/*.test.ts',
  'test/torture/run.test.ts',
  'test/torture/commands/commands-run.test.ts',
  'test/reporter.test.ts',
];

export default defineConfig({
  // The examples name the package; what is tested is the sources, built or not.
  resolve: {
    alias: [{ find: /^libpaxos$/, replacement: fileURLToPath(new URL('src/index.ts', import.meta.url)) }],
  },
  test: {
    pool: 'forks',
    testTimeout: 20_000,
    hookTimeout: 20_000,
    maxConcurrency: 2, // of describe.concurrent: as many as cores
    reporters: [process.stdout.isTTY ? 'default' : 'minimal', new TallyReporter()],
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/*.test.ts'],
      reporter: ['html'],
      thresholds: { lines: 90 },
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'parts',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: WHOLE,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'whole',
          include: WHOLE,
          maxWorkers: 1,
          testTimeout: 120_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
