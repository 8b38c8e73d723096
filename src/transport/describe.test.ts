import { describe, expect, it } from 'vitest';
import { InvariantError } from '../paxos/invariant.ts';
import { ByteBuffer } from './buffer.ts';
import { describeMessage, encodeMessage } from './describe.ts';
import type { Message } from './message-log.ts';

const value = new TextEncoder().encode('x=1');

describe('describeMessage', () => {
  it.each<[Message, string]>([
    [{ type: 'prepare', instanceId: 1, ballot: 10 }, 'prepare i=1 b=10'],
    [
      { type: 'promise', acceptorId: 0, instanceId: 1, ballot: 20, valueBallot: 10, value },
      'promise a0 i=1 b=20 vb=10 value=x=1',
    ],
    [{ type: 'accept', instanceId: 1, ballot: 10, value }, 'accept i=1 b=10 value=x=1'],
    [
      { type: 'accepted', acceptorId: 0, instanceId: 1, ballot: 10, valueBallot: 10, value },
      'accepted a0 i=1 b=10 vb=10 value=x=1',
    ],
    [{ type: 'preempted', acceptorId: 2, instanceId: 1, ballot: 21 }, 'preempted a2 i=1 b=21'],
    [{ type: 'repeat', from: 1, to: 11 }, 'repeat i=1..11'],
    [{ type: 'trim', instanceId: 100 }, 'trim i=100'],
    [{ type: 'acceptorState', acceptorId: 1, trimInstanceId: 100 }, 'acceptor-state a1 trim=100'],
    [{ type: 'clientValue', value }, 'client-value value=x=1'],
    [
      {
        type: 'hello',
        version: 1,
        roles: 7,
        id: 2,
        process: 9,
        capabilities: 3,
        fingerprint: 0xbeef,
        software: 'libpaxos 0.1',
        storage: 0x77,
      },
      'hello version=1 acceptor+proposer+learner id=2 process=9 capabilities=0x3 fingerprint=0xbeef "libpaxos 0.1" storage=0x77',
    ],
    [{ type: 'refused', code: 1, reason: 'another cluster' }, 'refused code=1 "another cluster"'],
    [{ type: 'ping', token: 7 }, 'ping token=7'],
    [{ type: 'pong', token: 7 }, 'pong token=7'],
    [{ type: 'query', token: 7 }, 'query token=7'],
    [
      {
        type: 'status',
        acceptorId: 1,
        token: 7,
        highestBallot: 21,
        highestAccepted: 9,
        trimInstanceId: 3,
        chosen: 8,
        leaderBallot: 0,
      },
      'status a1 token=7 highest-ballot=21 highest-accepted=9 trim=3 chosen=8 leader=0',
    ],
    [{ type: 'prepareFrom', from: 5, to: 9, ballot: 10 }, 'prepare-from i=5..9 b=10'],
    [{ type: 'prepareFrom', from: 5, to: Number.MAX_SAFE_INTEGER, ballot: 10 }, 'prepare-from i=5.. b=10'],
    [
      { type: 'promisedValue', acceptorId: 1, ballot: 20, instanceId: 6, valueBallot: 10, value },
      'promised-value a1 i=6 b=20 vb=10 value=x=1',
    ],
    [
      {
        type: 'promiseFrom',
        acceptorId: 1,
        ballot: 20,
        from: 5,
        to: 9,
        promisedBallot: 20,
        trimInstanceId: 3,
        count: 1,
      },
      'promise-from a1 i=5..9 b=20 promised=20 trim=3 count=1',
    ],
    [{ type: 'heartbeat', ballot: 10, chosen: 6, next: 8 }, 'heartbeat b=10 chosen=6 next=8'],
    [{ type: 'leader', acceptorId: 0, ballot: 10, chosen: 6, next: 8 }, 'leader a0 b=10 chosen=6 next=8'],
    [{ type: 'forward', token: 1, hops: 0, value }, 'forward token=1 hops=0 value=x=1'],
    [{ type: 'forwarded', token: 1, chosen: true }, 'forwarded token=1 chosen'],
    [{ type: 'forwarded', token: 1, chosen: false }, 'forwarded token=1 returned'],
    [{ type: 'confirm', ballot: 21, token: 3, leaseMs: 500 }, 'confirm b=21 token=3 lease=500'],
    [{ type: 'read', token: 7, consistency: 1, query: value }, 'read token=7 local query=x=1'],
    [
      { type: 'readResult', token: 7, status: 2, answer: new Uint8Array(0) },
      'read-result token=7 unavailable answer=-',
    ],
    [{ type: 'unknown', unknownType: -1 }, 'unknown type=-1'],
  ])('%o', (message, line) => {
    expect(describeMessage(message)).toBe(line);
  });

  it('shows a value as the word it is, as hex, or as none, and cuts a long one', () => {
    const shown = (bytes: Uint8Array) => describeMessage({ type: 'clientValue', value: bytes }).slice(13);
    expect(shown(new Uint8Array(0))).toBe('value=-');
    expect(shown(Uint8Array.of(0x43, 0x4f, 0))).toBe('value=0x434f00');
    expect(shown(Uint8Array.of(0x20))).toBe('value=0x20');
    expect(shown(new Uint8Array(64))).toBe(`value=0x${'00'.repeat(24)}…(64)`);
    expect(shown(new Uint8Array(25).fill(0x61))).toBe(`value=${'a'.repeat(24)}…(25)`);
  });
});

describe('encodeMessage', () => {
  it('refuses a message whose bytes are not known', () => {
    expect(() => encodeMessage(new ByteBuffer(), { type: 'unknown', unknownType: 9 })).toThrow(
      InvariantError,
    );
  });
});
