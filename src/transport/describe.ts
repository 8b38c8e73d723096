/**
 * Messages as data, shown to people and encoded again.
 *
 *   bytes → Decoder → MessageLog → Message → describeMessage → `accepted a0 i=1 b=10 vb=10 value=x`
 *                                          → encodeMessage   → the same bytes
 */

import { invariant } from '../paxos/invariant.ts';
import type { ByteBuffer } from './buffer.ts';
import { describeBytes, describeCommandsMessage, encodeCommandsMessage } from './describe-commands.ts';
import * as encode from './encode.ts';
import type { CommandsMessage, Message } from './message-log.ts';
import { type AcceptorStatus, type Hello, Role } from './messages.ts';

/** A message in one line, for people and for traces. */
export function describeMessage(m: Message): string {
  switch (m.type) {
    case 'prepare':
      return `prepare i=${m.instanceId} b=${m.ballot}`;
    case 'promise':
    case 'accepted':
      return `${m.type} a${m.acceptorId} i=${m.instanceId} b=${m.ballot} vb=${m.valueBallot} ${value(m)}`;
    case 'accept':
      return `accept i=${m.instanceId} b=${m.ballot} ${value(m)}`;
    case 'preempted':
      return `preempted a${m.acceptorId} i=${m.instanceId} b=${m.ballot}`;
    case 'repeat':
      return `repeat i=${range(m)}`;
    case 'trim':
      return `trim i=${m.instanceId}`;
    case 'acceptorState':
      return `acceptor-state a${m.acceptorId} trim=${m.trimInstanceId}`;
    case 'clientValue':
      return `client-value ${value(m)}`;
    default:
      return describeExtension(m);
  }
}

function describeExtension(m: Extension): string {
  switch (m.type) {
    case 'hello':
      return describeHello(m);
    case 'refused':
      return `refused code=${m.code} ${JSON.stringify(m.reason)}`;
    case 'ping':
    case 'pong':
    case 'query':
      return `${m.type} token=${m.token}`;
    case 'status':
      return describeStatus(m);
    case 'prepareFrom':
      return `prepare-from i=${range(m)} b=${m.ballot}`;
    case 'promisedValue':
      return `promised-value a${m.acceptorId} i=${m.instanceId} b=${m.ballot} vb=${m.valueBallot} ${value(m)}`;
    case 'promiseFrom': {
      const promised = `promised=${m.promisedBallot} trim=${m.trimInstanceId} count=${m.count}`;
      return `promise-from a${m.acceptorId} i=${range(m)} b=${m.ballot} ${promised}`;
    }
    case 'heartbeat':
      return `heartbeat b=${m.ballot} chosen=${m.chosen} next=${m.next}`;
    case 'leader':
      return `leader a${m.acceptorId} b=${m.ballot} chosen=${m.chosen} next=${m.next}`;
    case 'forward':
      return `forward token=${m.token} hops=${m.hops} ${value(m)}`;
    case 'forwarded':
      return `forwarded token=${m.token} ${m.chosen ? 'chosen' : 'returned'}`;
    case 'repair':
      return `repair a${m.acceptorId} i=${m.instanceId}`;
    case 'storageIdentity':
      return `storage-identity a${m.acceptorId} ${hex(m.identity)}`;
    case 'originals':
      return `originals a${m.acceptorId} ${m.areThere ? 'some' : 'none'}`;
    case 'unknown':
      return `unknown type=${m.unknownType}`;
    default:
      return describeLearning(m);
  }
}

/** How nodes of ours tell each other what is accepted, and chosen, and how they are. */
type Learning =
  | 'acceptedRange'
  | 'chosen'
  | 'spare'
  | 'fetch'
  | 'chosenValue'
  | 'fetched'
  | 'nodeQuery'
  | 'nodeStatus';

function describeLearning(m: Extract<Message, { readonly type: Learning }> | CommandsMessage): string {
  switch (m.type) {
    case 'acceptedRange':
      return `accepted-range a${m.acceptorId} i=${range(m)} b=${m.ballot}`;
    case 'chosen':
      return `chosen i=${range(m)} b=${m.ballot}`;
    case 'spare':
      return `spare b=${m.ballot}`;
    case 'fetch':
      return `fetch i=${range(m)} bytes=${m.bytes}`;
    case 'chosenValue':
      return `chosen-value a${m.acceptorId} i=${m.instanceId} b=${m.ballot} ${value(m)}`;
    case 'fetched':
      return `fetched a${m.acceptorId} i=${range(m)} next=${m.next}`;
    case 'nodeQuery':
      return `node-query token=${m.token}`;
    case 'nodeStatus':
      return `node-status token=${m.token} ${m.report}`;
    default:
      return describeCommandsMessage(m);
  }
}

function describeHello(hello: Hello): string {
  const roles = Object.entries(Role)
    .filter(([, bit]) => (hello.roles & bit) !== 0)
    .map(([name]) => name);
  const node = `version=${hello.version} ${roles.join('+')} id=${hello.id} process=${hello.process}`;
  const cluster = `capabilities=${hex(hello.capabilities)} fingerprint=${hex(hello.fingerprint)}`;
  return `hello ${node} ${cluster} ${JSON.stringify(hello.software)} storage=${hex(hello.storage)}`;
}

function describeStatus(status: AcceptorStatus): string {
  const asked = `status a${status.acceptorId} token=${status.token}`;
  const highest = `highest-ballot=${status.highestBallot} highest-accepted=${status.highestAccepted}`;
  const known = `trim=${status.trimInstanceId} chosen=${status.chosen} leader=${status.leaderBallot}`;
  return `${asked} ${highest} ${known}`;
}

/** `5..9`, or `5..` where there is no end. */
function range({ from, to }: { readonly from: number; readonly to: number }): string {
  return to === Number.MAX_SAFE_INTEGER ? `${from}..` : `${from}..${to}`;
}

/** `value=` and the value. */
function value(message: { readonly value: Uint8Array }): string {
  return `value=${describeBytes(message.value)}`;
}

function hex(bits: number): string {
  return `0x${bits.toString(16)}`;
}

/**
 * Appends the bytes of a message; `unknown` has none that are known here.
 * @throws InvariantError if a field is out of its range
 */
export function encodeMessage(out: ByteBuffer, m: Message): void {
  switch (m.type) {
    case 'prepare':
      encode.encodePrepare(out, m.instanceId, m.ballot);
      break;
    case 'promise':
      encode.encodePromise(out, m.acceptorId, m.instanceId, m.ballot, m.valueBallot, m.value);
      break;
    case 'accept':
      encode.encodeAccept(out, m.instanceId, m.ballot, m.value);
      break;
    case 'accepted':
      encode.encodeAccepted(out, m.acceptorId, m.instanceId, m.ballot, m.valueBallot, m.value);
      break;
    case 'preempted':
      encode.encodePreempted(out, m.acceptorId, m.instanceId, m.ballot);
      break;
    case 'repeat':
      encode.encodeRepeat(out, m.from, m.to);
      break;
    case 'trim':
      encode.encodeTrim(out, m.instanceId);
      break;
    case 'acceptorState':
      encode.encodeAcceptorState(out, m.acceptorId, m.trimInstanceId);
      break;
    case 'clientValue':
      encode.encodeClientValue(out, m.value);
      break;
    default:
      encodeExtension(out, m);
  }
}

const WITH_TOKEN = { ping: encode.encodePing, pong: encode.encodePong, query: encode.encodeQuery };

type Original =
  | 'prepare'
  | 'promise'
  | 'accept'
  | 'accepted'
  | 'preempted'
  | 'repeat'
  | 'trim'
  | 'acceptorState'
  | 'clientValue';

/** What only nodes of ours send. */
type Extension = Exclude<Message, { readonly type: Original }>;

function encodeExtension(out: ByteBuffer, m: Extension): void {
  switch (m.type) {
    case 'hello':
      encode.encodeHello(out, m);
      break;
    case 'refused':
      encode.encodeRefused(out, m.code, m.reason);
      break;
    case 'ping':
    case 'pong':
    case 'query':
      WITH_TOKEN[m.type](out, m.token);
      break;
    case 'status':
      encode.encodeStatus(out, m);
      break;
    case 'prepareFrom':
      encode.encodePrepareFrom(out, m.from, m.to, m.ballot);
      break;
    case 'promisedValue':
      encode.encodePromisedValue(out, m.acceptorId, m.ballot, m.instanceId, m.valueBallot, m.value);
      break;
    case 'promiseFrom': {
      const { acceptorId, ballot, from, to, promisedBallot, trimInstanceId, count } = m;
      encode.encodePromiseFrom(out, acceptorId, ballot, from, to, promisedBallot, trimInstanceId, count);
      break;
    }
    case 'heartbeat':
      encode.encodeHeartbeat(out, m.ballot, m.chosen, m.next);
      break;
    case 'leader':
      encode.encodeLeader(out, m.acceptorId, m.ballot, m.chosen, m.next);
      break;
    case 'forward':
      encode.encodeForward(out, m.token, m.hops, m.value);
      break;
    case 'forwarded':
      encode.encodeForwarded(out, m.token, m.chosen);
      break;
    case 'repair':
      encode.encodeRepair(out, m.acceptorId, m.instanceId);
      break;
    case 'storageIdentity':
      encode.encodeStorageIdentity(out, m.acceptorId, m.identity);
      break;
    case 'originals':
      encode.encodeOriginals(out, m.acceptorId, m.areThere);
      break;
    case 'unknown':
      invariant(false, 'an unknown message is not encoded');
      break;
    default:
      encodeLearning(out, m);
  }
}

function encodeLearning(
  out: ByteBuffer,
  m: Extract<Message, { readonly type: Learning }> | CommandsMessage,
): void {
  switch (m.type) {
    case 'acceptedRange':
      encode.encodeAcceptedRange(out, m.acceptorId, m.ballot, m.from, m.to);
      break;
    case 'chosen':
      encode.encodeChosen(out, m.ballot, m.from, m.to);
      break;
    case 'spare':
      encode.encodeSpare(out, m.ballot);
      break;
    case 'fetch':
      encode.encodeFetch(out, m.from, m.to, m.bytes);
      break;
    case 'chosenValue':
      encode.encodeChosenValue(out, m.acceptorId, m.instanceId, m.ballot, m.value);
      break;
    case 'fetched':
      encode.encodeFetched(out, m.acceptorId, m.from, m.to, m.next);
      break;
    case 'nodeQuery':
      encode.encodeNodeQuery(out, m.token);
      break;
    case 'nodeStatus':
      encode.encodeNodeStatus(out, m.token, m.report);
      break;
    default:
      encodeCommandsMessage(out, m);
  }
}
