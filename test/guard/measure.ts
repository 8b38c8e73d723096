/**
 * Measures hot code in units of a calibrated loop, and prints the ratios as JSON. A program of its own, since a test that
 * looks at coverage runs another, slower code.
 *
 * The shortest of many short stretches is taken, of the loop and of what is measured, in turn: whatever else the machine
 * does only ever makes them longer.
 */
import { Acceptor } from '../../src/paxos/acceptor.ts';
import { Learner } from '../../src/paxos/learner.ts';
import { Proposer } from '../../src/paxos/proposer.ts';
import { MemoryStorage } from '../../src/storage/memory.ts';
import { ByteBuffer } from '../../src/transport/buffer.ts';
import { Decoder } from '../../src/transport/decode.ts';
import { encodeAccept, encodeAccepted } from '../../src/transport/encode.ts';
import { MessageLog } from '../../src/transport/message-log.ts';

/** How often one thing is done in a stretch: well under a millisecond, so that many are not interrupted. */
const TIMES_A_STRETCH = 500;
const STRETCHES = 600;
const BALLOT = 10;
const VALUE = new Uint8Array(64).fill(7);

/** The unit: sums 64 bytes, as plain JavaScript does. */
function calibrated(): () => void {
  let sum = 0;
  return () => {
    for (let i = 0; i < VALUE.length; i++) sum = (sum + (VALUE[i] ?? 0) * (i + 1)) | 0;
    if (sum === 1) throw new Error('never: but a sum that nobody looks at is not summed');
  };
}

function encoding(): () => void {
  const out = new ByteBuffer();
  let instanceId = 1;
  return () => {
    if (out.length > 8192) out.clear();
    encodeAccept(out, ++instanceId, BALLOT, VALUE);
  };
}

function decoding(): () => void {
  const out = new ByteBuffer();
  encodeAccepted(out, 0, 1000, BALLOT, BALLOT, VALUE);
  const bytes = out.take();
  let count = 0;
  const handler = new MessageLog();
  handler.accepted = () => {
    count++;
  };
  const decoder = new Decoder(handler, { maxMessageBytes: 65_536 });
  return () => {
    const before = count;
    decoder.push(bytes);
    if (count !== before + 1) throw new Error('a message is decoded once');
  };
}

function accepting(): () => void {
  const acceptor = new Acceptor(0, new MemoryStorage());
  let instanceId = 0;
  return () => {
    acceptor.receiveAccept(++instanceId, BALLOT, VALUE);
    if (instanceId % 4096 === 0) acceptor.receiveTrim(instanceId);
  };
}

function proposing(): () => void {
  const proposer = new Proposer({ id: 0, acceptors: 3 });
  for (const acceptorId of [0, 1]) proposer.receiveHighestBallot(acceptorId, 0);
  proposer.raise(BALLOT, 0);
  for (const acceptorId of [0, 1]) {
    proposer.receivePromiseFrom(acceptorId, BALLOT, 1, Number.MAX_SAFE_INTEGER, BALLOT, 0);
  }
  return () => {
    proposer.openInstances(0);
    proposer.propose({ value: VALUE });
    const accept = proposer.accept(0);
    if (accept === undefined) throw new Error('a value is proposed at once');
    for (const acceptorId of [0, 1]) proposer.receiveAccepted(acceptorId, accept.instanceId, BALLOT, VALUE);
  };
}

function learning(): () => void {
  const learner = new Learner({ acceptors: 3 });
  let instanceId = 0;
  return () => {
    instanceId++;
    for (const acceptorId of [0, 1, 2]) learner.receiveAccepted(acceptorId, instanceId, BALLOT, VALUE);
    if (learner.deliverNext() === undefined) throw new Error('what is chosen is delivered');
  };
}

const MEASURED: Readonly<Record<string, () => () => void>> = {
  encoding,
  decoding,
  accepting,
  proposing,
  learning,
};

/** The shortest stretch of either, in turn, as a ratio. */
function ratioOf(work: () => void, unit: () => void): number {
  let [shortestWork, shortestUnit] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let i = 0; i < STRETCHES; i++) {
    shortestUnit = Math.min(shortestUnit, stretch(unit));
    shortestWork = Math.min(shortestWork, stretch(work));
  }
  return shortestWork / shortestUnit;
}

function stretch(work: () => void): number {
  const startedAt = performance.now();
  for (let i = 0; i < TIMES_A_STRETCH; i++) work();
  return performance.now() - startedAt;
}

const ratios = Object.entries(MEASURED).map(([name, make]) => [name, ratioOf(make(), calibrated())]);
process.stdout.write(`${JSON.stringify(Object.fromEntries(ratios))}\n`);
