/**
 * States: what the machines of a cluster would put into a snapshot, compared byte for byte.
 */

import type { StateMachine } from '../statemachine/index.ts';
import { chunksOf, gather } from '../statemachine/snapshot-reader.ts';

/** How much is shown around a difference. */
const SHOWN_BYTES = 24;

/** What a machine would put into a snapshot. */
export function stateOf(machine: Pick<StateMachine<never, unknown>, 'snapshot'>): Promise<Uint8Array> {
  return gather(chunksOf(machine.snapshot()));
}

/** Where two states differ first, in a sentence; undefined: nowhere. */
export function differenceOf(one: Uint8Array, other: Uint8Array): string | undefined {
  const length = Math.max(one.length, other.length);
  let at = 0;
  while (at < length && one[at] === other[at]) at++;
  if (at === length) return undefined;
  return `from byte ${at} on, ${shown(one, at)} and ${shown(other, at)}`;
}

function shown(state: Uint8Array, at: number): string {
  const from = Math.max(0, at - SHOWN_BYTES / 2);
  const text = Buffer.from(state.subarray(from, at + SHOWN_BYTES / 2)).toString('latin1');
  const before = from === 0 ? '' : '…';
  const after = at + SHOWN_BYTES / 2 >= state.length ? '' : '…';
  return `"${before}${text.replaceAll(/[^\x20-\x7e]/g, '.')}${after}"`;
}
