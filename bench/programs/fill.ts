/**
 * Fill: writes N records of 64 bytes into the storage of acceptor 0.
 *
 *   node --import tsx bench/programs/fill.ts paxos.conf 1000000
 */
import { library, openStorage } from '../built.ts';

const RECORDS_PER_COMMIT = 20_000;
const BALLOT = 10;

const [path = '', count = '1'] = process.argv.slice(2);
const storage = await openStorage(library.readConfig(path).config, 0);
const value = new Uint8Array(64).fill(7);
for (let instanceId = 1; instanceId <= Number(count); instanceId++) {
  storage.put(instanceId, BALLOT, BALLOT, value);
  if (instanceId % RECORDS_PER_COMMIT === 0) await storage.commit();
}
await storage.commit();
await storage.close();
