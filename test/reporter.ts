/**
 * TallyReporter: the end of a test run, for people and for machines. Failures themselves are printed by vitest's own
 * reporter, before.
 *
 *   skipped 3: LIBPAXOS3_BIN is not set, so there is no original to compare with
 *   93.4 % of the lines in src/ are covered; least: src/evpaxos/peer.ts 71 %
 *   412 passed, 0 failed, 3 skipped
 *
 * The tally is written when the process exits, so that it is the last line whatever happens. Invariant: it says
 * `0 failed` only if the run succeeded; a crash, an error outside of any test or too little coverage counts as one.
 */
import { relative } from 'node:path';
import type { Reporter, SerializedError, TestCase, TestModule, TestSuite, Vitest } from 'vitest/node';

const LEAST_COVERED_SHOWN = 5;
const WELL_COVERED_PERCENT = 90;

export class TallyReporter implements Reporter {
  readonly #write: (text: string) => void;
  #passed = 0;
  #failed = 0;
  #skipped = 0;
  #ended = false;
  #root = '.';
  /** The files that run now; if the run breaks off, one of them is why. */
  readonly #running = new Set<TestModule>();

  constructor(write: (text: string) => void = (text) => process.stdout.write(text)) {
    this.#write = write;
  }

  onInit(vitest: Vitest): void {
    this.#root = vitest.config.root;
    if (!vitest.config.watch) process.once('exit', (code) => this.#close(code));
  }

  onTestModuleQueued(module: TestModule): void {
    this.#running.add(module);
  }

  onTestModuleEnd(module: TestModule): void {
    this.#running.delete(module);
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const reasons = new Map<string, number>();
    this.#passed = 0;
    this.#skipped = 0;
    this.#failed = unhandledErrors.length;
    for (const module of modules) {
      if (hasOwnErrors(module)) this.#failed += 1; // it could not be read
      for (const suite of module.children.allSuites()) if (hasOwnErrors(suite)) this.#failed += 1;
      for (const test of module.children.allTests()) this.#count(test, reasons);
    }
    this.#ended = true;
    for (const [reason, count] of reasons) this.#write(`skipped ${count}: ${reason}\n`);
  }

  onCoverage(coverage: unknown): void {
    if (!isCoverageMap(coverage)) return;
    const files = coverage.files().map((file) => ({
      path: relative(this.#root, file),
      percent: coverage.fileCoverageFor(file).toSummary().lines.pct,
    }));
    const least = files
      .filter((file) => file.percent < WELL_COVERED_PERCENT)
      .sort((a, b) => a.percent - b.percent)
      .slice(0, LEAST_COVERED_SHOWN)
      .map((file) => `${file.path} ${file.percent} %`);
    const total = coverage.getCoverageSummary().lines.pct;
    const tail = least.length > 0 ? `; least: ${least.join(', ')}` : '';
    this.#write(`${total} % of the lines in src/ are covered${tail}\n`);
  }

  #count(test: TestCase, reasons: Map<string, number>): void {
    const result = test.result();
    if (result.state === 'passed') this.#passed += 1;
    else if (result.state === 'skipped') {
      this.#skipped += 1;
      const reason = result.note ?? 'no reason given, or left out by a filter';
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    } else this.#failed += 1; // 'pending': its process died while it ran
  }

  #close(exitCode: number): void {
    if (exitCode !== 0 && this.#failed === 0) {
      this.#failed = 1;
      if (this.#ended) this.#write('the run failed, though no test did: see above\n');
      else this.#writeBrokenOff();
    }
    const skipped = this.#skipped > 0 ? `, ${this.#skipped} skipped` : '';
    this.#write(`${this.#passed} passed, ${this.#failed} failed${skipped}\n`);
  }

  #writeBrokenOff(): void {
    this.#write('the run broke off\n');
    for (const module of this.#running) this.#write(`was running: ${module.relativeModuleId}\n`);
  }
}

function hasOwnErrors(part: TestModule | TestSuite): boolean {
  return part.errors().length > 0;
}

/** What is used here of istanbul's CoverageMap, which vitest hands over untyped. */
interface CoverageMap {
  files(): string[];
  fileCoverageFor(file: string): { toSummary(): { lines: { pct: number } } };
  getCoverageSummary(): { lines: { pct: number } };
}

function isCoverageMap(coverage: unknown): coverage is CoverageMap {
  return typeof coverage === 'object' && coverage !== null && 'getCoverageSummary' in coverage;
}
