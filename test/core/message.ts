/**
 * Messages between core objects, as data: what a test holds in flight, loses, repeats and shows. Names and fields are
 * those of the wire; PING, HELLO and the rest of the networked nodes' talk are not needed here.
 */

export type Body =
  | { readonly type: 'prepare'; readonly instanceId: number; readonly ballot: number }
  | {
      readonly type: 'promise' | 'accepted';
      readonly instanceId: number;
      readonly ballot: number;
      readonly valueBallot: number;
      readonly value: Uint8Array;
    }
  | {
      readonly type: 'accept';
      readonly instanceId: number;
      readonly ballot: number;
      readonly value: Uint8Array;
    }
  | { readonly type: 'preempted'; readonly instanceId: number; readonly ballot: number }
  | { readonly type: 'repeat'; readonly first: number; readonly last: number }
  | { readonly type: 'query' }
  | { readonly type: 'status'; readonly highestBallot: number }
  | { readonly type: 'prepare-from'; readonly first: number; readonly last: number; readonly ballot: number }
  | {
      readonly type: 'promised-value';
      readonly ballot: number;
      readonly instanceId: number;
      readonly valueBallot: number;
      readonly value: Uint8Array;
    }
  | {
      readonly type: 'promise-from';
      readonly ballot: number;
      readonly first: number;
      readonly last: number;
      readonly promisedBallot: number;
      readonly count: number;
    };

/** A message on its way. Nodes are named a0, p0, l0, …; an acceptor is always one of the two ends. */
export interface Message {
  readonly from: string;
  readonly to: string;
  /** which process of the end that is not the acceptor has the connection: a restart closes it */
  readonly process: number;
  readonly body: Body;
}

/** What must keep its order on a connection: the pieces of an answer to a ranged prepare. */
export function isPiece(body: Body): boolean {
  return body.type === 'promised-value' || body.type === 'promise-from';
}

const decoder = new TextDecoder();

export function shownValue(value: Uint8Array): string {
  return JSON.stringify(decoder.decode(value));
}

/** A message's body on one line, as the traces show it. */
export function shownBody(body: Body): string {
  switch (body.type) {
    case 'prepare':
    case 'preempted':
      return `${body.type} i=${body.instanceId} b=${body.ballot}`;
    case 'accept':
      return `accept i=${body.instanceId} b=${body.ballot} ${shownValue(body.value)}`;
    case 'promise':
    case 'accepted': {
      const { ballot, valueBallot } = body;
      const value = valueBallot > 0 ? shownValue(body.value) : 'no value';
      const of = valueBallot === 0 || valueBallot === ballot ? '' : `vb=${valueBallot} `;
      return `${body.type} i=${body.instanceId} b=${ballot} ${of}${value}`;
    }
    case 'repeat':
      return `repeat ${body.first}..${body.last}`;
    case 'query':
      return 'query';
    case 'status':
      return `status highest=${body.highestBallot}`;
    case 'prepare-from':
      return `prepare-from ${body.first}..${body.last} b=${body.ballot}`;
    case 'promised-value':
      return `promised-value i=${body.instanceId} b=${body.ballot} vb=${body.valueBallot} ${shownValue(body.value)}`;
    case 'promise-from': {
      const { ballot, first, last, promisedBallot, count } = body;
      if (promisedBallot > ballot) return `promise-from refused b=${ballot} promised=${promisedBallot}`;
      const end = last === Number.MAX_SAFE_INTEGER ? 'end' : last;
      return `promise-from ${first}..${end} b=${ballot} values=${count}`;
    }
  }
}
