import { describe, expect, it } from 'vitest';
import { MemoryWorld } from '../../test/support/memory-world.ts';
import { PeerConnection } from '../../test/support/peer-connection.ts';
import type { PaxosError } from '../paxos/error.ts';
import { Role } from '../transport/messages.ts';
import { ByteWriter } from './bytes.ts';
import { encodeClock, encodeKeep, encodeOpen, encodeRunHead } from './items.ts';
import { encodeResult, ResultReader, ResultStatus } from './results.ts';
import { Service } from './service.ts';

const NO_BYTES = new Uint8Array(0);

/** `session: sequence=status …` of every RESULTS that a client heard. */
function resultsOf(connection: PeerConnection): string[] {
  return connection.heard().map((message) => {
    if (message.type !== 'results') return message.type;
    const reader = new ResultReader();
    reader.open(message.results);
    const each: string[] = [];
    while (reader.next()) each.push(`${reader.sequence}=${reader.status}`);
    return `${message.session}: ${each.join(' ')}`;
  });
}

class Scene {
  readonly world = new MemoryWorld();
  readonly taken: Uint8Array[] = [];
  readonly bad: string[] = [];
  readonly local: string[] = [];
  localId = 0;
  isFull = false;
  fullAfter = Number.POSITIVE_INFINITY;
  fault: PaxosError | undefined;
  readonly service: Service;

  constructor(maxResultsBytes = 2 ** 25) {
    const scene = this;
    this.service = new Service({
      values: () => ({
        get isFull() {
          return scene.isFull || scene.taken.length >= scene.fullAfter;
        },
        take: (value) => {
          scene.taken.push(value);
          return scene.fault;
        },
      }),
      local: {
        get id() {
          return scene.localId;
        },
        onOpened: (_high, _low, session) => void this.local.push(`opened ${session}`),
        onAnswered: (first, count) => void this.local.push(`answered ${first}+${count}`),
      },
      maxResultsBytes,
      bad: (peer, reason) => {
        this.bad.push(reason);
        peer.close();
      },
      wake: () => undefined,
    });
  }

  connect(maxBacklogBytes = 2 ** 20): PeerConnection {
    return new PeerConnection(Role.client, 0, maxBacklogBytes);
  }

  answer(session: number, first: number, count: number, bytes = NO_BYTES): void {
    const results = new ByteWriter();
    for (let i = 0; i < count; i++) encodeResult(results, ResultStatus.ok, bytes);
    this.service.answered(session, first, count, results.take());
  }
}

function items(write: (out: ByteWriter) => void): Uint8Array {
  const out = new ByteWriter();
  write(out);
  return out.take();
}

function run(session: number, first: number, ...sizes: number[]): Uint8Array {
  return items((out) => {
    encodeRunHead(out, session, 0, first, sizes.length);
    for (const size of sizes) {
      out.uint53(size);
      out.append(new Uint8Array(size));
    }
  });
}

const together = (...parts: Uint8Array[]) => Uint8Array.from(Buffer.concat(parts));

describe('Service', () => {
  it('puts items into the log, and sends back in one message what a turn’s instances came to', () => {
    const scene = new Scene();
    const one = scene.connect();
    const other = scene.connect();
    scene.service.onCommands(one.peer, 5, run(5, 1, 10, 10));
    scene.service.onCommands(other.peer, 6, run(6, 1, 10));
    expect(scene.taken).toHaveLength(2);
    scene.answer(5, 1, 2);
    scene.answer(6, 1, 1);
    scene.answer(5, 3, 1);
    scene.answer(7, 1, 1);
    scene.service.flush();
    expect([resultsOf(one), resultsOf(other)]).toEqual([['5: 1=0 2=0 3=0'], ['6: 1=0']]);
    scene.service.flush();
    expect(resultsOf(one)).toEqual([]);
  });

  it('tells who opened a session its number, and the program in this process too', () => {
    const scene = new Scene();
    const one = scene.connect();
    const other = scene.connect();
    scene.service.onCommands(
      one.peer,
      0,
      items((out) => encodeOpen(out, 1, 2, 5000)),
    );
    scene.service.onCommands(
      other.peer,
      0,
      items((out) => encodeOpen(out, 3, 4, 5000)),
    );
    scene.service.opened(1, 2, 9);
    scene.service.opened(3, 4, 0);
    expect(one.heard()).toEqual([{ type: 'sessionOpened', nonceHigh: 1, nonceLow: 2, session: 9 }]);
    expect(other.heard()).toEqual([{ type: 'sessionOpened', nonceHigh: 3, nonceLow: 4, session: 0 }]);
    expect(scene.local).toEqual(['opened 9', 'opened 0']);
    scene.answer(9, 1, 1);
    scene.service.flush();
    expect(resultsOf(one)).toEqual(['9: 1=0']);
    expect(scene.service.attachedCount).toBe(1);
  });

  it('gives the program in this process its own results', () => {
    const scene = new Scene();
    scene.localId = 3;
    scene.service.propose(run(3, 1, 10));
    scene.answer(3, 1, 2);
    scene.answer(4, 1, 2);
    expect(scene.local).toEqual(['answered 1+2']);
  });

  it('sends results to the newest connection of a session, and to none that is closed', () => {
    const scene = new Scene();
    const before = scene.connect();
    const after = scene.connect();
    scene.service.onCommands(before.peer, 5, run(5, 1, 10));
    scene.service.onCommands(after.peer, 5, run(5, 1, 10));
    scene.answer(5, 1, 1);
    scene.service.flush();
    expect([resultsOf(before), resultsOf(after)]).toEqual([[], ['5: 1=0']]);
    scene.service.onPeerClosed(before.peer);
    scene.answer(5, 2, 1);
    scene.service.flush();
    expect(resultsOf(after)).toEqual(['5: 2=0']);
    scene.service.onPeerClosed(after.peer);
    expect(scene.service.attachedCount).toBe(0);
    scene.answer(5, 3, 1);
    scene.service.flush();
    expect(resultsOf(after)).toEqual([]);
  });

  it('closes the connection that loses its session to another: it would miss results, and not know it', () => {
    const scene = new Scene();
    const one = scene.connect();
    const late = scene.connect();
    scene.service.onCommands(one.peer, 5, run(5, 1, 10));
    // Bytes of a connection that the client has given up arrive after those of the one that it has.
    scene.service.onCommands(late.peer, 5, run(5, 1, 10));
    expect([one.isClosed, late.isClosed]).toEqual([true, false]);
    scene.service.onPeerClosed(one.peer);
    scene.answer(5, 1, 1);
    scene.service.flush();
    expect([resultsOf(one), resultsOf(late)]).toEqual([[], ['5: 1=0']]);
    expect(scene.service.attachedCount).toBe(1);
  });

  it.each([
    ['no items', new Uint8Array(0)],
    ['items of another session', run(6, 1, 10)],
    ['what is no client’s', items((out) => encodeClock(out, 1, 1))],
    ['bytes that are no items', Uint8Array.of(99, 1)],
    ['an OPEN in a session', items((out) => encodeOpen(out, 1, 2, 5000))],
  ])('closes a connection that sends %s, and puts nothing into the log', (_what, bytes) => {
    const scene = new Scene();
    const one = scene.connect();
    scene.service.onCommands(one.peer, 5, bytes);
    expect([scene.bad.length, one.isClosed, scene.taken.length]).toEqual([1, true, 0]);
  });

  it('cuts large messages into fragments of whole items, which together are what was sent', () => {
    const scene = new Scene();
    const one = scene.connect();
    const sent = together(run(5, 1, 9000), run(5, 2, 9000), run(5, 3, 100), run(5, 4, 40_000), run(5, 5, 10));
    scene.service.onCommands(one.peer, 5, sent);
    expect(together(...scene.taken)).toEqual(sent);
    expect(scene.taken.map((one) => one.length > 16 * 1024)).toEqual([false, false, true, false]);
  });

  it('holds a connection back while the queue is full, drops nothing, and lets it go on', () => {
    const scene = new Scene();
    const one = scene.connect();
    const other = scene.connect();
    scene.isFull = true;
    scene.service.onCommands(one.peer, 5, run(5, 1, 10));
    scene.service.onCommands(one.peer, 5, run(5, 2, 10));
    scene.service.onCommands(
      other.peer,
      6,
      items((out) => encodeKeep(out, 6, 0)),
    );
    expect([scene.taken.length, one.isPaused, other.isPaused]).toEqual([0, true, true]);
    expect([scene.service.step(), scene.service.takesMore]).toEqual([false, false]);
    scene.service.onPeerClosed(other.peer);
    scene.isFull = false;
    expect(scene.service.step()).toBe(true);
    expect(scene.taken).toEqual([run(5, 1, 10), run(5, 2, 10)]);
    expect([one.isPaused, scene.service.takesMore]).toEqual([false, true]);
  });

  it('lets one go on although another, which was held back behind it, is gone', () => {
    const scene = new Scene();
    const [one, other] = [scene.connect(), scene.connect()];
    scene.isFull = true;
    scene.service.onCommands(one.peer, 5, run(5, 1, 10));
    scene.service.onCommands(other.peer, 6, run(6, 1, 10));
    scene.isFull = false;
    scene.fullAfter = 1;
    scene.service.step();
    expect([scene.taken.length, one.isPaused]).toEqual([1, true]);
    scene.service.onPeerClosed(other.peer);
    scene.fullAfter = Number.POSITIVE_INFINITY;
    scene.service.step();
    expect(one.isPaused).toBe(false);
  });

  it('cuts off who does not read its results', () => {
    const scene = new Scene();
    const one = scene.connect(1000);
    scene.service.onCommands(one.peer, 5, run(5, 1, 10));
    for (let i = 1; i < 100 && !one.isClosed; i++) {
      scene.answer(5, i, 1, new Uint8Array(10_000));
      scene.service.flush();
    }
    expect(one.isClosed).toBe(true);
    expect(one.peer.out.length).toBeLessThan(150_000);
  });

  it('sends no message that is larger than one may be, and tells what none can hold', () => {
    const scene = new Scene(1000);
    const one = scene.connect();
    scene.service.onCommands(one.peer, 5, run(5, 1, 10));
    scene.answer(5, 1, 3, new Uint8Array(400));
    scene.answer(5, 4, 1, new Uint8Array(1001));
    scene.answer(5, 5, 1);
    scene.service.flush();
    expect(resultsOf(one)).toEqual(['5: 1=0 2=0', '5: 3=0', '5: 4=1 5=0']);
  });

  it('keeps few bytes alive by those that wait, whatever they were read with', () => {
    const scene = new Scene();
    const one = scene.connect();
    const small = run(5, 1, 10);
    const read = new Uint8Array(65_536);
    read.set(small);
    scene.service.onCommands(one.peer, 5, read.subarray(0, small.length));
    expect(scene.taken[0]?.buffer.byteLength).toBeLessThanOrEqual(4 * small.length);
  });

  it('closes every connection when instances were passed over', () => {
    const scene = new Scene();
    const one = scene.connect();
    const other = scene.connect();
    scene.service.onCommands(one.peer, 5, run(5, 1, 10));
    scene.service.onCommands(
      other.peer,
      0,
      items((out) => encodeOpen(out, 1, 2, 5000)),
    );
    scene.service.cut();
    expect([one.isClosed, other.isClosed]).toEqual([true, true]);
  });
});
