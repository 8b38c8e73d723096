import { describe, expect, it } from 'vitest';
import { MemoryWorld } from '../../test/support/memory-world.ts';
import { PaxosError } from '../paxos/error.ts';
import { SeededRandom } from '../transport/random.ts';
import { ByteWriter } from './bytes.ts';
import { ItemKind, ItemReader } from './items.ts';
import { encodeResult, encodeResults, ResultStatus } from './results.ts';
import { ClientSession } from './session.ts';

const TIMEOUT_MS = 9_000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A session, and the other end of its port: what was sent there, in words, and answers that a test makes up. */
class Scene {
  readonly world = new MemoryWorld();
  readonly sent: string[] = [];
  largest = 0;
  isReady = true;
  readonly session: ClientSession<string>;
  #nonce: readonly [number, number] = [0, 0];

  constructor() {
    this.session = new ClientSession({
      clock: this.world,
      random: new SeededRandom(1),
      port: {
        isReady: () => this.isReady,
        send: (session, items) => this.#hear(session, Buffer.concat(items)),
        wake: () => this.world.endOfTurn(() => this.session.flush()),
      },
      decode: (bytes) => decoder.decode(bytes),
      maxCommandBytes: 1000,
      timeoutMs: TIMEOUT_MS,
    });
  }

  /** Proposes, and gives what it comes to, as text, once it has. */
  propose(text: string, signal?: AbortSignal): { readonly outcome: Promise<string> } {
    const outcome = this.session.propose(encoder.encode(text), signal).then(
      (result) => result,
      (error: unknown) => (error instanceof PaxosError ? error.code : String(error)),
    );
    this.world.settle();
    return { outcome };
  }

  opened(session: number, nonce = this.#nonce): void {
    this.session.onOpened(nonce[0], nonce[1], session);
    this.world.settle();
  }

  answer(session: number, first: number, ...results: readonly (string | ResultStatus)[]): void {
    const each = new ByteWriter();
    for (const one of results) {
      if (typeof one === 'string') encodeResult(each, ResultStatus.ok, encoder.encode(one));
      else encodeResult(each, one, encoder.encode('why'));
    }
    const value = new ByteWriter();
    encodeResults(value, first, results.length, each.view());
    expect(this.session.onResults(session, value.take())).toBeUndefined();
    this.world.settle();
  }

  /** What was sent since this was last asked. */
  take(): string[] {
    return this.sent.splice(0);
  }

  #hear(session: number, items: Uint8Array): void {
    this.largest = Math.max(this.largest, items.length);
    const reader = new ItemReader();
    reader.open(items);
    while (reader.next()) this.sent.push(`${session} ${this.#word(reader)}`);
    expect(reader.fault).toBeUndefined();
  }

  #word(reader: ItemReader): string {
    switch (reader.kind) {
      case ItemKind.open:
        this.#nonce = [reader.nonceHigh, reader.nonceLow];
        return `open ${reader.timeoutMs}`;
      case ItemKind.run: {
        const commands = Array.from({ length: reader.count }, () => decoder.decode(reader.command()));
        return `run s${reader.session} a${reader.acknowledged} ${reader.first}: ${commands.join(' ')}`;
      }
      case ItemKind.keep:
        return `keep s${reader.session} a${reader.acknowledged}`;
      default:
        return `close s${reader.session}`;
    }
  }
}

describe('ClientSession', () => {
  it('opens a session with the first command, and sends what waited for it in one run', async () => {
    const scene = new Scene();
    expect(scene.take()).toEqual([]);
    const a = scene.propose('a');
    const b = scene.propose('b');
    expect(scene.take()).toEqual([`0 open ${TIMEOUT_MS}`]);
    scene.opened(5);
    expect(scene.take()).toEqual(['5 run s5 a0 1: a b']);
    scene.answer(5, 1, 'A', 'B');
    expect([await a.outcome, await b.outcome]).toEqual(['A', 'B']);
    scene.propose('c');
    expect(scene.take()).toEqual(['5 run s5 a2 3: c']);
  });

  it('takes no other nonce’s session for its own, and no other session’s results', async () => {
    const scene = new Scene();
    const a = scene.propose('a');
    scene.opened(4, [1, 2]);
    expect(scene.session.id).toBe(0);
    scene.opened(5);
    scene.answer(4, 1, 'no');
    scene.answer(5, 1, 'yes');
    expect(await a.outcome).toBe('yes');
  });

  it('tells what became of a command that has no result', async () => {
    const scene = new Scene();
    const outcomes = ['a', 'b', 'c'].map((text) => scene.propose(text).outcome);
    scene.opened(5);
    scene.answer(5, 1, ResultStatus.failed, ResultStatus.invalid, ResultStatus.window);
    expect(await Promise.all(outcomes)).toEqual(['COMMAND_FAILED', 'COMMAND_INVALID', 'QUEUE_FULL']);
  });

  it('sends again what has no answer, on another connection, opening included', async () => {
    const scene = new Scene();
    const a = scene.propose('a');
    scene.take();
    scene.session.reconnected();
    scene.world.settle();
    expect(scene.take()).toEqual([`0 open ${TIMEOUT_MS}`]);
    scene.opened(5);
    scene.propose('b');
    scene.take();
    scene.answer(5, 2, 'B');
    scene.isReady = false;
    scene.session.reconnected();
    scene.propose('c');
    expect(scene.take()).toEqual([]);
    scene.isReady = true;
    scene.session.flush();
    expect(scene.take()).toEqual(['5 run s5 a0 1: a', '5 run s5 a0 3: c']);
    scene.answer(5, 1, 'A');
    scene.answer(5, 1, 'A');
    expect(await a.outcome).toBe('A');
  });

  it('goes on in a new session with what cannot have been applied in an expired one, and fails the rest', async () => {
    const scene = new Scene();
    const a = scene.propose('a');
    scene.opened(5);
    scene.session.reconnected();
    scene.world.settle();
    const b = scene.propose('b');
    scene.take();
    scene.answer(5, 2, ResultStatus.expired);
    expect(await a.outcome).toBe('SESSION_EXPIRED');
    expect(scene.take()).toEqual([`0 open ${TIMEOUT_MS}`]);
    scene.opened(6);
    expect(scene.take()).toEqual(['6 run s6 a0 1: b']);
    scene.answer(5, 1, 'late');
    scene.answer(6, 1, 'B');
    expect(await b.outcome).toBe('B');
  });

  it('gives to no other session what another way may have had applied, though it could not send it again yet', async () => {
    const scene = new Scene();
    const a = scene.propose('a');
    scene.opened(5);
    scene.isReady = false;
    scene.session.reconnected();
    scene.answer(5, 2, ResultStatus.expired);
    scene.isReady = true;
    scene.session.flush();
    expect(scene.take()).toEqual([`0 open ${TIMEOUT_MS}`, '5 run s5 a0 1: a']);
    expect(await a.outcome).toBe('SESSION_EXPIRED');
  });

  it('keeps an idle session alive, and tells how far answers have come', async () => {
    const scene = new Scene();
    const a = scene.propose('a');
    scene.opened(5);
    scene.answer(5, 1, 'A');
    await a.outcome;
    scene.take();
    scene.world.advance(TIMEOUT_MS / 3);
    expect(scene.take()).toEqual(['5 keep s5 a1']);
    scene.world.advance(TIMEOUT_MS);
    expect(scene.take()).toEqual(Array.from({ length: 3 }, () => '5 keep s5 a1'));
  });

  it('fails what waits when the cluster has too many sessions, and tries again with the next command', async () => {
    const scene = new Scene();
    const a = scene.propose('a');
    scene.take();
    scene.opened(0);
    expect(await a.outcome).toBe('SESSION_REFUSED');
    scene.propose('b');
    expect(scene.take()).toEqual([`0 open ${TIMEOUT_MS}`]);
  });

  it('stops waiting when the signal says so, whether the command was sent or not', async () => {
    const scene = new Scene();
    const aborts = [new AbortController(), new AbortController()];
    const a = scene.propose('a', aborts[0]?.signal);
    scene.isReady = false;
    scene.opened(5);
    aborts[0]?.abort();
    const b = scene.propose('b', aborts[1]?.signal);
    scene.isReady = true;
    scene.session.flush();
    expect(scene.take()).toContain('5 run s5 a0 1: b');
    aborts[1]?.abort();
    expect([await a.outcome, await b.outcome]).toEqual(['ABORTED', 'ABORTED']);
    scene.answer(5, 1, 'B');
    const again = scene.propose('c', AbortSignal.abort());
    expect(await again.outcome).toBe('ABORTED');
    expect(scene.session.isWaitedFor).toBe(false);
  });

  it('refuses a command that no message holds', async () => {
    const scene = new Scene();
    expect(await scene.propose('x'.repeat(1001)).outcome).toBe('VALUE_TOO_LARGE');
  });

  it('puts no more into one message than a single command may have', () => {
    const scene = new Scene();
    scene.propose('first');
    for (const length of [600, 600, 1000, 1, 1, 1000]) scene.propose('x'.repeat(length));
    scene.opened(5);
    scene.session.reconnected();
    scene.world.settle();
    expect(scene.take().filter((each) => each.startsWith('5 run'))).toHaveLength(2 * 5);
    expect(scene.largest).toBeLessThan(1000 + 128);
  });

  it('ends its session when it is closed, and all waits', async () => {
    const scene = new Scene();
    const a = scene.propose('a');
    scene.opened(5);
    scene.take();
    scene.session.close(new PaxosError('CLOSED', 'the client was closed'));
    expect(scene.take()).toEqual(['5 close s5']);
    expect([await a.outcome, await scene.propose('b').outcome]).toEqual(['CLOSED', 'CLOSED']);
    scene.world.advance(10 * TIMEOUT_MS);
    expect(scene.take()).toEqual([]);
  });

  it('says what is wrong with bytes that are no results', () => {
    const scene = new Scene();
    scene.propose('a');
    scene.opened(5);
    expect(scene.session.onResults(5, Uint8Array.of(1, 9, 0, 200))).toMatch(/ends within/);
  });
});
