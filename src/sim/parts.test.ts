import { expect, test } from 'vitest';
import { ByteWriter } from '../statemachine/bytes.ts';
import { encodeClock, encodeKeep } from '../statemachine/items.ts';
import { RunBuilder } from '../statemachine/run-builder.ts';
import { commandParts, describeItems, rawParts, sequencesOf } from './parts.ts';

/** A clock, two commands of session 3, and a keep-alive. */
function value(): Uint8Array {
  const out = new ByteWriter();
  encodeClock(out, 1000, 7);
  const builder = new RunBuilder(5);
  for (const command of ['put', 'add']) builder.add(Buffer.from(command));
  out.append(builder.take(3, 1));
  encodeKeep(out, 4, 0);
  return out.take();
}

test('a raw value is one part, as it is', () => {
  expect(rawParts(Buffer.from('x'))).toEqual(['x']);
  expect(rawParts(new Uint8Array(0))).toEqual(['']);
});

test('of commands the parts are what clients gave; a no-op has none', () => {
  expect(commandParts(value())).toEqual(['put', 'add']);
  expect(commandParts(new Uint8Array(0))).toEqual([]);
  expect([...sequencesOf(value())]).toEqual(['3:5', '3:6']);
});

test('what is malformed is a part that nobody gave', () => {
  const [, , ...parts] = commandParts(Buffer.concat([value(), Buffer.from([99])]));
  expect(parts).toEqual(['malformed: item of kind 99, which there is not']);
});

test('people are shown the items', () => {
  expect(describeItems(value())).toBe('clock(1000) run(session 3, 5..6, knows 1) keep(session 4)');
  expect(describeItems(new Uint8Array(0))).toBe('no-op');
  expect(describeItems(Buffer.from([99]))).toMatch(/^malformed \(item of kind 99/);
});
