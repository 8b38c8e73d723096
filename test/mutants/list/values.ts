/**
 * Mutants of what carries values and messages: routes, connections, the codec, the turn.
 */
import type { Mutant } from '../mutant.ts';

const VALUES = 'src/evpaxos/values.ts';
const PEERS = 'src/evpaxos/peers.ts';
const NODE = 'src/evpaxos/node.ts';

export const VALUES_MUTANTS: readonly Mutant[] = [
  {
    id: 'settled-when-forwarded',
    breaks: 'whoever passed a value on is told that it is chosen as soon as it has arrived',
    edits: [
      {
        file: VALUES,
        find: '      giver: peer,\n      token,\n      chosen: undefined,\n    });\n',
        replace:
          '      giver: peer,\n      token,\n      chosen: undefined,\n    });\n    tell(peer, token, true);\n',
      },
    ],
  },
  {
    id: 'chosen-given-again',
    breaks: 'a value that was passed on and is chosen is given once more',
    edits: [
      {
        file: VALUES,
        find: '      this.settle(value);\n      return;\n    }\n    // It was',
        replace: '      this.settle(value);\n    }\n    // It was',
      },
    ],
  },
  {
    id: 'lost-with-connection',
    breaks: 'what a peer had of ours is forgotten when its connection closes',
    edits: [
      {
        file: VALUES,
        find: '    for (const value of entrusted.all()) this.#options.queue.propose(value);\n',
        replace: '',
      },
    ],
  },
  {
    id: 'returned-lost',
    breaks: 'a value that was handed back is forgotten',
    edits: [
      {
        file: VALUES,
        find: 'if (!this.#isHandedBack(value, value.hops + 1))\n      this.#options.queue.propose(',
        replace: 'if (!this.#isHandedBack(value, value.hops + 1))\n      String(',
      },
    ],
  },
  {
    id: 'value-view-kept',
    breaks: 'a forwarded value is cut short by its last byte',
    edits: [
      {
        file: VALUES,
        find: 'value: this.#slab.keep(value),\n      hops,',
        replace: 'value: value.slice(0, Math.max(1, value.length - 1)),\n      hops,',
      },
    ],
  },
  {
    id: 'never-connects-again',
    breaks: 'a connection that is lost is not tried again',
    edits: [
      {
        file: PEERS,
        find: '        outbound.timer = clock.after(delayMs, () => this.#connect(outbound));\n',
        replace: '        outbound.timer = clock.after(delayMs, () => undefined);\n',
      },
    ],
  },
  {
    id: 'gone-acceptor-kept',
    breaks: 'a closed connection to an acceptor is still taken for open',
    edits: [
      {
        file: PEERS,
        find: 'this.#acceptors = this.#acceptors.filter((one) => one !== peer);',
        replace: 'void peer;',
      },
    ],
  },
  {
    id: 'trim-one-more',
    breaks: 'acceptors are told to forget one instance more than the checkpoints hold',
    edits: [
      {
        file: NODE,
        find: 'encodeTrim(peer.out, Math.min(instanceId, lastInstance(this.#options.config)));',
        replace: 'encodeTrim(peer.out, Math.min(instanceId + 1, lastInstance(this.#options.config)));',
      },
    ],
  },
  {
    id: 'checkpoint-one-less',
    breaks: 'a learner that has a checkpoint begins with the last instance in it, not above',
    edits: [
      {
        file: NODE,
        find: 'this.learner?.setInstanceId(instanceId);',
        replace: 'this.learner?.setInstanceId(instanceId - 1);',
      },
    ],
  },
  {
    id: 'message-cut-in-gathering',
    breaks: 'a message that comes in several pieces loses a byte when it outgrows its first room',
    edits: [
      {
        file: 'src/transport/decode.ts',
        find: 'room.set(this.#gathered.subarray(0, this.#gatheredBytes));',
        replace: 'room.set(this.#gathered.subarray(0, Math.max(0, this.#gatheredBytes - 1)));',
      },
    ],
  },
  {
    id: 'length-off-by-one',
    breaks: 'a value of 128 bytes or more is read with a wrong length',
    edits: [
      {
        file: 'src/transport/msgpack.ts',
        find: 'if (head === 0xc4 || head === 0xd9) return this.#unsigned(1);',
        replace: 'if (head === 0xc4 || head === 0xd9) return this.#unsigned(1) & 0x7f;',
      },
    ],
  },
  {
    id: 'wide-integer-swapped',
    breaks: 'integers from 256 to 65,535 are written with their bytes swapped',
    edits: [
      {
        file: 'src/transport/buffer.ts',
        find: 'this.byte(0xcd);\n      this.byte(value >>> 8);\n      this.byte(value);',
        replace: 'this.byte(0xcd);\n      this.byte(value);\n      this.byte(value >>> 8);',
      },
    ],
  },
  {
    id: 'slab-grows-short',
    breaks: 'a buffer that outgrows its slab leaves the last byte behind',
    edits: [
      {
        file: 'src/transport/buffer.ts',
        find: 'slab.set(this.#slab.subarray(this.#start, this.#at));',
        replace: 'slab.set(this.#slab.subarray(this.#start, Math.max(this.#start, this.#at - 1)));',
      },
    ],
  },
];
