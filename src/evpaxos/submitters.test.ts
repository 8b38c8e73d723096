/** Submitters: the line before the queue, its end at both limits, and the way out of it. */
import { describe, expect, it } from 'vitest';
import { MemoryCluster, type Sequence } from '../../test/support/memory-cluster.ts';
import { PaxosError } from '../paxos/error.ts';
import { MAX_WAITING_SUBMITTERS, Submitters } from './submitters.ts';
import type { TurnStep } from './turn.ts';

/** A queue with room for two values, which are chosen when the test says so. */
function world(maxWaitingBytes = Number.POSITIVE_INFINITY) {
  const queued: { readonly value: Uint8Array; readonly chosen: (() => void) | undefined }[] = [];
  const values = {
    get isFull() {
      return queued.length >= 2;
    },
    get isHalfEmpty() {
      return queued.length <= 1;
    },
    fault: (value: Uint8Array) =>
      value.length === 0 ? new PaxosError('VALUE_EMPTY', 'a value has at least one byte') : undefined,
    submit: (value: Uint8Array, chosen?: () => void) => {
      queued.push({ value, chosen });
    },
  };
  const steps: TurnStep[] = [];
  const turn = { addStep: (step: TurnStep) => steps.push(step), schedule: () => undefined };
  const submitters = new Submitters({ values: () => values, turn, maxWaitingBytes });
  const choose = (count: number) => {
    for (const { chosen } of queued.splice(0, count)) chosen?.();
  };
  return { queued, submitters, choose, endTurn: () => steps.map((step) => step()) };
}

const bytes = (text: string) => new TextEncoder().encode(text);
const texts = (queued: readonly { readonly value: Uint8Array }[]) =>
  queued.map(({ value }) => new TextDecoder().decode(value));
const codeOf = (submitted: Promise<void>) =>
  submitted.then(
    () => 'chosen',
    (error: PaxosError) => error.code,
  );

describe('Submitters', () => {
  it('let a submitter wait for room, in order, and resolve when its value is chosen', async () => {
    const { queued, submitters, choose, endTurn } = world();
    const fates = ['a', 'b', 'c', 'd'].map((text) => codeOf(submitters.submit(bytes(text), undefined)));
    expect(texts(queued)).toEqual(['a', 'b']);
    expect(submitters.waitingCount).toBe(2);
    expect(endTurn(), 'nothing to do while it is full').toEqual([false]);
    choose(1);
    endTurn();
    expect(texts(queued), 'whoever waits longest is first').toEqual(['b', 'c']);
    choose(2);
    endTurn();
    choose(1);
    expect(await Promise.all(fates)).toEqual(['chosen', 'chosen', 'chosen', 'chosen']);
  });

  it('keep the bytes as they were handed in', () => {
    const { queued, submitters, choose, endTurn } = world();
    const buffer = bytes('one');
    for (let i = 0; i < 3; i++) void submitters.submit(buffer, undefined);
    buffer.fill(0);
    choose(2);
    endTurn();
    expect(texts(queued)).toEqual(['one']);
  });

  it('refuse at once, full or not, what would never be taken', async () => {
    const { submitters } = world();
    for (const text of ['a', 'b', 'c']) void submitters.submit(bytes(text), undefined);
    await expect(submitters.submit(bytes(''), undefined)).rejects.toMatchObject({ code: 'VALUE_EMPTY' });
    expect(submitters.waitingCount).toBe(1);
  });

  it('refuse with QUEUE_FULL whoever comes when as many wait as may', async () => {
    const { submitters, choose, endTurn } = world();
    const value = Uint8Array.of(1);
    const give = () => codeOf(submitters.submit(value, undefined));
    for (let i = 0; i < 2 + MAX_WAITING_SUBMITTERS; i++) void give();
    expect(submitters.waitingCount).toBe(MAX_WAITING_SUBMITTERS);
    expect(await give()).toBe('QUEUE_FULL');
    choose(1);
    endTurn();
    const late = give();
    submitters.close(new PaxosError('CLOSED', 'closed'));
    expect(await late, 'there was room in the line again').toBe('CLOSED');
  });

  it('refuse with QUEUE_FULL whoever comes when values of as many bytes wait as may', async () => {
    const { submitters, choose, endTurn } = world(1000);
    const give = (size: number) => codeOf(submitters.submit(new Uint8Array(size).fill(1), undefined));
    for (const size of [1, 1, 600, 400]) void give(size);
    expect(await give(1)).toBe('QUEUE_FULL');
    choose(1);
    endTurn();
    void give(600);
    expect(submitters.waitingCount).toBe(2);
    expect(await give(1)).toBe('QUEUE_FULL');
  });

  it('take one that is larger than all that may wait, alone', () => {
    const { submitters } = world(1000);
    for (const size of [1, 1, 2000]) void submitters.submit(new Uint8Array(size).fill(1), undefined);
    expect(submitters.waitingCount).toBe(1);
  });

  it('let a submitter go whose signal aborts the wait: its value is not handed in, and its room is free', async () => {
    const { queued, submitters, choose, endTurn } = world();
    for (const text of ['a', 'b']) void submitters.submit(bytes(text), undefined);
    const controller = new AbortController();
    const waiting = submitters.submit(bytes('c'), controller.signal);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({
      code: 'ABORTED',
      message: 'the wait was aborted; the value was not handed in',
    });
    expect(submitters.waitingCount).toBe(0);
    choose(2);
    endTurn();
    expect(queued).toEqual([]);
  });

  it('say of one that was handed in that it may still be chosen', async () => {
    const { queued, submitters } = world();
    const controller = new AbortController();
    const submitted = submitters.submit(bytes('a'), controller.signal);
    controller.abort();
    await expect(submitted).rejects.toThrow('the value may still be chosen');
    expect(texts(queued)).toEqual(['a']);
    await expect(submitters.submit(bytes('b'), controller.signal)).rejects.toThrow('was not handed in');
  });
});

describe('a node whose queue is full', () => {
  it('lets submitters wait, and gets all of their values chosen in order; who only offers is refused', async () => {
    const cluster = new MemoryCluster({ replicas: 3 }, { maxWaitingBytes: 1024, maxMessageBytes: 1024 });
    const sequence: Sequence = { values: [] };
    const replica = await cluster.replica(0, sequence);
    const names = Array.from({ length: 100 }, (_, i) => `value ${i}`);
    const fates = names.map((name) => codeOf(replica.submit(bytes(name), undefined)));
    expect(replica.values?.waitingCount).toBeLessThan(10);
    expect(() => replica.offer(bytes('offered'), undefined)).toThrow('too many values wait to be proposed');
    for (const id of [1, 2]) await cluster.replica(id);
    cluster.world.advance(2000);
    expect(new Set(await Promise.all(fates))).toEqual(new Set(['chosen']));
    expect(sequence.values).toEqual(names);
    await cluster.closeAll();
  });
});
