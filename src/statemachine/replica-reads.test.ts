import { expect, it } from 'vitest';
import { Consistency, ReadStatus } from '../transport/messages.ts';
import { MAX_WAITING_READ_BYTES, MAX_WAITING_READS, type ReadAnswer, ReplicaReads } from './replica-reads.ts';

const QUERY = Uint8Array.of(7);
const UNAVAILABLE = ReadStatus.unavailable;

/** Reads, and questions that a test answers. */
function scene() {
  const questions: { readonly done: () => void; isWithdrawn: boolean }[] = [];
  const answers: ReadAnswer[] = [];
  let wakes = 0;
  const reads = new ReplicaReads({
    whenCurrent: (done) => {
      const question = { done, isWithdrawn: false };
      questions.push(question);
      return () => {
        question.isWithdrawn = true;
      };
    },
    answer: (query) => ({ status: ReadStatus.ok, bytes: query }),
    wake: () => void wakes++,
  });
  const read = (consistency: number = Consistency.linearizable, query = QUERY) =>
    reads.read(query, consistency, (answer) => answers.push(answer));
  return { reads, read, questions, answers, wakes: () => wakes };
}

it('asks one question for all reads of a turn, and answers them when that is answered', () => {
  const { reads, read, questions, answers, wakes } = scene();
  read();
  read();
  expect([questions.length, wakes()]).toEqual([0, 2]);
  reads.step();
  reads.step();
  expect(questions.length).toBe(1);
  read();
  expect(answers).toEqual([]);
  questions[0]?.done();
  expect(answers).toHaveLength(2);
  // The third came after the question, which says nothing of it.
  reads.step();
  expect(questions.length).toBe(2);
  questions[1]?.done();
  expect(answers).toHaveLength(3);
});

it('answers a local read at once', () => {
  const { read, questions, answers } = scene();
  read(Consistency.local);
  expect(answers).toEqual([{ status: ReadStatus.ok, bytes: QUERY }]);
  expect(questions).toEqual([]);
});

it('lets so many wait, and says of more that another may be asked', () => {
  const { reads, read, questions, answers } = scene();
  for (let i = 0; i < MAX_WAITING_READS; i++) read();
  expect(answers).toEqual([]);
  read();
  expect(answers.map(({ status }) => status)).toEqual([UNAVAILABLE]);
  reads.step();
  questions[0]?.done();
  expect(answers).toHaveLength(MAX_WAITING_READS + 1);
  read();
  expect(answers).toHaveLength(MAX_WAITING_READS + 1);
});

it('lets so many bytes of queries wait, too', () => {
  const { reads, read, questions, answers } = scene();
  const large = new Uint8Array(MAX_WAITING_READ_BYTES / 4);
  for (let i = 0; i < 4; i++) read(Consistency.linearizable, large);
  expect(answers).toEqual([]);
  read();
  expect(answers.map(({ status }) => status)).toEqual([UNAVAILABLE]);
  reads.step();
  questions[0]?.done();
  read();
  expect(answers).toHaveLength(5);
});

it('ends what waits when it is closed', () => {
  const { reads, read, questions, answers } = scene();
  read();
  reads.step();
  read();
  reads.close();
  expect(answers.map(({ status }) => status)).toEqual([UNAVAILABLE, UNAVAILABLE]);
  expect(questions[0]?.isWithdrawn).toBe(true);
  read(Consistency.local);
  expect(answers.at(-1)?.status).toBe(UNAVAILABLE);
});
