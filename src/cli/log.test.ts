import { describe, expect, it } from 'vitest';
import { Lines, quietIo } from '../../test/support/command.ts';
import type { Verbosity } from '../config/index.ts';
import type { NodeEvent } from '../evpaxos/index.ts';
import { PaxosError } from '../paxos/error.ts';
import { Log, logStamp } from './log.ts';

const REMOTE = '127.0.0.1:8801';

function setUp(verbosity: Verbosity = 'info', colours = false) {
  const lines = new Lines();
  const time = { now: 0 };
  const clock = {
    now: () => time.now,
    wallMicros: () => new Date(2026, 10, 3, 4, 5, 6).getTime() * 1000,
    after: () => ({ cancel: () => undefined }),
    endOfTurn: () => undefined,
  };
  const log = new Log({ ...quietIo(), clock, colours, out: (text) => lines.add(text) }, verbosity);
  return { log, lines: lines.all, time };
}

const connecting: NodeEvent = { type: 'connecting', remote: REMOTE };
const refused: NodeEvent = { type: 'disconnected', remote: REMOTE, reason: 'connection refused' };

describe('the log', () => {
  it("writes the time as the original's strftime does", () => {
    expect(logStamp(new Date(2026, 0, 2, 3, 4, 5))).toBe('02 Jan 03:04:05. ');
    expect(logStamp(new Date(2026, 11, 31, 23, 59, 0))).toBe('31 Dec 23:59:00. ');
  });

  it("has the original's lines", () => {
    const { log, lines } = setUp();
    log.report({ type: 'listening', port: 8800 });
    log.report(connecting);
    log.report({ type: 'connected', remote: REMOTE });
    log.report({ type: 'accepted-connection', remote: REMOTE });
    log.report({ type: 'prepare-timeout', instanceId: 7, count: 1 });
    expect(lines.map((line) => line.replace('03 Nov 04:05:06. ', ''))).toEqual([
      'Listening on port 8800',
      'Connect to 127.0.0.1:8801',
      'Connected to 127.0.0.1:8801',
      'Accepted connection from 127.0.0.1:8801',
      'Instance 7 timed out in phase 1.',
    ]);
  });

  it.each([
    ['quiet', 0],
    ['error', 1],
    ['info', 2],
    ['debug', 3],
  ] as const)('says as much as verbosity %s asks for', (verbosity, count) => {
    const { log, lines } = setUp(verbosity);
    log.report({ type: 'warning', text: 'error' });
    log.report({ type: 'listening', port: 1 });
    log.report({ type: 'debug', text: 'debug' });
    expect(lines.length).toBe(count);
  });

  it('leaves the last word to whoever ends the command', () => {
    const { log, lines } = setUp();
    log.report({ type: 'failed', error: new PaxosError('STORAGE_FULL', 'the disk is full') });
    expect(lines).toEqual([]);
  });

  it('tells the same failure to connect ever more rarely', () => {
    const { log, lines, time } = setUp();
    for (time.now = 0; time.now < 120_000; time.now += 2000) {
      log.report(connecting);
      log.report(refused);
    }
    expect(lines.length).toBeLessThanOrEqual(16);
    expect(lines.length).toBeGreaterThanOrEqual(12);
  });

  it('tells a new reason, and a connection that came up and was lost, at once', () => {
    const { log, lines, time } = setUp();
    log.report(connecting);
    log.report(refused);
    time.now = 100;
    log.report(connecting);
    log.report({ type: 'disconnected', remote: REMOTE, reason: 'no route' });
    log.report({ type: 'connected', remote: REMOTE });
    log.report(refused);
    expect(lines.map((line) => line.slice(17))).toEqual([
      'Connect to 127.0.0.1:8801',
      'Connection refused (127.0.0.1:8801)',
      'No route (127.0.0.1:8801)',
      'Connected to 127.0.0.1:8801',
      'Connection refused (127.0.0.1:8801)',
    ]);
  });

  it('has colours only where they are wanted', () => {
    const plain = setUp();
    plain.log.report({ type: 'warning', text: 'x' });
    expect(plain.lines.join('')).not.toContain('\x1b');
    const coloured = setUp('info', true);
    coloured.log.report({ type: 'warning', text: 'x' });
    expect(coloured.lines.join('')).toContain('\x1b[33mx');
  });
});
