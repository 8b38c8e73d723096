/** A process that writes one snapshot into a directory, so that its system calls can be looked at, and says what came of it. */

import { contentOf, streamOf } from '../../src/statemachine/snapshot-conformance.ts';
import { FileSnapshotStore } from '../../src/statemachine/snapshot-files.ts';
import { SeededRandom } from '../../src/transport/random.ts';

const path = process.argv[2] ?? '';
const store = await FileSnapshotStore.open({
  path,
  clusterName: 'test',
  random: new SeededRandom(1),
  report: (sentence) => process.stderr.write(`${sentence}\n`),
});
try {
  await store.write(1, streamOf(contentOf(200_000, 1)));
  process.stdout.write('written\n');
} catch (error) {
  process.stdout.write(`${error instanceof Error && 'code' in error ? error.code : error}\n`);
}
await store.close();
