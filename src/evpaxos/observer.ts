/**
 * Observer: where a node tells what happens to it. The logic returns outcomes and reports events; who turns them into
 * log lines, metrics or a screen is not its business.
 */
import type { PaxosError } from '../paxos/error.ts';

export type NodeEvent =
  | { readonly type: 'listening'; readonly port: number }
  | { readonly type: 'connecting'; readonly remote: string }
  | { readonly type: 'connected'; readonly remote: string }
  | { readonly type: 'disconnected'; readonly remote: string; readonly reason: string }
  | { readonly type: 'accepted-connection'; readonly remote: string }
  /** a peer sent what no node sends; its connection was closed */
  | { readonly type: 'bad-input'; readonly remote: string; readonly reason: string }
  /** a connection was closed by one of the two ends for a stated reason */
  | { readonly type: 'refused'; readonly remote: string; readonly reason: string; readonly byUs: boolean }
  /** broadcasts to a peer that does not read are dropped from now on, or reach it again */
  | { readonly type: 'slow-peer'; readonly remote: string; readonly waitingBytes: number }
  | { readonly type: 'peer-reads-again'; readonly remote: string; readonly droppedMessages: number }
  | { readonly type: 'prepare-timeout'; readonly instanceId: number; readonly count: number }
  | { readonly type: 'accept-timeout'; readonly instanceId: number; readonly count: number }
  /** this node leads, at a ballot, from an instance on */
  | { readonly type: 'leading'; readonly ballot: number; readonly from: number }
  /** this node gave up leading; `reason` is a sentence */
  | { readonly type: 'stepped-down'; readonly ballot: number; readonly reason: string }
  | { readonly type: 'following'; readonly proposerId: number; readonly ballot: number }
  /** values wait because no proposer can be reached */
  | { readonly type: 'no-proposer' }
  /** a client's proposer is away, or is none: values go to another */
  | {
      readonly type: 'other-proposer';
      readonly asked: number;
      readonly remote: string;
      readonly reason: string;
    }
  | { readonly type: 'value-refused'; readonly remote: string; readonly reason: string }
  | {
      readonly type: 'trim-refused';
      readonly remote: string;
      readonly instanceId: number;
      readonly highest: number;
    }
  | { readonly type: 'trimmed'; readonly instanceId: number }
  /**
   * a learner needs instances from `instanceId` on, and no quorum has those up to `trimInstanceId` any more. Call
   * setInstanceId while this is reported, with a checkpoint's instance at or above the trim point, and it goes on;
   * otherwise the node ends with BEHIND_TRIM.
   */
  | { readonly type: 'behind-trim'; readonly instanceId: number; readonly trimInstanceId: number }
  /** a learner cannot go on: an acceptor has trimmed what it needs, and too few of the others answer to know more */
  | { readonly type: 'trim-in-doubt'; readonly instanceId: number; readonly trimInstanceId: number }
  /** this acceptor was told that it had another storage: it has forgotten what it promised, and votes no more */
  | { readonly type: 'storage-replaced'; readonly acceptorId: number }
  | { readonly type: 'caught-up'; readonly instanceId: number }
  /** a learner that is behind asks one acceptor, from an instance on, or has done with it */
  | { readonly type: 'fetching'; readonly remote: string; readonly instanceId: number }
  | { readonly type: 'source-replaced'; readonly remote: string; readonly reason: string }
  /** no acceptor has learned what a learner misses: it asks all what they accepted */
  | { readonly type: 'counting'; readonly instanceId: number }
  /** what a restart means with this storage: said once, at start */
  | { readonly type: 'durability'; readonly sentence: string }
  | { readonly type: 'warning'; readonly text: string }
  | { readonly type: 'failed'; readonly error: PaxosError }
  | { readonly type: 'debug'; readonly text: string };

export interface Observer {
  report(event: NodeEvent): void;
}

/** Tells nobody. */
export const SILENT: Observer = { report: () => undefined };

export type LogLevel = 'error' | 'info' | 'debug';

const LEVELS: Readonly<Record<NodeEvent['type'], LogLevel>> = {
  listening: 'info',
  connecting: 'info',
  connected: 'info',
  disconnected: 'error',
  'accepted-connection': 'info',
  'bad-input': 'error',
  refused: 'error',
  'slow-peer': 'error',
  'peer-reads-again': 'info',
  'prepare-timeout': 'info',
  'accept-timeout': 'info',
  leading: 'info',
  'stepped-down': 'info',
  following: 'info',
  'no-proposer': 'error',
  'other-proposer': 'info',
  'value-refused': 'error',
  'trim-refused': 'error',
  trimmed: 'info',
  'behind-trim': 'error',
  'trim-in-doubt': 'error',
  'storage-replaced': 'error',
  'caught-up': 'debug',
  fetching: 'debug',
  'source-replaced': 'debug',
  counting: 'debug',
  durability: 'info',
  warning: 'error',
  failed: 'error',
  debug: 'debug',
};

/** An event as one line of a log: the original's words where the original has a line for it. */
export function describeEvent(event: NodeEvent): { readonly level: LogLevel; readonly text: string } {
  return { level: LEVELS[event.type], text: textOf(event) };
}

function textOf(event: NodeEvent): string {
  switch (event.type) {
    case 'listening':
      return `Listening on port ${event.port}`;
    case 'connecting':
      return `Connect to ${event.remote}`;
    case 'connected':
      return `Connected to ${event.remote}`;
    case 'disconnected':
      return `${capitalized(event.reason)} (${event.remote})`;
    case 'accepted-connection':
      return `Accepted connection from ${event.remote}`;
    case 'prepare-timeout':
      return timeoutText(event.instanceId, event.count, 1);
    case 'accept-timeout':
      return timeoutText(event.instanceId, event.count, 2);
    case 'leading':
      return `Leading from instance ${event.from} on, with ballot ${event.ballot}`;
    case 'stepped-down':
      return `Gave up leading with ballot ${event.ballot}: ${event.reason}`;
    case 'following':
      return `Following proposer ${event.proposerId}, which leads with ballot ${event.ballot}`;
    case 'trimmed':
      return `Trimmed up to instance ${event.instanceId}`;
    case 'caught-up':
      return `Caught up at instance ${event.instanceId}`;
    case 'fetching':
      return `Fetching from instance ${event.instanceId} on from ${event.remote}`;
    case 'source-replaced':
      return `No more fetching from ${event.remote}: it ${event.reason}`;
    case 'counting':
      return `Nobody has learned instance ${event.instanceId}: asking all acceptors what they accepted`;
    case 'durability':
      return event.sentence;
    case 'failed':
      return event.error.message;
    case 'warning':
    case 'debug':
      return event.text;
    default:
      return textOfTrouble(event);
  }
}

type Trouble =
  | 'bad-input'
  | 'refused'
  | 'slow-peer'
  | 'peer-reads-again'
  | 'no-proposer'
  | 'other-proposer'
  | 'value-refused'
  | 'trim-refused'
  | 'behind-trim'
  | 'trim-in-doubt'
  | 'storage-replaced';

/** What somebody has to hear of, because something is not as it should be. */
function textOfTrouble(event: Extract<NodeEvent, { readonly type: Trouble }>): string {
  switch (event.type) {
    case 'bad-input':
      return `Closed the connection with ${event.remote}: it sent ${event.reason}`;
    case 'refused':
      return event.byUs
        ? `Refused ${event.remote}: ${event.reason}`
        : `${event.remote} refuses us: ${event.reason}`;
    case 'slow-peer':
      return `${event.remote} does not read (${event.waitingBytes} bytes wait): broadcasts to it are dropped until it does`;
    case 'peer-reads-again':
      return `${event.remote} reads again; it missed ${event.droppedMessages} messages`;
    case 'no-proposer':
      return 'Values wait, and no proposer is connected: start a proposer or a replica';
    case 'other-proposer':
      return `Proposer ${event.asked} ${event.reason}; values go to the proposer at ${event.remote}`;
    case 'value-refused':
      return `Refused a value from ${event.remote}: ${event.reason}`;
    case 'trim-refused':
      return `Refused to trim up to ${event.instanceId} for ${event.remote}: the highest accepted instance is ${event.highest}`;
    case 'behind-trim':
      return `Instances ${event.instanceId} to ${event.trimInstanceId} were trimmed; start from a checkpoint at or above ${event.trimInstanceId}`;
    case 'trim-in-doubt':
      return `Instance ${event.instanceId} cannot be learned: an acceptor trimmed up to ${event.trimInstanceId}, and too few of the others answer; start them, or go on from a checkpoint at or above ${event.trimInstanceId}`;
    case 'storage-replaced':
      return `The cluster knows acceptor ${event.acceptorId} with another storage: this one is new, and has forgotten what was promised; the acceptor is silent from now on. Stop it and put its old data directory back`;
  }
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function timeoutText(instanceId: number, count: number, phase: number): string {
  const more = count > 1 ? ` (and ${count - 1} more)` : '';
  return `Instance ${instanceId} timed out in phase ${phase}.${more}`;
}
