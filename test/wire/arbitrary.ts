/** Any message that a node may send, for properties. */

import fc from 'fast-check';
import { MAX_ACCEPTORS } from '../../src/paxos/ballot.ts';
import type { Message } from '../../src/transport/message-log.ts';

/** Numbers around the borders of msgpack's widths, besides any others. */
function uint(min: number, max: number): fc.Arbitrary<number> {
  const borders = [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 0xffff_ffff, 2 ** 32, 2 ** 53 - 1];
  const near = borders.filter((border) => border >= min && border <= max);
  return fc.oneof(fc.constantFrom(...near), fc.integer({ min, max }));
}

const MAX_UINT32 = 0xffff_ffff;
const uint32 = uint(0, MAX_UINT32);
const instance32 = uint(1, MAX_UINT32);
const uint53 = uint(0, Number.MAX_SAFE_INTEGER);
const instance53 = uint(1, Number.MAX_SAFE_INTEGER);
const node = fc.integer({ min: 0, max: MAX_ACCEPTORS - 1 });
const value = fc.oneof(
  fc.uint8Array({ maxLength: 100 }),
  fc.constantFrom(0, 255, 256, 65_535, 65_536).map((length) => new Uint8Array(length).fill(7)),
);
const text = (maxLength: number) => fc.string({ maxLength });

/** Plain objects, as a decoder makes them. */
function record<Fields>(
  model: { [Field in keyof Fields]: fc.Arbitrary<Fields[Field]> },
): fc.Arbitrary<Fields> {
  return fc.record(model, { noNullPrototype: true });
}

function type<Type extends string>(name: Type): fc.Arbitrary<Type> {
  return fc.constant(name);
}

/** One of each message, with any fields. */
export const message: fc.Arbitrary<Message> = fc.oneof(
  record({ type: type('prepare'), instanceId: instance32, ballot: uint32 }),
  record({
    type: fc.constantFrom('promise' as const, 'accepted' as const),
    acceptorId: node,
    instanceId: instance32,
    ballot: uint32,
    valueBallot: uint32,
    value,
  }),
  record({ type: type('accept'), instanceId: instance32, ballot: uint32, value }),
  record({ type: type('preempted'), acceptorId: node, instanceId: instance32, ballot: uint32 }),
  record({ type: type('repeat'), from: uint32, to: uint32 }),
  record({ type: type('trim'), instanceId: uint32 }),
  record({ type: type('acceptorState'), acceptorId: node, trimInstanceId: uint32 }),
  record({ type: type('clientValue'), value }),
  record({
    type: type('hello'),
    version: instance32,
    roles: uint32,
    id: node,
    process: instance32,
    capabilities: uint32,
    fingerprint: uint32,
    software: text(64),
    storage: uint53,
  }),
  record({ type: type('refused'), code: uint32, reason: text(256) }),
  record({ type: fc.constantFrom('ping' as const, 'pong' as const, 'query' as const), token: uint53 }),
  record({
    type: type('status'),
    acceptorId: node,
    token: uint53,
    highestBallot: uint53,
    highestAccepted: uint53,
    trimInstanceId: uint53,
    chosen: uint53,
    leaderBallot: uint53,
  }),
  record({ type: type('prepareFrom'), from: instance53, to: instance53, ballot: uint53 }),
  record({
    type: type('promisedValue'),
    acceptorId: node,
    ballot: uint53,
    instanceId: instance53,
    valueBallot: uint53,
    value,
  }),
  record({
    type: type('promiseFrom'),
    acceptorId: node,
    ballot: uint53,
    from: instance53,
    to: instance53,
    promisedBallot: uint53,
    trimInstanceId: uint53,
    count: uint53,
  }),
  record({ type: type('heartbeat'), ballot: uint53, chosen: uint53, next: instance53 }),
  record({ type: type('leader'), acceptorId: node, ballot: uint53, chosen: uint53, next: instance53 }),
  record({ type: type('forward'), token: uint53, hops: uint53, value }),
  record({ type: type('forwarded'), token: uint53, chosen: fc.boolean() }),
  record({ type: type('repair'), acceptorId: node, instanceId: instance53 }),
  record({ type: type('acceptedRange'), acceptorId: node, ballot: uint53, from: instance53, to: instance53 }),
  record({ type: type('chosen'), ballot: uint53, from: instance53, to: instance53 }),
  record({ type: type('spare'), ballot: uint53 }),
  record({ type: type('storageIdentity'), acceptorId: node, identity: uint53 }),
  record({ type: type('originals'), acceptorId: node, areThere: fc.boolean() }),
  record({ type: type('fetch'), from: instance53, to: uint53, bytes: uint53 }),
  record({ type: type('chosenValue'), acceptorId: node, instanceId: instance53, ballot: uint53, value }),
  record({ type: type('fetched'), acceptorId: node, from: instance53, to: uint53, next: instance53 }),
  record({ type: type('nodeQuery'), token: uint53 }),
  record({ type: type('nodeStatus'), token: uint53, report: text(1000) }),
  record({ type: type('confirm'), ballot: uint53, token: uint53, leaseMs: uint53 }),
  record({ type: type('confirmed'), acceptorId: node, ballot: uint53, token: uint53 }),
  record({ type: type('readIndex'), token: uint53 }),
  record({ type: type('readIndexIs'), token: uint53, next: uint53 }),
  record({ type: type('commands'), session: uint53, items: value }),
  record({ type: type('results'), session: uint53, results: value }),
  record({ type: type('read'), token: uint53, consistency: fc.nat({ max: 1 }), query: value }),
  record({ type: type('readResult'), token: uint53, status: fc.nat({ max: 2 }), answer: value }),
  record({ type: type('snapshotAt'), instanceId: instance53, snapshotId: uint53, bytes: uint53 }),
  record({ type: type('fetchSnapshot'), snapshotId: uint53, offset: uint53 }),
  record({ type: type('snapshotPiece'), snapshotId: uint53, offset: uint53, totalBytes: uint53, piece: value }),
  record({ type: type('sessionOpened'), nonceHigh: uint32, nonceLow: uint32, session: uint53 }),
);
