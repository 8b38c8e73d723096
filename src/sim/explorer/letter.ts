/**
 * Letters: messages with a sender and an addressee. What was sent once stays in the network for ever: it may arrive
 * never, late, again, and before what was sent earlier.
 */
import { describeMessage } from '../../transport/describe.ts';
import type { Message } from '../../transport/message-log.ts';

/** An instance's value is told to everybody who learned it, a proposer's own learner among them. */
export interface DeliveredNews {
  readonly type: 'delivered';
  readonly instanceId: number;
  readonly ballot: number;
  readonly value: Uint8Array;
}

/** acceptors: each of them. proposers: each of them. all: every proposer, and the learner. */
export type Addressee =
  | 'acceptors'
  | 'proposers'
  | 'learner'
  | 'all'
  | { readonly proposer: number }
  | { readonly acceptor: number };

export interface Letter {
  readonly from: { readonly proposer: number } | { readonly acceptor: number } | 'learner';
  readonly to: Addressee;
  /** which process of the proposer has the connection: its first is 1. 0: whichever process there is */
  readonly process: number;
  /** true: an ACCEPTED that answers REPEAT, and tells of something that the acceptor never accepted as it says */
  readonly isRetold?: boolean;
  readonly body: Message | DeliveredNews;
}

const decoder = new TextDecoder();

/** Who sent what to whom, on one line; acceptors under other names where `renamed` says so. */
export function describeLetter(letter: Letter, renamed?: readonly number[]): string {
  const { from, to, body } = letter;
  return `${nameOf(from, renamed)}→${nameOf(to, renamed)} ${describeBody(body, renamed)}`;
}

/** A letter's identity: equal ones are one and the same in the network. */
export function letterKey(letter: Letter, renamed?: readonly number[]): string {
  return `${describeLetter(letter, renamed)} #${letter.process}${letter.isRetold === true ? ' retold' : ''}`;
}

function nameOf(end: Letter['from'] | Addressee, renamed: readonly number[] | undefined): string {
  if (typeof end === 'string') return end;
  if ('proposer' in end) return `p${end.proposer}`;
  return `a${renamed?.[end.acceptor] ?? end.acceptor}`;
}

function describeBody(body: Letter['body'], renamed: readonly number[] | undefined): string {
  if (body.type === 'delivered')
    return `delivered i=${body.instanceId} b=${body.ballot} value=${decoder.decode(body.value)}`;
  if (renamed === undefined || !('acceptorId' in body)) return describeMessage(body);
  return describeMessage({ ...body, acceptorId: renamed[body.acceptorId] ?? body.acceptorId });
}
