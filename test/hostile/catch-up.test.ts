/**
 * Catch-up: a learner that is behind fetches from one acceptor what that has learned, and gets all of it whatever
 * becomes of that acceptor; and an acceptor tells nothing as chosen that it has not learned.
 */
import { afterEach, describe, expect, it } from 'vitest';
import {
  encodeAccept,
  encodeAccepted,
  encodeChosen,
  encodeChosenValue,
  encodeFetch,
  encodeFetched,
  encodeHeartbeat,
  encodePrepare,
  encodeStatus,
} from '../../src/transport/encode.ts';
import type { Message } from '../../src/transport/message-log.ts';
import { Capability, Role } from '../../src/transport/messages.ts';
import { MemoryCluster, type RawPeer, type Sequence } from '../support/memory-cluster.ts';

const REPLICA = Role.acceptor | Role.proposer | Role.learner;
const NONE = Number.MAX_SAFE_INTEGER;
const MANY = 5000;
const bytes = (text: string) => new TextEncoder().encode(text);

let cluster: MemoryCluster;
afterEach(() => cluster.closeAll());

function said<Type extends Message['type']>(peer: RawPeer | undefined, type: Type) {
  const isOfType = (message: Message): message is Extract<Message, { type: Type }> => message.type === type;
  return (peer?.messages ?? []).filter(isOfType);
}

describe('a learner that is behind', () => {
  let replicas: RawPeer[];
  let sequence: Sequence;

  /** A learner whose three replicas are played; all say that they are at `highest`. */
  async function start(highest: number, wantsMore?: () => boolean): Promise<void> {
    cluster = new MemoryCluster({ replicas: 3 });
    replicas = [];
    sequence = { values: [] };
    for (const id of [0, 1, 2]) {
      await cluster.play(id, (peer) => {
        replicas[id] = peer;
        const capabilities = Capability.brief | Capability.stream;
        peer.sayHello({ ...cluster.hello(REPLICA, id), process: 1 + id, capabilities });
      });
    }
    await cluster.learner('learner', sequence, wantsMore);
    cluster.world.advance(50);
    for (const id of [0, 1, 2]) status(id, highest);
    cluster.world.settle();
  }

  function status(acceptorId: number, chosen: number, highestAccepted = chosen): void {
    const numbers = { token: 0, highestBallot: 11, trimInstanceId: 0, leaderBallot: 11 };
    replicas[acceptorId]?.say((out) =>
      encodeStatus(out, { ...numbers, acceptorId, highestAccepted, chosen }),
    );
  }

  /** The replicas that were asked, and for what. */
  function asked(): string[] {
    return replicas.flatMap((peer, id) => said(peer, 'fetch').map(({ from, to }) => `${id}: ${from}..${to}`));
  }

  /** The one that was asked, when only one was. */
  function source(but: readonly number[] = []): number {
    const ids = [0, 1, 2].filter((id) => !but.includes(id) && said(replicas[id], 'fetch').length > 0);
    expect(ids).toHaveLength(1);
    return ids[0] ?? -1;
  }

  function tell(id: number, from: number, to: number, next: number | undefined): void {
    replicas[id]?.say((out) => {
      for (let i = from; i <= to; i++) encodeChosenValue(out, id, i, 11, bytes(`${i}`));
      if (next !== undefined) encodeFetched(out, id, from, to, next);
    });
    cluster.world.settle();
  }

  const repeats = () => replicas.flatMap((peer) => said(peer, 'repeat'));

  it('asks one acceptor, and takes its word', async () => {
    await start(MANY);
    const id = source();
    expect(asked()).toEqual([`${id}: 1..${MANY}`]);
    tell(id, 1, MANY, NONE);
    expect(sequence.values).toHaveLength(MANY);
    cluster.world.advance(1000);
    expect(asked()).toHaveLength(1);
    expect(repeats()).toEqual([]);
  });

  it('has the next stretch on its way before the last has come', async () => {
    await start(100_000);
    const id = source();
    expect(asked()).toEqual([`${id}: 1..16384`]);
    tell(id, 1, 8190, undefined);
    expect(asked()).toHaveLength(1);
    tell(id, 8191, 8191, undefined);
    expect(asked()).toEqual([`${id}: 1..16384`, `${id}: 16385..24575`]);
  });

  it('asks for no more while whoever takes deliveries has enough', async () => {
    let wantsMore = true;
    await start(100_000, () => wantsMore);
    const id = source();
    wantsMore = false;
    tell(id, 1, 16_384, 16_385);
    cluster.world.advance(3000);
    expect(sequence.values).toHaveLength(0);
    expect(asked()).toHaveLength(1);
    wantsMore = true;
    cluster.nodes.get('learner')?.resumeDelivery();
    cluster.world.settle();
    expect(sequence.values).toHaveLength(16_384);
    expect(asked().length).toBeGreaterThan(1);
  });

  it('says that it has all again once it has, whoever told of it, and not before', async () => {
    await start(0);
    const caughtUp = () =>
      cluster.events.flatMap(({ node, event }) =>
        node === 'learner' && event.type === 'caught-up' ? [event.instanceId] : [],
      );
    // Of one acceptor alone is known that it is so far; then it is gone, with what it told.
    status(0, MANY);
    cluster.world.advance(200);
    tell(0, 1, MANY - 1500, undefined);
    replicas[0]?.link?.close();
    cluster.world.advance(50);
    expect(sequence.values).toHaveLength(MANY - 1500);
    expect(caughtUp()).toEqual([]);
    status(1, MANY);
    cluster.world.advance(200);
    tell(1, MANY - 1499, MANY, NONE);
    cluster.world.advance(200);
    expect(caughtUp()).toEqual([MANY]);
  });

  it('asks all to be counted what no quorum has accepted any more, though it was chosen', async () => {
    await start(0);
    // The third lost its storage; the second never heard of these.
    replicas[2]?.link?.close();
    status(0, 20);
    status(1, 0);
    for (let look = 0; look < 5; look++) {
      cluster.world.advance(100);
      for (const id of [0, 1]) tell(id, 1, 0, NONE);
    }
    expect(repeats()).toContainEqual({ type: 'repeat', from: 1, to: 20 });
  });

  it('asks another when that one closes, and goes on where it was', async () => {
    await start(MANY);
    const id = source();
    tell(id, 1, 1000, undefined);
    replicas[id]?.link?.close();
    cluster.world.settle();
    const other = source([id]);
    expect(asked()).toContain(`${other}: 1001..${MANY}`);
    tell(other, 1001, MANY, NONE);
    expect(sequence.values).toHaveLength(MANY);
  });

  it('asks another when that one says nothing, and tells it that nothing is wanted any more', async () => {
    await start(MANY);
    const id = source();
    cluster.world.advance(500);
    source([id, ...[0, 1, 2].filter((other) => said(replicas[other], 'fetch').length === 0)]);
    expect(said(replicas[id], 'fetch').at(-1)).toMatchObject({ from: 1, to: 0 });
    expect(cluster.events.some(({ event }) => event.type === 'source-replaced')).toBe(true);
  });

  it('tries another where the one is slow, and does not go back to it', async () => {
    await start(100_000);
    const slow = source();
    let fast = -1;
    for (let i = 1; i <= 20 && fast < 0; i++) {
      tell(slow, i, i, undefined);
      cluster.world.advance(100);
      fast = [0, 1, 2].find((id) => id !== slow && said(replicas[id], 'fetch').length > 0) ?? -1;
    }
    expect(fast).toBeGreaterThanOrEqual(0);
    for (let i = sequence.values.length + 1; i <= 2500; i += 100) {
      for (const id of [0, 1, 2]) if (id !== slow) tell(id, i, i + 99, undefined);
      cluster.world.advance(50);
    }
    expect(said(replicas[slow], 'fetch').filter(({ to }) => to > 0)).toHaveLength(1);
  });

  it('asks another for what the one has not learned, and the one for what comes after', async () => {
    await start(MANY);
    const id = source();
    tell(id, 1, 100, 201);
    const other = source([id]);
    expect(asked()).toContain(`${other}: 101..${MANY}`);
    tell(other, 101, 200, 301);
    tell(id, 201, MANY, NONE);
    cluster.world.advance(300);
    expect(sequence.values).toHaveLength(MANY);
    expect(repeats()).toEqual([]);
  });

  it('counts what all accepted where nobody has learned it, and no more than that', async () => {
    await start(MANY);
    const told = new Set<number>();
    for (const id of [0, 1, 2]) {
      const first = [0, 1, 2].find((one) => said(replicas[one], 'fetch').length > 0 && !told.has(one));
      expect(first, `question ${id}`).toBeDefined();
      told.add(first ?? -1);
      tell(first ?? -1, 1, 0, 51);
    }
    expect([...new Set(repeats().map(({ from, to }) => `${from}..${to}`))]).toEqual(['1..50']);
    for (const id of [0, 1])
      replicas[id]?.say((out) => {
        for (let i = 1; i <= 50; i++) encodeAccepted(out, id, i, 11, 11, bytes(`${i}`));
      });
    cluster.world.settle();
    expect(sequence.values).toHaveLength(50);
    expect(asked().some((one) => one.endsWith(`51..${MANY}`))).toBe(true);
  });

  /** Each question is answered so late. */
  function answerLate(
    ms: number,
    lateMs: number,
    answer: (id: number, from: number, to: number) => void,
  ): void {
    const seen = [0, 0, 0];
    for (let now = 0; now < ms; now += 10) {
      cluster.world.advance(10);
      for (const id of [0, 1, 2]) {
        const questions = said(replicas[id], 'fetch').slice(seen[id]);
        seen[id] = (seen[id] ?? 0) + questions.length;
        for (const { from, to } of questions)
          if (to >= from) cluster.world.after(lateMs, () => answer(id, from, to));
      }
    }
  }

  /** Nobody has learned what comes first, and all say so but those in `silent`. */
  function answerFor(ms: number, lateMs: number, silent: readonly number[] = []): void {
    answerLate(ms, lateMs, (id) => {
      if (!silent.includes(id)) tell(id, 1, 0, 51);
    });
  }

  it('counts where one acceptor says nothing at all, and the others have not learned it', async () => {
    for (const silent of [0, 1, 2]) {
      await start(MANY);
      answerFor(2000, 1, [silent]);
      expect(repeats().length, `${silent} is silent`).toBeGreaterThan(0);
      const questions = asked().filter((one) => one === `${silent}: 1..${MANY}`);
      expect(questions, `${silent} is asked no more`).toHaveLength(1);
      await cluster.closeAll();
    }
  });

  it('asks one that said nothing again when it says how it is', async () => {
    await start(MANY);
    answerFor(2000, 1, [0, 1]);
    const before = asked().filter((one) => !one.startsWith('2'));
    for (const id of [0, 1]) status(id, MANY);
    answerFor(1000, 1, [0, 1]);
    const after = asked().filter((one) => !one.startsWith('2'));
    for (const id of [0, 1]) {
      const times = (all: string[]) => all.filter((one) => one.startsWith(`${id}: 1..${MANY}`)).length;
      expect(times(after), `${id}`).toBe(times(before) + 1);
    }
  });

  it('counts what nobody has learned however long the answers take', async () => {
    for (const lateMs of [1, 60, 120, 200, 300, 500, 900, 2000]) {
      await start(MANY);
      answerFor(10_000, lateMs);
      expect(repeats().length, `${lateMs} ms`).toBeGreaterThan(0);
      await cluster.closeAll();
    }
  });

  it('gives up one that falls silent, far away as it is, though there is no other', async () => {
    await start(100_000);
    for (const id of [0, 1]) replicas[id]?.link?.close();
    let isSilent = false;
    let told = 0;
    const answer = (id: number, from: number, to: number) => {
      if (isSilent || id !== 2) return;
      told = to;
      tell(id, from, to, to + 1);
    };
    status(2, 100_000);
    answerLate(3000, 700, answer);
    expect(told).toBeGreaterThan(0);
    isSilent = true;
    answerLate(8000, 700, answer);
    isSilent = false;
    status(2, 100_000);
    answerLate(12_000, 700, answer);
    expect(sequence.values).toHaveLength(100_000);
  });

  it('asks another where one says again and again that it could tell, and tells nothing', async () => {
    await start(MANY);
    answerLate(1000, 1, (id, from, to) => {
      replicas[id]?.say((out) => encodeFetched(out, id, from, from - 1, from));
      if (id === 2) tell(id, from, to, to + 1);
    });
    expect(sequence.values).toHaveLength(MANY);
  });

  it('stays with a source however far away it is', async () => {
    await start(100_000);
    answerLate(10_000, 400, (id, from, to) => tell(id, from, to, to + 1));
    expect(sequence.values).toHaveLength(100_000);
    const replaced = cluster.events.filter(
      ({ event }) => event.type === 'source-replaced' && event.reason === 'says nothing',
    );
    expect(replaced).toHaveLength(1);
  });

  it('follows by one acceptor alone, with little delay, when no quorum is heard', async () => {
    await start(0);
    const live = 1;
    for (let i = 1; i <= 50; i++) {
      replicas[live]?.say((out) => encodeAccepted(out, live, i, 11, 11, bytes(`${i}`)));
      cluster.world.advance(5);
      for (const id of [0, 1, 2]) {
        const last = said(replicas[id], 'fetch').at(-1);
        if (last === undefined || last.to < last.from || id !== live) continue;
        tell(live, last.from, Math.min(i, last.to), NONE);
      }
    }
    cluster.world.advance(600);
    const last = said(replicas[live], 'fetch').at(-1);
    tell(live, last?.from ?? 0, 50, NONE);
    cluster.world.advance(20);
    expect(sequence.values.length).toBeGreaterThan(40);
  });

  it('takes no word that names another acceptor, and none at no ballot', async () => {
    await start(3);
    const id = source();
    const other = (id + 1) % 3;
    replicas[id]?.say((out) => encodeChosenValue(out, other, 1, 11, bytes('false')));
    replicas[id]?.say((out) => encodeChosenValue(out, id, 1, 0, bytes('false')));
    replicas[id]?.say((out) => encodeChosenValue(out, id, 2 ** 53 - 1, 11, bytes('far')));
    replicas[id]?.say((out) => encodeFetched(out, id, 2 ** 53 - 1, 2 ** 53 - 1, 1));
    cluster.world.settle();
    expect(sequence.values).toEqual([]);
    tell(id, 1, 3, NONE);
    expect(sequence.values).toEqual(['1', '2', '3']);
  });
});

describe('an acceptor that is asked for what is chosen', () => {
  let proposer: RawPeer;
  let learner: RawPeer;

  /** A mere acceptor, with a leader that owns ballot 11 and a learner, both played. */
  async function start(): Promise<void> {
    cluster = new MemoryCluster({ acceptors: 3, proposers: 2 });
    await cluster.acceptor(0);
    proposer = cluster.connect('acceptor', 0);
    learner = cluster.connect('acceptor', 0);
    const capabilities = Capability.brief | Capability.stream;
    proposer.sayHello({ ...cluster.hello(Role.proposer, 1), capabilities });
    learner.sayHello({ ...cluster.hello(Role.learner), process: 7, capabilities });
    cluster.world.settle();
  }

  function accept(ballot: number, from: number, to: number, value = 'v'): void {
    proposer.say((out) => {
      for (let i = from; i <= to; i++) encodeAccept(out, i, ballot, bytes(`${value}${i}`));
    });
    cluster.world.settle();
  }

  function fetch(from: number, to: number, most = 1_000_000): void {
    learner.say((out) => encodeFetch(out, from, to, most));
    cluster.world.settle();
  }

  const told = () => said(learner, 'chosenValue').map(({ instanceId, ballot }) => `${instanceId}@${ballot}`);
  const ends = () => said(learner, 'fetched').map(({ from, to, next }) => `${from}..${to} ${next}`);

  it('tells what its leader counted, and nothing beyond', async () => {
    await start();
    proposer.say((out) => encodeHeartbeat(out, 11, 0, 1));
    accept(11, 1, 5);
    fetch(1, 5);
    proposer.say((out) => encodeChosen(out, 11, 1, 3));
    cluster.world.settle();
    fetch(1, 5);
    expect(told()).toEqual(['1@11', '2@11', '3@11']);
    expect(ends()).toEqual([`1..0 ${NONE}`, `1..3 ${NONE}`]);
  });

  it('tells nothing that it accepted at a lower ballot than that of the choice', async () => {
    await start();
    accept(11, 1, 3);
    accept(21, 3, 4);
    proposer.say((out) => encodeChosen(out, 21, 1, 4));
    cluster.world.settle();
    fetch(1, 4);
    fetch(3, 4);
    expect(told()).toEqual(['3@21', '4@21']);
    expect(ends()).toEqual(['1..0 3', '3..4 5']);
  });

  it('tells what was accepted again since, at a higher ballot, and promised since', async () => {
    await start();
    accept(11, 1, 2);
    proposer.say((out) => encodeChosen(out, 11, 1, 2));
    accept(21, 2, 2);
    proposer.say((out) => encodePrepare(out, 1, 31));
    cluster.world.settle();
    fetch(1, 2);
    expect(told()).toEqual(['1@11', '2@11']);
  });

  it('passes over nothing that it missed: it says where it knows more', async () => {
    await start();
    accept(11, 1, 2);
    accept(11, 9, 9);
    proposer.say((out) => encodeChosen(out, 11, 1, 9));
    cluster.world.settle();
    fetch(1, 9);
    expect(told()).toEqual(['1@11', '2@11']);
    expect(ends()).toEqual(['1..2 9']);
  });

  it('believes nobody but the owner of a ballot what was counted at it', async () => {
    await start();
    accept(11, 1, 3);
    proposer.say((out) => encodeChosen(out, 12, 1, 3));
    learner.say((out) => encodeChosen(out, 11, 1, 3));
    cluster.world.settle();
    fetch(1, 3);
    expect(told()).toEqual([]);
  });

  it('tells no more bytes than were asked for, but one value at least', async () => {
    await start();
    accept(11, 1, 9);
    proposer.say((out) => encodeChosen(out, 11, 1, 9));
    cluster.world.settle();
    fetch(1, 9, 3);
    expect(ends()).toEqual(['1..2 3']);
    fetch(3, 9, 0);
    expect(told()).toEqual(['1@11', '2@11']);
  });

  it('is held up by nobody who does not read, and goes on when he does', async () => {
    await start();
    accept(11, 1, 3000, 'x'.repeat(1000));
    proposer.say((out) => encodeChosen(out, 11, 1, 3000));
    cluster.world.settle();
    learner.link?.pause();
    fetch(1, 3000, 2 ** 30);
    expect(learner.unreadBytes).toBeLessThan(1_500_000);
    learner.link?.resume();
    cluster.world.settle();
    expect(told()).toHaveLength(3000);
  });

  it('answers what follows with what went before, and forgets what is not wanted any more', async () => {
    await start();
    accept(11, 1, 3000, 'x'.repeat(1000));
    proposer.say((out) => encodeChosen(out, 11, 1, 3000));
    cluster.world.settle();
    learner.say((out) => {
      encodeFetch(out, 1, 1000, 2 ** 30);
      encodeFetch(out, 1001, 1100, 2 ** 30);
    });
    cluster.world.settle();
    expect(ends()).toEqual(['1..1100 1101']);
    learner.link?.pause();
    fetch(1, 3000, 2 ** 30);
    fetch(1, 0);
    learner.link?.resume();
    cluster.world.settle();
    expect(told().length).toBeLessThan(2500);
    expect(ends()).toHaveLength(1);
  });
});
