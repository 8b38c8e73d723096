/** What a test's cluster has to tell: it names the seed, with which the same happens again. */
export class TestClusterError extends Error {
  override readonly name = 'TestClusterError';
  readonly seed: number;

  constructor(what: string, seed: number, cause?: unknown) {
    super(`${what} (seed ${seed})`, cause === undefined ? {} : { cause });
    this.seed = seed;
  }
}
