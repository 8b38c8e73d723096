/**
 * Learn: a learner that begins at instance 1 and ends at instance N; prints how many it learned a second, from the first
 * delivery on.
 *
 *   node --import tsx bench/programs/learn.ts paxos.conf 300000
 */
import { library } from '../built.ts';

const [config = '', countText = '1'] = process.argv.slice(2);
const count = Number(countText);
let firstAt = 0;
const learner = await library.LearnerNode.start({
  config,
  deliver: ({ instanceId }) => {
    if (instanceId === 1) firstAt = performance.now();
    if (instanceId !== count) return;
    process.stdout.write(`${Math.round((1000 * (count - 1)) / (performance.now() - firstAt))}\n`);
    void learner.close();
  },
});
