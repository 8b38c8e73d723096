/**
 * MachineRole: a replica's state machine on the network. It puts the parts of this room together, and ties them to the
 * node.
 *
 *   delivered → MachineHost → Service (results to clients), Snapshots (what was applied)
 *   COMMANDS, READ, SNAPSHOT_… → Service, ReplicaReads, Snapshots
 *   propose, read of this program → ClientSession → Service; ReplicaReads
 *
 * Invariant: while the state is restored nothing is delivered.
 */
import type { Config } from '../config/config.ts';
import type { Node, NodeOptions } from '../evpaxos/node.ts';
import type { NodeEvent, Observer } from '../evpaxos/observer.ts';
import type { Peer } from '../evpaxos/peer.ts';
import type { MachineHandler, PeerListener } from '../evpaxos/roles.ts';
import { maxValueBytes } from '../evpaxos/values.ts';
import { PaxosError } from '../paxos/error.ts';
import { encodeReadResult } from '../transport/encode-commands.ts';
import { ReadStatus } from '../transport/messages.ts';
import type { Clock, Random, Timer } from '../transport/transport.ts';
import { ByteWriter } from './bytes.ts';
import type { Codecs } from './codec.ts';
import { closed } from './errors.ts';
import { Events } from './events.ts';
import { encodeDigest } from './items.ts';
import type { StateMachine } from './machine.ts';
import { MachineHost, type MachineHostListener } from './machine-host.ts';
import { type ReadAnswer, ReplicaReads, UNAVAILABLE } from './replica-reads.ts';
import { owned, Service } from './service.ts';
import { ClientSession } from './session.ts';
import type { SnapshotInfo, SnapshotStore } from './snapshot-store.ts';
import { Snapshots } from './snapshots.ts';

/** What a message and an instance hold beside a command, at most. */
export const COMMAND_HEAD_BYTES = 128;
/** The leader says so often what its digest is, if anything had a result since. */
const DIGEST_INTERVAL_MS = 10_000;

export interface MachineRoleOptions<Command, Result, Query, Answer> {
  readonly id: number;
  readonly config: Config;
  readonly machine: StateMachine<Command, Result, Query, Answer>;
  readonly codecs: Codecs<Command, Result, Query, Answer>;
  readonly verify: StateMachine<Command, Result, Query, Answer> | undefined;
  readonly store: SnapshotStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly observer: Observer;
  readonly sessionTimeoutMs: number;
}

const encoder = new TextEncoder();

export class MachineRole<Command, Result, Query, Answer> {
  readonly events = new Events();
  readonly host: MachineHost<Command, Result>;
  readonly session: ClientSession<Result>;
  readonly reads: ReplicaReads;
  readonly #options: MachineRoleOptions<Command, Result, Query, Answer>;
  readonly #service: Service;
  #snapshots: Snapshots | undefined;
  #node: Node | undefined;
  #isRestoring = false;
  #digestAt = 0;
  #timer: Timer | undefined;
  #isCatchingUp = false;

  constructor(options: MachineRoleOptions<Command, Result, Query, Answer>) {
    this.#options = options;
    const { machine, codecs, verify, clock, random, config, sessionTimeoutMs } = options;
    const wake = () => this.#node?.turn.schedule();
    this.session = new ClientSession({
      clock,
      random,
      port: {
        isReady: () => this.#service.takesMore,
        send: (_session, items) => {
          for (const item of items) this.#service.propose(item);
        },
        wake,
      },
      decode: (bytes) => codecs.result.decode(bytes),
      maxCommandBytes: maxValueBytes(config) - COMMAND_HEAD_BYTES,
      timeoutMs: sessionTimeoutMs,
    });
    this.#service = new Service({
      values: () => this.#node?.values,
      local: this.session,
      maxResultsBytes: maxValueBytes(config),
      bad: (peer, reason) => this.#bad(peer, reason),
      wake,
    });
    this.reads = new ReplicaReads({
      whenCurrent: (done) => this.#whenCurrent(done),
      answer: (query) => this.#answer(query),
      wake,
    });
    this.host = new MachineHost<Command, Result>({ machine, codecs, verify, listener: this.#listener() });
  }

  /** What the node is started with, beside its roles. */
  get nodeOptions(): Pick<
    NodeOptions,
    'machine' | 'deliver' | 'wantsMore' | 'behindTrim' | 'observer' | 'catchUp'
  > {
    const { observer } = this.#options;
    return {
      machine: (node) => this.#join(node),
      catchUp: true,
      wantsMore: () => !this.#isRestoring,
      deliver: ({ instanceId, value }) => this.#apply(instanceId, value),
      behindTrim: (_instanceId, trimInstanceId) => this.#snapshots?.needs(trimInstanceId),
      observer: {
        report: (event) => {
          this.#heed(event);
          observer.report(event);
        },
      },
    };
  }

  /** Goes on from the newest snapshot that can be used, before the node starts; how far that is. */
  async restoreNewest(): Promise<number> {
    const { store } = this.#options;
    let fault: unknown;
    for (const info of store.snapshots) {
      try {
        await this.#restoreFrom(info);
        return info.instanceId;
      } catch (error) {
        fault ??= error;
      }
    }
    // A machine that began to restore may be anything by now.
    if (fault !== undefined) throw fault;
    return 0;
  }

  start(): void {
    this.#snapshots?.start();
    this.#tellDigest();
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.session.close(closed('replica'));
    this.reads.close();
    await this.#snapshots?.close();
    this.events.end();
  }

  /** The newest snapshot here; undefined: there is none. */
  get snapshot(): SnapshotInfo | undefined {
    return this.#options.store.newest;
  }

  /** How many clients have a connection here. */
  get clientCount(): number {
    return this.#service.attachedCount;
  }

  #join(node: Node): MachineHandler & PeerListener {
    this.#node = node;
    const { id, config, store, clock } = this.#options;
    const snapshots = new Snapshots({
      id,
      config,
      store,
      clock,
      peers: node.peers,
      applied: () => this.host.instanceId,
      capture: () => this.host.capture(),
      trim: (instanceId) => node.sendTrim(instanceId, 'own'),
      restore: (info) => this.#restore(info),
      report: (event) => {
        this.events.emit(event);
        if (event.type !== 'snapshot-failed') return;
        this.#options.observer.report({
          type: 'warning',
          text: `A snapshot came to nothing: ${event.reason}`,
        });
      },
    });
    this.#snapshots = snapshots;
    node.turn.addStep(() => this.#step());
    return {
      onCommands: (peer, session, items) => this.#service.onCommands(peer, session, items),
      onRead: (peer, token, consistency, query) => this.#onRead(peer, token, consistency, query),
      onSnapshotAt: (peer, instanceId, snapshotId, bytes) =>
        snapshots.onSnapshotAt(peer, instanceId, snapshotId, bytes),
      onFetchSnapshot: (peer, snapshotId, offset) => snapshots.onFetchSnapshot(peer, snapshotId, offset),
      onSnapshotPiece: (peer, snapshotId, offset, totalBytes, piece) =>
        snapshots.onSnapshotPiece(peer, snapshotId, offset, totalBytes, piece),
      onPeerReady: (peer) => snapshots.onPeerReady(peer),
      onPeerClosed: (peer) => {
        snapshots.onPeerClosed(peer);
        this.#service.onPeerClosed(peer);
      },
      // What replicas say to clients.
      onResults: () => undefined,
      onReadResult: () => undefined,
      onSessionOpened: () => undefined,
    };
  }

  #listener(): MachineHostListener {
    const { observer } = this.#options;
    const service = () => this.#service;
    const { events } = this;
    return {
      answered: (session, first, count, results) => service().answered(session, first, count, results),
      opened: (nonceHigh, nonceLow, session) => service().opened(nonceHigh, nonceLow, session),
      passedOver: (instanceId, reason) => {
        events.emit({ type: 'passed-over', instanceId, reason });
        observer.report({
          type: 'warning',
          text: `Instance ${instanceId} is passed over from here on: ${reason}`,
        });
      },
      diverged: (divergence) => {
        events.emit({ type: 'diverged', ...divergence });
        const { agreedAt, instanceId } = divergence;
        const text = `This replica and another have other results, first in an instance from ${agreedAt + 1} to ${instanceId}: the state machine is not deterministic`;
        observer.report({ type: 'warning', text });
      },
      notDeterministic: (error) => {
        events.emit({ type: 'not-deterministic', error });
        this.#node?.fail(error);
      },
    };
  }

  #apply(instanceId: number, value: Uint8Array): void {
    try {
      this.host.apply(instanceId, value);
    } catch (error) {
      if (!(error instanceof PaxosError)) throw error;
      this.#node?.fail(error);
      return;
    }
    this.#snapshots?.applied(value.length);
  }

  /** True if something was handed in: those who propose it have their steps before this one. */
  #step(): boolean {
    const waiting = this.#node?.values?.waitingCount ?? 0;
    this.#service.step();
    this.session.flush();
    this.#service.flush();
    this.reads.step();
    return (this.#node?.values?.waitingCount ?? 0) > waiting;
  }

  #whenCurrent(done: () => void): () => void {
    return this.#node?.reads?.read(done) ?? (() => undefined);
  }

  #answer(query: Uint8Array): ReadAnswer {
    const { machine, codecs } = this.#options;
    // A machine that is being restored is in no state that it ever had.
    if (this.#isRestoring) return UNAVAILABLE;
    try {
      if (machine.read === undefined) throw new Error('this state machine has no read()');
      return { status: ReadStatus.ok, bytes: codecs.answer.encode(machine.read(codecs.query.decode(query))) };
    } catch (error) {
      const message = error instanceof Error ? error.message : 'read() threw what is no Error';
      return { status: ReadStatus.failed, bytes: encoder.encode(message) };
    }
  }

  #onRead(peer: Peer, token: number, consistency: number, query: Uint8Array): void {
    const limit = maxValueBytes(this.#options.config);
    this.reads.read(owned(query), consistency, ({ status, bytes }) => {
      if (!peer.canBeTold()) return;
      if (bytes.length <= limit) encodeReadResult(peer.out, token, status, bytes);
      // Whoever was sent it would hang up, and ask again, without end.
      else encodeReadResult(peer.out, token, ReadStatus.failed, tooLarge(bytes.length));
      peer.sent();
    });
  }

  async #restore(info: SnapshotInfo): Promise<void> {
    this.#isRestoring = true;
    try {
      await this.#restoreFrom(info);
    } catch (error) {
      const fault = error instanceof PaxosError ? error : new PaxosError('SNAPSHOT_CORRUPT', String(error));
      this.#node?.fail(fault);
      throw error;
    }
    this.#isRestoring = false;
    this.#node?.setInstanceId(info.instanceId);
    // What the instances in between came to, nobody here was told.
    this.#service.cut();
    this.session.reconnected();
  }

  async #restoreFrom(info: SnapshotInfo): Promise<void> {
    const opened = await this.#options.store.open(info.snapshotId);
    if (opened === undefined) throw new PaxosError('SNAPSHOT_CORRUPT', 'the snapshot is not there any more');
    try {
      await this.host.restore(info.instanceId, () => opened.read());
    } finally {
      await opened.close();
    }
  }

  /** The leader puts its digest into the log now and then; every replica compares. */
  #tellDigest(): void {
    this.#timer = this.#options.clock.after(DIGEST_INTERVAL_MS, () => {
      const { host } = this;
      const node = this.#node;
      const hasNews = host.instanceId > 0 && host.digest !== this.#digestAt;
      if (node?.proposer?.isLeading === true && hasNews && this.#service.takesMore) {
        this.#digestAt = host.digest;
        const item = new ByteWriter();
        encodeDigest(item, host.instanceId, host.digest);
        this.#service.propose(item.take());
      }
      this.#tellDigest();
    });
  }

  /** Who leads, and whether this replica is behind, is heard from the node. */
  #heed(event: NodeEvent): void {
    const { id } = this.#options;
    // One acceptor's word is enough for that: if it is wrong, the log goes on meanwhile.
    if (event.type === 'trim-in-doubt') this.#snapshots?.needs(event.instanceId);
    if (event.type === 'leading') this.events.emit({ type: 'leader', leaderId: id, isSelf: true });
    else if (event.type === 'following')
      this.events.emit({ type: 'leader', leaderId: event.proposerId, isSelf: false });
    else if (event.type === 'stepped-down')
      this.events.emit({ type: 'leader', leaderId: undefined, isSelf: false });
    else if ((event.type === 'fetching' || event.type === 'behind-trim') && !this.#isCatchingUp) {
      this.#isCatchingUp = true;
      this.events.emit({ type: 'catch-up-begun', instanceId: event.instanceId });
    } else if (event.type === 'caught-up' && this.#isCatchingUp) {
      this.#isCatchingUp = false;
      this.events.emit({ type: 'catch-up-ended', instanceId: event.instanceId });
    }
  }

  #bad(peer: Peer, reason: string): void {
    this.#options.observer.report({ type: 'bad-input', remote: peer.remote, reason });
    peer.close();
  }
}

function tooLarge(bytes: number): Uint8Array {
  return encoder.encode(`max-message is too small for the answer of ${bytes} bytes`);
}
