/**
 * PeerConnection: a real Peer whose other end is the test's: what was written to it, and whether it is read or closed.
 */
import { SILENT } from '../../src/evpaxos/observer.ts';
import { Peer } from '../../src/evpaxos/peer.ts';
import { type Destination, NOWHERE } from '../../src/evpaxos/peer-context.ts';
import { Decoder } from '../../src/transport/decode.ts';
import { type Message, MessageLog } from '../../src/transport/message-log.ts';
import type { Hello } from '../../src/transport/messages.ts';
import type { Link } from '../../src/transport/transport.ts';

const MAX_MESSAGE_BYTES = 2 ** 26;

export class PeerConnection {
  readonly peer: Peer;
  readonly #log = new MessageLog();
  isPaused = false;
  isClosed = false;

  /**
   * @param roles what the other end says that it is
   * @param destination what it is connected to as
   */
  constructor(roles: number, id = 0, maxBacklogBytes = 2 ** 24, destination: Destination = NOWHERE) {
    const rest = {
      version: 1,
      process: 1 + id,
      capabilities: 7,
      fingerprint: 1,
      software: 'a test',
      storage: 0,
    };
    const hello: Hello = { ...rest, roles, id };
    const context = {
      roles: { listeners: [] },
      observer: SILENT,
      hello,
      maxMessageBytes: MAX_MESSAGE_BYTES,
      lastInstance: 0xffff_ffff,
      onlyOurs: true,
      maxBacklogBytes,
      changed: () => undefined,
      heard: () => undefined,
      idInUse: () => undefined,
    };
    this.peer = new Peer(context, this.#link(), false, destination);
    this.peer.hello(hello);
  }

  /** What it was told since this was last asked. */
  heard(): readonly Message[] {
    this.peer.flush();
    return this.#log.take();
  }

  #link(): Link {
    const decoder = new Decoder(this.#log, { maxMessageBytes: MAX_MESSAGE_BYTES });
    return {
      remote: 'a peer',
      waitingBytes: 0,
      write: (bytes) => {
        const fault = decoder.push(bytes.slice());
        if (fault !== undefined) throw new Error(fault);
        return true;
      },
      pause: () => {
        this.isPaused = true;
      },
      resume: () => {
        this.isPaused = false;
      },
      close: () => {
        this.isClosed = true;
      },
    };
  }
}
