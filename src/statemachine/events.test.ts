import { expect, it } from 'vitest';
import { Events, MAX_WAITING_EVENTS, type MachineEvent } from './events.ts';

const event = (instanceId: number): MachineEvent => ({ type: 'catch-up-ended', instanceId });

it('gives every reader what happens from when it began to read', async () => {
  const events = new Events();
  events.emit(event(1));
  const [one, other] = [events.read(), events.read()];
  const waiting = one.next();
  events.emit(event(2));
  events.emit(event(3));
  expect(await waiting).toEqual({ done: false, value: event(2) });
  events.end();
  const heard: MachineEvent[] = [];
  for await (const each of other) heard.push(each);
  expect(heard).toEqual([event(2), event(3)]);
  expect(await one.next()).toEqual({ done: false, value: event(3) });
  expect((await one.next()).done).toBe(true);
});

it('keeps so many for a reader that does not read, and says how many it missed', async () => {
  const events = new Events();
  const reader = events.read();
  for (let i = 1; i <= MAX_WAITING_EVENTS + 3; i++) events.emit(event(i));
  expect(await reader.next()).toEqual({ done: false, value: { type: 'missed', count: 3 } });
  expect(await reader.next()).toEqual({ done: false, value: event(4) });
});

it('ends a reader that has enough, and one that waits', async () => {
  const events = new Events();
  const [one, other] = [events.read(), events.read()];
  const waiting = [one.next(), other.next()];
  await one.return?.();
  events.end();
  expect((await Promise.all(waiting)).map(({ done }) => done)).toEqual([true, true]);
  events.emit(event(1));
  expect((await one.next()).done).toBe(true);
});
