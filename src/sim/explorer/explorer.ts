/**
 * Explorer: every state that a small cluster of real core objects can come to, whatever arrives, is lost, comes late or
 * twice, and whoever ends and starts again; a violation, if there is one, with the shortest way to it.
 *
 *   advance() … → 'more' | 'done' → report()
 *
 * It searches with all that makes a search small. What that finds is looked for once more without it, since then no
 * step is left out, and the shortest way is really the shortest; so is everything, if the core turns out not to be as
 * the reduction takes it to be. See docs/simulation.md.
 */
import type { Configuration } from './configuration.ts';
import { ReductionError } from './node-states.ts';
import { type ExplorerOptions, type ExplorerReport, Search } from './search.ts';

/** The second search ends here; the way that the first found is shown then. */
const MAX_SECOND_STATES = 1_000_000;

export class Explorer {
  readonly #configuration: Configuration;
  readonly #options: ExplorerOptions;
  /** what is left to be tried if this search does not do */
  #left: Partial<ExplorerOptions>[];
  #search: Search;
  #found: ExplorerReport | undefined;

  constructor(configuration: Configuration, options: ExplorerOptions = {}) {
    this.#configuration = configuration;
    this.#options = options;
    this.#left = options.saturated === false ? [] : [{ saturated: false }];
    if (options.pruned !== false) this.#left.push({ saturated: false, pruned: false });
    this.#search = this.#start({});
  }

  #start(options: ExplorerOptions): Search {
    try {
      return new Search(this.#configuration, { ...this.#options, ...options });
    } catch (error) {
      return this.#startPlain(error);
    }
  }

  /** The core is not as the reduction takes it to be: nothing is left out then. */
  #startPlain(error: unknown): Search {
    const plain = this.#left.at(-1);
    if (!(error instanceof ReductionError) || plain === undefined) throw error;
    this.#left = [];
    return new Search(this.#configuration, { ...this.#options, ...plain });
  }

  /** Looks at so many states; 'more' if there are others. */
  advance(states: number): 'more' | 'done' {
    try {
      if (this.#search.advance(states) === 'more') return 'more';
    } catch (error) {
      this.#search = this.#startPlain(error);
      return 'more';
    }
    const report = this.#search.report();
    const next = this.#options.saturated === false ? undefined : this.#left.shift();
    if (report.violation === undefined || next?.pruned === false || next === undefined) return 'done';
    this.#found = report;
    const { maxSecondStates: maxStates = MAX_SECOND_STATES } = this.#options;
    if (maxStates === 0) return 'done';
    this.#search = this.#start({ ...next, maxStates });
    return 'more';
  }

  report(): ExplorerReport {
    const report = this.#search.report();
    return report.violation === undefined ? (this.#found ?? report) : report;
  }
}
