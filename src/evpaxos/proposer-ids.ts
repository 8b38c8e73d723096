/**
 * ProposerIds: an acceptor's guard against two living processes with one proposer id, which could give one ballot to
 * two values. The first comer has the id; a second one is heard only when the first has shown that it is gone.
 *
 *   a second process → ping the first → it answers: the second is refused | it does not, in time: the first is cut off
 *
 * A process that connects again is known by the number it drew at its start. Originals cannot be told apart.
 */
import { encodePing } from '../transport/encode.ts';
import { Role } from '../transport/messages.ts';
import type { Clock } from '../transport/transport.ts';
import type { Peer } from './peer.ts';
import { RefusalCode } from './peer-context.ts';
import type { PeerListener } from './roles.ts';

/** How long a process that seems dead has to show that it lives. */
const PROOF_OF_LIFE_MS = 1000;

export class ProposerIds implements PeerListener {
  readonly #clock: Clock;
  readonly #holders = new Map<number, Peer>();
  readonly #contenders = new Map<number, Peer>();
  #nextToken = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  onPeerReady(peer: Peer): void {
    const hello = peer.peerHello;
    if (hello === undefined || peer.outbound || !peer.hasRole(Role.proposer)) return;
    const holder = this.#holders.get(hello.id);
    if (holder === undefined || holder === peer || holder.isClosed) {
      this.#holders.set(hello.id, peer);
      return;
    }
    if (holder.peerHello?.process === hello.process) {
      this.#holders.set(hello.id, peer);
      holder.close();
      return;
    }
    peer.isMuted = true;
    const contender = this.#contenders.get(hello.id);
    if (contender !== undefined) {
      if (contender.peerHello?.process === hello.process) this.#contenders.set(hello.id, peer);
      else refuse(peer, holder);
      return;
    }
    this.#contend(hello.id, holder, peer);
  }

  #contend(id: number, holder: Peer, contender: Peer): void {
    this.#contenders.set(id, contender);
    encodePing(holder.out, this.#nextToken++);
    holder.sent();
    this.#clock.after(PROOF_OF_LIFE_MS, () => {
      const last = this.#contenders.get(id);
      if (last === undefined || this.#holders.get(id) !== holder) return;
      holder.close();
      this.#give(id, last);
    });
  }

  /** The holder lives: the one who contended for its id is refused. */
  onPong(peer: Peer, _token: number): void {
    const id = peer.peerHello?.id ?? -1;
    const contender = this.#contenders.get(id);
    if (this.#holders.get(id) !== peer || contender === undefined) return;
    this.#contenders.delete(id);
    refuse(contender, peer);
  }

  onPeerClosed(peer: Peer): void {
    const id = peer.peerHello?.id ?? -1;
    if (this.#contenders.get(id) === peer) this.#contenders.delete(id);
    if (this.#holders.get(id) !== peer) return;
    this.#holders.delete(id);
    const contender = this.#contenders.get(id);
    if (contender !== undefined) this.#give(id, contender);
  }

  #give(id: number, contender: Peer): void {
    this.#contenders.delete(id);
    if (contender.isClosed) return;
    this.#holders.set(id, contender);
    contender.isMuted = false;
  }
}

function refuse(contender: Peer, holder: Peer): void {
  const id = contender.peerHello?.id ?? -1;
  contender.refuse(
    RefusalCode.idInUse,
    `proposer ${id} is running already, at ${holder.remote}; give this one another id`,
  );
}
