import { describe, expect, it } from 'vitest';
import { CounterMachine, trimValue } from './counter-machine.ts';

const COUNT = Buffer.from('COUNT\0');
const START = { count: 0, instanceId: 0 };

describe('the counter', () => {
  it('counts every value but TRIM', () => {
    const machine = new CounterMachine(3, START);
    machine.apply(1, COUNT);
    machine.apply(2, Buffer.from('anything'));
    machine.apply(3, trimValue(0, 2));
    expect(machine.state).toEqual({ count: 2, instanceId: 3 });
  });

  it('goes on from its checkpoint', () => {
    const machine = new CounterMachine(3, { count: 40, instanceId: 50 });
    machine.apply(51, COUNT);
    expect(machine.state).toEqual({ count: 41, instanceId: 51 });
  });

  it("writes TRIM as the original does, and reads it as the original's sscanf does", () => {
    expect(Buffer.from(trimValue(2, 300)).toString('latin1')).toBe('TRIM 2 300\0');
    const counted = (text: string) => {
      const machine = new CounterMachine(3, START);
      machine.apply(9, Buffer.from(text));
      return machine.state.count === 1;
    };
    for (const trim of ['TRIM 0 5', 'TRIM  0\t5x', 'TRIM0 5', 'TRIM 0 -5', 'TRIM 0+5', 'TRIM 0 5\0 COUNT']) {
      expect([trim, counted(trim)]).toEqual([trim, false]);
    }
    for (const other of ['TRIM', 'TRIM 12', 'TRIM a 5', ' TRIM 0 5', 'trim 0 5', 'TRIM 0\x005', 'COUNT']) {
      expect([other, counted(other)]).toEqual([other, true]);
    }
  });

  it('trims when the smallest checkpoint of all replicas rises', () => {
    const machine = new CounterMachine(3, { count: 0, instanceId: 300 });
    machine.apply(301, trimValue(0, 100));
    machine.apply(302, trimValue(1, 200));
    expect(machine.takeTrim()).toBeUndefined();
    machine.apply(303, trimValue(2, 300));
    expect(machine.takeTrim()).toBe(100);
    expect(machine.takeTrim()).toBeUndefined();
    machine.apply(304, trimValue(0, 300));
    expect(machine.takeTrim()).toBe(200);
  });

  it('never trims above its own checkpoint on disk, whatever was said of it', () => {
    const machine = new CounterMachine(2, START);
    for (let i = 1; i <= 200; i++) machine.apply(i, COUNT);
    machine.apply(201, trimValue(0, 200));
    machine.apply(202, trimValue(1, 200));
    expect(machine.takeTrim()).toBeUndefined();
    machine.checkpointed(150);
    expect(machine.takeTrim()).toBe(150);
    machine.checkpointed(202);
    expect(machine.takeTrim()).toBe(200);
  });

  it('believes no checkpoint of the future, and none of a replica that does not exist', () => {
    const machine = new CounterMachine(1, { count: 0, instanceId: 10 });
    machine.apply(11, trimValue(0, 12));
    machine.apply(12, trimValue(1, 5));
    machine.apply(13, Buffer.from('TRIM -1 5\0'));
    machine.apply(14, Buffer.from('TRIM 0 99999999999999999999\0'));
    expect(machine.takeTrim()).toBeUndefined();
    expect(machine.state.count).toBe(0);
  });
});
