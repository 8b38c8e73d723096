/**
 * ByBytes: values that were given to an original proposer, known by their bytes, which are all that it leaves us to know
 * them by when they are learned. Equal bytes are taken for the one that was given first.
 */
import type { Peer } from './peer.ts';

/** Who has a value, and under which token it was given. */
interface Given {
  readonly peer: Peer;
  readonly token: number;
}

export class ByBytes {
  readonly #given = new Map<string, Given[]>();

  know(bytes: Uint8Array, peer: Peer, token: number): void {
    const key = keyOf(bytes);
    const given = this.#given.get(key);
    if (given === undefined) this.#given.set(key, [{ peer, token }]);
    else given.push({ peer, token });
  }

  /** Its fate was told: it need not be known by its bytes any more. */
  forget(bytes: Uint8Array, peer: Peer, token: number): void {
    if (this.#given.size === 0) return;
    const key = keyOf(bytes);
    this.#keep(key, (one) => one.peer !== peer || one.token !== token);
  }

  forgetPeer(peer: Peer): void {
    for (const key of [...this.#given.keys()]) this.#keep(key, (one) => one.peer !== peer);
  }

  /** The first that was given with these bytes, which is known no more from now on. */
  take(bytes: Uint8Array): Given | undefined {
    if (this.#given.size === 0) return undefined;
    const key = keyOf(bytes);
    const first = this.#given.get(key)?.[0];
    this.#keep(key, (one) => one !== first);
    return first;
  }

  takeAll(): Given[] {
    const all = [...this.#given.values()].flat();
    this.#given.clear();
    return all;
  }

  #keep(key: string, isKept: (one: Given) => boolean): void {
    const rest = this.#given.get(key)?.filter(isKept);
    if (rest === undefined || rest.length === 0) this.#given.delete(key);
    else this.#given.set(key, rest);
  }
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
