/**
 * Starting: what the nodes that a program starts have in common: their options, and the way from options to a Node that
 * runs.
 */
import { type Config, readConfig } from '../config/index.ts';
import { PaxosError } from '../paxos/error.ts';
import { isNoOp } from '../paxos/no-op.ts';
import type { Storage } from '../paxos/storage.ts';
import { durabilitySentence, openStorage } from '../storage/index.ts';
import { type Delivered, Deliveries } from './deliveries.ts';
import { Node, type World } from './node.ts';
import { SILENT } from './observer.ts';

export interface StartOptions extends World {
  /** the path of a paxos.conf, or what readConfig or makeConfig gave */
  readonly config: string | Config;
}

export interface AcceptorOptions extends StartOptions {
  /** position of its line in the config, 0 to 9 */
  readonly id: number;
  /** used instead of the one that the config asks for; closed with the node */
  readonly storage?: Storage;
}

export interface ProposerOptions extends StartOptions {
  /** position of its line in the config, 0 to 9 */
  readonly id: number;
}

export interface LearnerOptions extends StartOptions {
  /**
   * Takes each chosen value as it comes, in instance order; its bytes are a view, valid during the call, to be
   * read only. Without it, iterate over the node instead.
   */
  readonly deliver?: (delivered: Delivered) => void;
  /** from instance 1, or from the first heard of; as `learner-catch-up` says unless told */
  readonly catchUp?: boolean;
  /** go on above this instance, which a checkpoint holds */
  readonly after?: number;
}

export type ReplicaOptions = LearnerOptions & AcceptorOptions;

export interface ClientOptions extends LearnerOptions {
  /** the proposer that values are given to while it can be reached; 0 unless told */
  readonly proposerId?: number;
}

export function configOf(options: StartOptions): Config {
  return typeof options.config === 'string' ? readConfig(options.config).config : options.config;
}

/** @throws PaxosError VALUE_FORMAT if instances hold commands, which whoever deals in plain values cannot read */
export function checkRaw(config: Config, what: string): void {
  if (config.valueFormat === 'raw') return;
  const text = `${what} deals in plain values, and this config says value-format commands: use value-format raw`;
  throw new PaxosError('VALUE_FORMAT', `${text}, or a state machine (libpaxos/statemachine)`);
}

export function checkId(kind: string, id: number, count: number): void {
  if (Number.isInteger(id) && id >= 0 && id < count) return;
  const valid = count === 0 ? `the config has no ${kind}` : `the config has ${kind}s 0 to ${count - 1}`;
  throw new PaxosError('ID_UNKNOWN', `there is no ${kind} ${id}: ${valid}`);
}

/** Only what was given: a property that is present but undefined would hide a default. */
export function worldOf(options: World): World {
  const { transport, clock, random, observer } = options;
  return {
    ...(transport === undefined ? {} : { transport }),
    ...(clock === undefined ? {} : { clock }),
    ...(random === undefined ? {} : { random }),
    ...(observer === undefined ? {} : { observer }),
  };
}

interface Learning {
  readonly deliver: (delivered: Delivered) => void;
  readonly wantsMore?: () => boolean;
  readonly catchUp?: boolean;
}

/** Delivers by callback, or into a queue that is iterated over. */
export function learningOf(
  options: Omit<LearnerOptions, keyof StartOptions>,
  node: () => Node,
  needsReader = false,
): { readonly deliveries: Deliveries | undefined; readonly learning: Learning } {
  const catchUp = options.catchUp === undefined ? {} : { catchUp: options.catchUp };
  const { deliver } = options;
  if (deliver !== undefined) {
    return {
      deliveries: undefined,
      learning: { deliver: (chosen) => withoutNoOps(chosen, deliver), ...catchUp },
    };
  }
  const deliveries = new Deliveries(() => node().resumeDelivery(), needsReader);
  const push = (chosen: Delivered) => withoutNoOps(chosen, (one) => deliveries.push(one));
  return { deliveries, learning: { deliver: push, wantsMore: () => deliveries.wantsMore, ...catchUp } };
}

/** An instance that was filled has nothing to tell to who takes values. */
function withoutNoOps(chosen: Delivered, deliver: (delivered: Delivered) => void): void {
  if (!isNoOp(chosen.value)) deliver(chosen);
}

/** A closed node's iteration ends; a failed node's fails. */
export function endWith(deliveries: Deliveries | undefined, node: Node): Deliveries | undefined {
  node.closed.then(
    () => deliveries?.end(),
    (error: unknown) => deliveries?.end(error),
  );
  return deliveries;
}

export function iteratorOf(deliveries: Deliveries | undefined): AsyncIterator<Delivered> {
  if (deliveries !== undefined) return deliveries;
  throw new PaxosError(
    'CLOSED',
    'this node was started with a deliver callback; it cannot be iterated over as well',
  );
}

export async function startAcceptor(
  options: AcceptorOptions & { readonly after?: number },
  config: Config,
  roles: number,
  learning: Partial<Learning>,
): Promise<Node> {
  const storage = options.storage ?? (await openStorage(config, options.id));
  const sentence = durabilitySentence(storage);
  if (sentence !== undefined) (options.observer ?? SILENT).report({ type: 'durability', sentence });
  const node = new Node({ ...worldOf(options), ...learning, config, id: options.id, roles, storage });
  return started(node, options.after);
}

/** Starts a node; one that cannot start gives back what it holds. */
export async function started(node: Node, after?: number): Promise<Node> {
  try {
    if (after !== undefined) node.setInstanceId(after);
    await node.start();
    return node;
  } catch (error) {
    await node.close();
    throw error;
  }
}
