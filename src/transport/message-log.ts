/**
 * MessageLog: messages as data, for traces, tests and simulators, where they are kept and compared. The nodes
 * themselves go without, and make no object per message.
 */

import type { AcceptorStatus, CommandsMessageHandler, Hello, MessageHandler } from './messages.ts';

type Numbers<Type extends string, Field extends string> = { readonly type: Type } & {
  readonly [F in Field]: number;
};
type WithValue = { readonly value: Uint8Array };

/** A message, discriminated by `type`; its fields are the arguments of the MessageHandler method of that name. */
export type Message =
  | Numbers<'prepare', 'instanceId' | 'ballot'>
  | (Numbers<'promise', 'acceptorId' | 'instanceId' | 'ballot' | 'valueBallot'> & WithValue)
  | (Numbers<'accept', 'instanceId' | 'ballot'> & WithValue)
  | (Numbers<'accepted', 'acceptorId' | 'instanceId' | 'ballot' | 'valueBallot'> & WithValue)
  | Numbers<'preempted', 'acceptorId' | 'instanceId' | 'ballot'>
  | Numbers<'repeat', 'from' | 'to'>
  | Numbers<'trim', 'instanceId'>
  | Numbers<'acceptorState', 'acceptorId' | 'trimInstanceId'>
  | ({ readonly type: 'clientValue' } & WithValue)
  | ({ readonly type: 'hello' } & Hello)
  | (Numbers<'refused', 'code'> & { readonly reason: string })
  | Numbers<'ping' | 'pong' | 'query', 'token'>
  | ({ readonly type: 'status' } & AcceptorStatus)
  | Numbers<'prepareFrom', 'from' | 'to' | 'ballot'>
  | (Numbers<'promisedValue', 'acceptorId' | 'ballot' | 'instanceId' | 'valueBallot'> & WithValue)
  | Numbers<
      'promiseFrom',
      'acceptorId' | 'ballot' | 'from' | 'to' | 'promisedBallot' | 'trimInstanceId' | 'count'
    >
  | Numbers<'heartbeat', 'ballot' | 'chosen' | 'next'>
  | Numbers<'leader', 'acceptorId' | 'ballot' | 'chosen' | 'next'>
  | (Numbers<'forward', 'token' | 'hops'> & WithValue)
  | (Numbers<'forwarded', 'token'> & { readonly chosen: boolean })
  | Numbers<'repair', 'acceptorId' | 'instanceId'>
  | Numbers<'acceptedRange', 'acceptorId' | 'ballot' | 'from' | 'to'>
  | Numbers<'chosen', 'ballot' | 'from' | 'to'>
  | Numbers<'spare', 'ballot'>
  | Numbers<'storageIdentity', 'acceptorId' | 'identity'>
  | (Numbers<'originals', 'acceptorId'> & { readonly areThere: boolean })
  | Numbers<'fetch', 'from' | 'to' | 'bytes'>
  | (Numbers<'chosenValue', 'acceptorId' | 'instanceId' | 'ballot'> & WithValue)
  | Numbers<'fetched', 'acceptorId' | 'from' | 'to' | 'next'>
  | Numbers<'nodeQuery', 'token'>
  | (Numbers<'nodeStatus', 'token'> & { readonly report: string })
  | CommandsMessage
  | Numbers<'unknown', 'unknownType'>;

/** Those of CommandsMessageHandler. */
export type CommandsMessage =
  | Numbers<'confirm', 'ballot' | 'token' | 'leaseMs'>
  | Numbers<'confirmed', 'acceptorId' | 'ballot' | 'token'>
  | Numbers<'readIndex', 'token'>
  | Numbers<'readIndexIs', 'token' | 'next'>
  | (Numbers<'commands', 'session'> & { readonly items: Uint8Array })
  | (Numbers<'results', 'session'> & { readonly results: Uint8Array })
  | (Numbers<'read', 'token' | 'consistency'> & { readonly query: Uint8Array })
  | (Numbers<'readResult', 'token' | 'status'> & { readonly answer: Uint8Array })
  | Numbers<'snapshotAt', 'instanceId' | 'snapshotId' | 'bytes'>
  | Numbers<'fetchSnapshot', 'snapshotId' | 'offset'>
  | (Numbers<'snapshotPiece', 'snapshotId' | 'offset' | 'totalBytes'> & { readonly piece: Uint8Array })
  | Numbers<'sessionOpened', 'nonceHigh' | 'nonceLow' | 'session'>;

/** Collects what a decoder finds. */
export class MessageLog implements MessageHandler {
  readonly commands: CommandsMessageHandler = commandsLog((message) => this.#messages.push(message));
  #messages: Message[] = [];

  get messages(): readonly Message[] {
    return this.#messages;
  }

  /** Hands out what was collected, and begins anew. */
  take(): readonly Message[] {
    const messages = this.#messages;
    this.#messages = [];
    return messages;
  }

  prepare(instanceId: number, ballot: number): void {
    this.#messages.push({ type: 'prepare', instanceId, ballot });
  }

  promise(
    acceptorId: number,
    instanceId: number,
    ballot: number,
    valueBallot: number,
    value: Uint8Array,
  ): void {
    this.#messages.push({ type: 'promise', acceptorId, instanceId, ballot, valueBallot, value });
  }

  accept(instanceId: number, ballot: number, value: Uint8Array): void {
    this.#messages.push({ type: 'accept', instanceId, ballot, value });
  }

  accepted(
    acceptorId: number,
    instanceId: number,
    ballot: number,
    valueBallot: number,
    value: Uint8Array,
  ): void {
    this.#messages.push({ type: 'accepted', acceptorId, instanceId, ballot, valueBallot, value });
  }

  preempted(acceptorId: number, instanceId: number, ballot: number): void {
    this.#messages.push({ type: 'preempted', acceptorId, instanceId, ballot });
  }

  repeat(from: number, to: number): void {
    this.#messages.push({ type: 'repeat', from, to });
  }

  trim(instanceId: number): void {
    this.#messages.push({ type: 'trim', instanceId });
  }

  acceptorState(acceptorId: number, trimInstanceId: number): void {
    this.#messages.push({ type: 'acceptorState', acceptorId, trimInstanceId });
  }

  clientValue(value: Uint8Array): void {
    this.#messages.push({ type: 'clientValue', value });
  }

  hello(hello: Hello): void {
    this.#messages.push({ type: 'hello', ...hello });
  }

  refused(code: number, reason: string): void {
    this.#messages.push({ type: 'refused', code, reason });
  }

  ping(token: number): void {
    this.#messages.push({ type: 'ping', token });
  }

  pong(token: number): void {
    this.#messages.push({ type: 'pong', token });
  }

  query(token: number): void {
    this.#messages.push({ type: 'query', token });
  }

  status(status: AcceptorStatus): void {
    this.#messages.push({ type: 'status', ...status });
  }

  prepareFrom(from: number, to: number, ballot: number): void {
    this.#messages.push({ type: 'prepareFrom', from, to, ballot });
  }

  promisedValue(
    acceptorId: number,
    ballot: number,
    instanceId: number,
    valueBallot: number,
    value: Uint8Array,
  ): void {
    this.#messages.push({ type: 'promisedValue', acceptorId, ballot, instanceId, valueBallot, value });
  }

  promiseFrom(
    acceptorId: number,
    ballot: number,
    from: number,
    to: number,
    promisedBallot: number,
    trimInstanceId: number,
    count: number,
  ): void {
    const promise = { acceptorId, ballot, from, to, promisedBallot, trimInstanceId, count };
    this.#messages.push({ type: 'promiseFrom', ...promise });
  }

  heartbeat(ballot: number, chosen: number, next: number): void {
    this.#messages.push({ type: 'heartbeat', ballot, chosen, next });
  }

  leader(acceptorId: number, ballot: number, chosen: number, next: number): void {
    this.#messages.push({ type: 'leader', acceptorId, ballot, chosen, next });
  }

  forward(token: number, hops: number, value: Uint8Array): void {
    this.#messages.push({ type: 'forward', token, hops, value });
  }

  forwarded(token: number, chosen: boolean): void {
    this.#messages.push({ type: 'forwarded', token, chosen });
  }

  repair(acceptorId: number, instanceId: number): void {
    this.#messages.push({ type: 'repair', acceptorId, instanceId });
  }

  acceptedRange(acceptorId: number, ballot: number, from: number, to: number): void {
    this.#messages.push({ type: 'acceptedRange', acceptorId, ballot, from, to });
  }

  chosen(ballot: number, from: number, to: number): void {
    this.#messages.push({ type: 'chosen', ballot, from, to });
  }

  spare(ballot: number): void {
    this.#messages.push({ type: 'spare', ballot });
  }

  storageIdentity(acceptorId: number, identity: number): void {
    this.#messages.push({ type: 'storageIdentity', acceptorId, identity });
  }

  originals(acceptorId: number, areThere: boolean): void {
    this.#messages.push({ type: 'originals', acceptorId, areThere });
  }

  fetch(from: number, to: number, bytes: number): void {
    this.#messages.push({ type: 'fetch', from, to, bytes });
  }

  chosenValue(acceptorId: number, instanceId: number, ballot: number, value: Uint8Array): void {
    this.#messages.push({ type: 'chosenValue', acceptorId, instanceId, ballot, value });
  }

  fetched(acceptorId: number, from: number, to: number, next: number): void {
    this.#messages.push({ type: 'fetched', acceptorId, from, to, next });
  }

  nodeQuery(token: number): void {
    this.#messages.push({ type: 'nodeQuery', token });
  }

  nodeStatus(token: number, report: string): void {
    this.#messages.push({ type: 'nodeStatus', token, report });
  }

  unknown(type: number): void {
    this.#messages.push({ type: 'unknown', unknownType: type });
  }
}

function commandsLog(push: (message: CommandsMessage) => void): CommandsMessageHandler {
  return {
    confirm: (ballot, token, leaseMs) => push({ type: 'confirm', ballot, token, leaseMs }),
    confirmed: (acceptorId, ballot, token) => push({ type: 'confirmed', acceptorId, ballot, token }),
    readIndex: (token) => push({ type: 'readIndex', token }),
    readIndexIs: (token, next) => push({ type: 'readIndexIs', token, next }),
    commands: (session, items) => push({ type: 'commands', session, items }),
    results: (session, results) => push({ type: 'results', session, results }),
    read: (token, consistency, query) => push({ type: 'read', token, consistency, query }),
    readResult: (token, status, answer) => push({ type: 'readResult', token, status, answer }),
    snapshotAt: (instanceId, snapshotId, bytes) =>
      push({ type: 'snapshotAt', instanceId, snapshotId, bytes }),
    fetchSnapshot: (snapshotId, offset) => push({ type: 'fetchSnapshot', snapshotId, offset }),
    snapshotPiece: (snapshotId, offset, totalBytes, piece) =>
      push({ type: 'snapshotPiece', snapshotId, offset, totalBytes, piece }),
    sessionOpened: (nonceHigh, nonceLow, session) =>
      push({ type: 'sessionOpened', nonceHigh, nonceLow, session }),
  };
}
