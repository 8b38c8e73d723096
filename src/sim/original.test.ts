/**
 * The modelled original: it answers as the original does, and complains of what an original would not bear.
 */
import { describe, expect, test } from 'vitest';
import { ByteBuffer } from '../transport/buffer.ts';
import { Decoder } from '../transport/decode.ts';
import { describeMessage, encodeMessage } from '../transport/describe.ts';
import { type Message, MessageLog } from '../transport/message-log.ts';
import { SeededRandom } from '../transport/random.ts';
import type { Link } from '../transport/transport.ts';
import type { Violation } from './checkers.ts';
import { SimDisk } from './disk.ts';
import { SimNetwork } from './network.ts';
import { OriginalAcceptor } from './original.ts';
import { SimProcess } from './process.ts';
import { Scheduler } from './scheduler.ts';

const X = Uint8Array.from([0x78]);

/** An original acceptor, and two connections to it. */
class Rig {
  readonly scheduler = new Scheduler();
  readonly complaints: Violation[] = [];
  readonly #network = new SimNetwork(this.scheduler, new SeededRandom(1));
  readonly #links: Link[] = [];
  readonly #logs = [new MessageLog(), new MessageLog()];

  constructor() {
    const process = this.#process('a0');
    const original = new OriginalAcceptor({
      id: 0,
      port: 1000,
      process,
      transport: this.#network.transportOf(process),
      disk: new SimDisk(new SeededRandom(1), () => undefined, 'memory'),
      complain: (violation) => this.complaints.push(violation),
    });
    void original.start();
    const transport = this.#network.transportOf(this.#process('p0'));
    for (const log of this.#logs) {
      const decoder = new Decoder(log, { maxMessageBytes: 65_536 });
      const events = {
        connected() {},
        drained() {},
        closed() {},
        data: (b: Uint8Array) => void decoder.push(b),
      };
      this.#links.push(transport.connect({ host: '10.0.0.1', port: 1000 }, events));
    }
    this.pass(100);
  }

  /** Says something on the first connection; what came back there, and on the other. */
  say(...messages: Message[]): [here: string[], elsewhere: string[]] {
    const buffer = new ByteBuffer();
    for (const message of messages) encodeMessage(buffer, message);
    this.#links[0]?.write(buffer.take());
    this.pass(50);
    return [this.heard(0), this.heard(1)];
  }

  heard(connection: number): string[] {
    return (this.#logs[connection]?.take() ?? []).map(describeMessage);
  }

  pass(ms: number): void {
    const until = this.scheduler.now + ms;
    while (this.scheduler.step(until));
  }

  #process(name: string): SimProcess {
    return new SimProcess({ scheduler: this.scheduler, name, drift: 1, slownessMs: 0 });
  }
}

const prepare = (ballot: number): Message => ({ type: 'prepare', instanceId: 1, ballot });
const accept = (ballot: number): Message => ({ type: 'accept', instanceId: 1, ballot, value: X });

describe('OriginalAcceptor', () => {
  test('promises to the one who asked, and tells a lower ballot the higher one', () => {
    const rig = new Rig();
    expect(rig.say(prepare(21))).toEqual([['promise a0 i=1 b=21 vb=0 value=-'], []]);
    expect(rig.say(prepare(10))).toEqual([['promise a0 i=1 b=21 vb=0 value=-'], []]);
  });

  test('tells everybody what it accepted, and only the one who asked that it did not', () => {
    const rig = new Rig();
    const accepted = 'accepted a0 i=1 b=21 vb=21 value=x';
    expect(rig.say(accept(21))).toEqual([[accepted], [accepted]]);
    expect(rig.say(accept(10))).toEqual([['preempted a0 i=1 b=21'], []]);
  });

  test('answers REPEAT with the record, its raised ballot included', () => {
    const rig = new Rig();
    rig.say(accept(21), prepare(32));
    const [here] = rig.say({ type: 'repeat', from: 1, to: 11 });
    expect(here).toEqual(['accepted a0 i=1 b=32 vb=21 value=x']);
  });

  test('answers nothing at or below its trim point, and tells it once a second', async () => {
    const rig = new Rig();
    // It listens from now on, and then begins to count seconds.
    await new Promise((resolve) => setImmediate(resolve));
    rig.say(accept(21), { type: 'trim', instanceId: 1 });
    rig.heard(1);
    expect(rig.say(prepare(32))).toEqual([[], []]);
    rig.pass(1000);
    expect(rig.heard(1)).toContain('acceptor-state a0 trim=1');
  });

  test('complains of an extension and of an empty value', () => {
    const rig = new Rig();
    rig.say({ type: 'query', token: 1 });
    rig.say({ type: 'accept', instanceId: 1, ballot: 10, value: new Uint8Array(0) });
    expect(rig.complaints.map(({ checker }) => checker)).toEqual(['original', 'original']);
  });
});
