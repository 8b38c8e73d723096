/**
 * The modelled original: it does what the original does, its faults included, and complains of what an original would
 * not bear.
 */
import { describe, expect, test } from 'vitest';
import { makeConfig } from '../../config/index.ts';
import { ByteBuffer } from '../../transport/buffer.ts';
import { Decoder } from '../../transport/decode.ts';
import { describeMessage, encodeMessage } from '../../transport/describe.ts';
import { type Message, MessageLog } from '../../transport/message-log.ts';
import { Role } from '../../transport/messages.ts';
import { SeededRandom } from '../../transport/random.ts';
import type { Link, LinkEvents, Transport } from '../../transport/transport.ts';
import { SimDisk } from '../disk.ts';
import { SimNetwork } from '../network.ts';
import { SimProcess } from '../process.ts';
import { Scheduler } from '../scheduler.ts';
import { text } from '../text.ts';
import type { Violation } from '../violation.ts';
import { startOriginal } from './node.ts';

const HOST = '10.0.0.1';
const CONFIG = makeConfig(
  {
    acceptors: [1000, 1001, 1002].map((port) => ({ host: HOST, port })),
    proposers: [2000].map((port) => ({ host: HOST, port })),
  },
  { proposerPreexecWindow: 2 },
);

/** One original, and the other ends of its connections: two that connect to it, and acceptors that it connects to. */
class Rig {
  readonly scheduler = new Scheduler();
  readonly complaints: Violation[] = [];
  readonly delivered: string[] = [];
  readonly submitted: string[] = [];
  readonly #network = new SimNetwork(this.scheduler, new SeededRandom(1));
  readonly #links: Link[] = [];
  readonly #logs: MessageLog[] = [];

  /** An acceptor; what is said goes to it on the first of two connections. */
  static async acceptor(): Promise<Rig> {
    const rig = new Rig();
    await rig.#start('a0', Role.acceptor);
    const transport = rig.#transport('p0');
    for (let i = 0; i < 2; i++) rig.#links.push(transport.connect({ host: HOST, port: 1000 }, rig.#ears()));
    rig.pass(100);
    return rig;
  }

  /** Something else; what is said goes to it from acceptors 0, 1 and 2. */
  static async other(name: string, roles: number): Promise<Rig> {
    const rig = new Rig();
    for (const { port } of [...CONFIG.acceptors, ...(roles === Role.proposer ? [] : CONFIG.proposers)]) {
      await rig.#transport(`at ${port}`).listen(port, (link) => {
        const ears = rig.#ears();
        rig.#links.push(link);
        return ears;
      });
    }
    await rig.#start(name, roles);
    rig.pass(100);
    return rig;
  }

  /** Says something on the first connection; what came back there, and on the second. */
  say(...messages: Message[]): [here: string[], elsewhere: string[]] {
    this.tell(0, ...messages);
    return [this.heard(0), this.heard(1)];
  }

  /** Says something on some connection. */
  tell(connection: number, ...messages: Message[]): void {
    const buffer = new ByteBuffer();
    for (const message of messages) encodeMessage(buffer, message);
    this.#links[connection]?.write(buffer.take());
    this.pass(50);
  }

  heard(connection: number): string[] {
    return (this.#logs[connection]?.take() ?? []).map(describeMessage);
  }

  pass(ms: number): void {
    const until = this.scheduler.now + ms;
    while (this.scheduler.step(until));
  }

  #ears(): LinkEvents {
    const log = new MessageLog();
    this.#logs.push(log);
    const decoder = new Decoder(log, { maxMessageBytes: 65_536 });
    return { connected() {}, drained() {}, closed() {}, data: (bytes) => void decoder.push(bytes) };
  }

  async #start(name: string, roles: number): Promise<void> {
    const process = this.#process(name);
    await startOriginal({
      config: CONFIG,
      roles,
      id: 0,
      process,
      transport: this.#network.transportOf(process),
      disk: roles === Role.acceptor ? new SimDisk(new SeededRandom(1), () => undefined, 'memory') : undefined,
      proposerId: 0,
      work: { outstanding: 2, values: 3, submitted: (value) => this.submitted.push(value) },
      delivered: (instanceId, value) => this.delivered.push(`${instanceId} ${text(value)}`),
      complain: (violation) => this.complaints.push(violation),
    });
  }

  #transport(name: string): Transport {
    return this.#network.transportOf(this.#process(name));
  }

  #process(name: string): SimProcess {
    return new SimProcess({ scheduler: this.scheduler, name, drift: 1, slownessMs: 0 });
  }
}

const X = Uint8Array.from([0x78]);

const prepare = (ballot: number): Message => ({ type: 'prepare', instanceId: 1, ballot });
const accept = (ballot: number): Message => ({ type: 'accept', instanceId: 1, ballot, value: X });

describe('an original acceptor', () => {
  test('promises to the one who asked, and tells a lower ballot the higher one', async () => {
    const rig = await Rig.acceptor();
    expect(rig.say(prepare(21))).toEqual([['promise a0 i=1 b=21 vb=0 value=-'], []]);
    expect(rig.say(prepare(10))).toEqual([['promise a0 i=1 b=21 vb=0 value=-'], []]);
  });

  test('tells everybody what it accepted, and only the one who asked that it did not', async () => {
    const rig = await Rig.acceptor();
    const accepted = 'accepted a0 i=1 b=21 vb=21 value=x';
    expect(rig.say(accept(21))).toEqual([[accepted], [accepted]]);
    expect(rig.say(accept(10))).toEqual([['preempted a0 i=1 b=21'], []]);
  });

  test('answers REPEAT with the record, its raised ballot included', async () => {
    const rig = await Rig.acceptor();
    rig.say(accept(21), prepare(32));
    const [here] = rig.say({ type: 'repeat', from: 1, to: 11 });
    expect(here).toEqual(['accepted a0 i=1 b=32 vb=21 value=x']);
  });

  test('answers nothing at or below its trim point, and tells it once a second', async () => {
    const rig = await Rig.acceptor();
    rig.say(accept(21), { type: 'trim', instanceId: 1 });
    rig.heard(1);
    expect(rig.say(prepare(32))).toEqual([[], []]);
    rig.pass(1000);
    expect(rig.heard(1)).toContain('acceptor-state a0 trim=1');
  });

  test('complains of an extension and of an empty value', async () => {
    const rig = await Rig.acceptor();
    rig.say({ type: 'query', token: 1 });
    rig.say({ type: 'accept', instanceId: 1, ballot: 10, value: new Uint8Array(0) });
    expect(rig.complaints.map(({ checker }) => checker)).toEqual(['original', 'original']);
  });
});

describe('an original proposer', () => {
  const promise = (acceptorId: number, instanceId: number, ballot: number, old = ''): Message => ({
    type: 'promise',
    acceptorId,
    instanceId,
    ballot,
    valueBallot: old === '' ? 0 : 5,
    value: Buffer.from(old),
  });
  const accepted = (acceptorId: number, ballot: number): Message => ({
    type: 'accepted',
    acceptorId,
    instanceId: 1,
    ballot,
    valueBallot: ballot,
    value: X,
  });
  const value: Message = { type: 'clientValue', value: X };

  /** One that has prepared its window, which was heard by nobody at first, and waits for promises. */
  async function proposer(): Promise<Rig> {
    const rig = await Rig.other('p0', Role.proposer);
    rig.pass(1000);
    expect(rig.heard(0)).toEqual(['prepare i=1 b=10', 'prepare i=2 b=10']);
    return rig;
  }

  test('asks again after its timeout, and proposes a value once a quorum promised', async () => {
    const rig = await proposer();
    rig.tell(0, value, promise(0, 1, 10));
    expect(rig.heard(0)).toEqual([]);
    rig.tell(1, promise(1, 1, 10));
    expect(rig.heard(0)).toEqual(['accept i=1 b=10 value=x', 'prepare i=3 b=10']);
    rig.pass(2000);
    expect(rig.heard(0)).toContain('accept i=1 b=10 value=x');
    rig.tell(0, accepted(0, 10));
    rig.tell(1, accepted(1, 10));
    rig.heard(0);
    rig.pass(2000);
    expect(rig.heard(0).filter((line) => line.startsWith('accept'))).toEqual([]);
  });

  test('proposes what a promise carried, and its own value later', async () => {
    const rig = await proposer();
    rig.tell(0, value, promise(0, 1, 10, 'old'));
    rig.tell(1, promise(1, 1, 10));
    expect(rig.heard(0)[0]).toBe('accept i=1 b=10 value=old');
    rig.tell(0, accepted(0, 10), promise(0, 2, 10));
    rig.tell(1, accepted(1, 10), promise(1, 2, 10));
    expect(rig.heard(0)[0]).toBe('accept i=2 b=10 value=x');
  });

  test('climbs one step when it is outvoted, whatever ballot won, and for that instance alone', async () => {
    const rig = await proposer();
    rig.tell(0, promise(0, 1, 73));
    expect(rig.heard(0)).toEqual(['prepare i=1 b=20']);
    rig.tell(0, value, promise(0, 1, 20));
    rig.tell(1, promise(1, 1, 20));
    rig.heard(0);
    rig.tell(0, { type: 'preempted', acceptorId: 0, instanceId: 1, ballot: 99 });
    expect(rig.heard(0)).toEqual(['prepare i=1 b=30']);
  });

  test('goes on above a trim point that is above all it prepared, and only then', async () => {
    const rig = await proposer();
    rig.tell(0, { type: 'acceptorState', acceptorId: 0, trimInstanceId: 1 });
    rig.tell(0, { type: 'acceptorState', acceptorId: 0, trimInstanceId: 7 });
    expect(rig.heard(0)).toEqual([]);
    rig.tell(0, promise(0, 50, 10));
    expect(rig.heard(0)).toEqual(['prepare i=8 b=10', 'prepare i=9 b=10']);
  });
});

describe('an original learner', () => {
  const told = (acceptorId: number, instanceId: number, ballot: number, value: string): Message => ({
    type: 'accepted',
    acceptorId,
    instanceId,
    ballot,
    valueBallot: 10,
    value: Buffer.from(value),
  });

  test('delivers in order what a quorum told, and asks for at most eleven that are missing', async () => {
    const rig = await Rig.other('ol0', Role.learner);
    for (const acceptor of [0, 1]) rig.tell(acceptor, told(acceptor, 20, 10, 'x'));
    rig.pass(100);
    expect(rig.heard(2)[0]).toBe('repeat i=1..11');
    for (const acceptor of [0, 1]) rig.tell(acceptor, told(acceptor, 1, 10, 'w'));
    expect(rig.delivered).toEqual(['1 w']);
  });

  test('counts the ballots that acceptors promised: its fault', async () => {
    const rig = await Rig.other('ol0', Role.learner);
    rig.tell(0, told(0, 1, 31, 'a'));
    rig.tell(1, told(1, 1, 31, 'b'));
    expect(rig.delivered).toEqual(['1 b']);
  });
});

describe('an original client', () => {
  test('submits so many at once, and one more for each of its own that it learns', async () => {
    const rig = await Rig.other('oc0', Role.learner | Role.client);
    expect(rig.submitted).toEqual(['oc0-0', 'oc0-1']);
    const told = (acceptorId: number): Message => ({
      type: 'accepted',
      acceptorId,
      instanceId: 1,
      ballot: 10,
      valueBallot: 10,
      value: Buffer.from('oc0-0'),
    });
    const heard = [0, 1, 2, 3].flatMap((connection) => rig.heard(connection));
    expect(heard).toEqual(['client-value value=oc0-0', 'client-value value=oc0-1']);
    for (const acceptor of [0, 1]) rig.tell(acceptor, told(acceptor));
    expect(rig.submitted).toEqual(['oc0-0', 'oc0-1', 'oc0-2']);
  });
});
