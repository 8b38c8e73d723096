/**
 * Events: what happens inside the nodes of a test's cluster, beside the messages.
 */
import { type Body, type Message, shownValue } from './message.ts';

/** What happened inside a node, for whoever judges it. */
export type ClusterEvent =
  | { readonly type: 'sent'; readonly message: Message }
  | { readonly type: 'accepted' | 'silent'; readonly node: string; readonly body: Body; readonly why: string }
  | { readonly type: 'ballot'; readonly node: string; readonly ballot: number }
  | { readonly type: 'preempted'; readonly node: string; readonly ballot: number }
  | {
      readonly type: 'chosen' | 'delivered';
      readonly node: string;
      readonly instanceId: number;
      readonly value: Uint8Array;
    };

/** What happened, on one line, as the traces show it; undefined for what messages show. */
export function shownEvent(event: ClusterEvent): string | undefined {
  switch (event.type) {
    case 'sent':
    case 'accepted':
      return undefined;
    case 'silent':
      return `${event.node} is silent: ${event.why}`;
    case 'ballot':
      return `${event.node} takes ballot ${event.ballot}`;
    case 'preempted':
      return `${event.node} is preempted by ballot ${event.ballot}`;
    case 'chosen':
      return `${event.node} knows its value chosen: i=${event.instanceId} ${shownValue(event.value)}`;
    case 'delivered':
      return `${event.node} delivers i=${event.instanceId} ${shownValue(event.value)}`;
  }
}
