/**
 * Messages as a simulation sees them: which of them it may lose, double or swap, and what they tell of the core.
 */
import type { Message } from '../transport/message-log.ts';

/** Messages that the protocol can do without: it asks again. The others are lost only with their connection. */
export const EXPENDABLE: ReadonlySet<Message['type']> = new Set([
  'prepare',
  'promise',
  'accept',
  'accepted',
  'acceptedRange',
  'chosen',
  'preempted',
  'repeat',
  'trim',
  'acceptorState',
  'query',
  'status',
  'prepareFrom',
  'promisedValue',
  'promiseFrom',
  'heartbeat',
  'leader',
  'fetch',
  'chosenValue',
  'fetched',
  'nodeQuery',
  'nodeStatus',
  'confirm',
  'confirmed',
  'readIndex',
  'readIndexIs',
  'fetchSnapshot',
  'snapshotPiece',
]);

/** Messages that may come twice: those, and commands, which are applied once however often they come. */
export const REPEATABLE: ReadonlySet<Message['type']> = new Set([...EXPENDABLE, 'commands']);

/** What a message says of the core's outcome that it came of. */
export function outcomeOf(message: Message): string {
  if (message.type === 'forwarded') return `forwarded: ${message.chosen ? 'chosen' : 'returned'}`;
  if (message.type === 'promiseFrom' && message.promisedBallot > message.ballot)
    return 'promiseFrom: refused';
  if (message.type === 'snapshotPiece' && message.totalBytes === 0) return 'snapshotPiece: refused';
  if (message.type === 'readIndexIs' && message.next === 0) return 'readIndexIs: refused';
  return message.type;
}
