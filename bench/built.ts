/**
 * Built: the package as it was built, as a program would have it. Compiled on the fly, its functions would be named
 * again at every call, and what is measured would be that.
 */
export const library: typeof import('../src/index.ts') = await import(
  new URL('../dist/index.js', import.meta.url).href
);

const latency: typeof import('../src/cli/latency.ts') = await import(
  new URL('../dist/cli/latency.js', import.meta.url).href
);
export const { Tally } = latency;

const storage: typeof import('../src/storage/index.ts') = await import(
  new URL('../dist/storage/index.js', import.meta.url).href
);
export const { openStorage } = storage;
