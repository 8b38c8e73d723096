/**
 * Renamings: the permutations of acceptors under which a configuration stays as it is. Acceptors that are asked alike
 * are interchangeable; proposers are not, since their ids decide whose ballot is the higher one, and so are neither
 * their values.
 */
import type { Configuration } from './configuration.ts';
import { isRanged } from './limits.ts';

export interface Renaming {
  /** by position, the acceptor that is written there */
  readonly order: readonly number[];
  /** by acceptor, its new name */
  readonly renamed: readonly number[];
}

/** Every renaming, the one that changes nothing first; that one alone without symmetry. */
export function renamingsOf(configuration: Configuration, symmetry: boolean): Renaming[] {
  const ids = Array.from({ length: configuration.acceptors }, (_, acceptor) => acceptor);
  const orders = symmetry ? permutations(ids) : [ids];
  return orders
    .filter((order) =>
      order.every((acceptor, at) => isRanged(configuration, acceptor) === isRanged(configuration, at)),
    )
    .map((order) => ({ order, renamed: ids.map((acceptor) => order.indexOf(acceptor)) }));
}

/** In lexical order, so that the first is the sorted one. */
function permutations(ids: readonly number[]): number[][] {
  if (ids.length === 0) return [[]];
  return ids.flatMap((first) =>
    permutations(ids.filter((id) => id !== first)).map((rest) => [first, ...rest]),
  );
}
