/**
 * ClusterStatus: how all nodes of a cluster are, asked from outside: what `npx libpaxos status` prints.
 *
 *   const status = await clusterStatus('paxos.conf');
 *   if (!status.hasQuorum) …
 *
 * Asks each node of the config at the same time, and waits for none longer than it was told to. It takes no part in
 * anything, and works with whatever is up.
 */
import type { Config, NodeAddress } from '../config/config.ts';
import { readConfig } from '../config/index.ts';
import { ballotOwner } from '../paxos/ballot.ts';
import { kthHighest, quorumSize } from '../paxos/quorum.ts';
import { SystemClock } from '../transport/clock.ts';
import { Role } from '../transport/messages.ts';
import { systemRandom } from '../transport/random.ts';
import { TcpTransport } from '../transport/tcp.ts';
import type { Timer } from '../transport/transport.ts';
import { helloOf } from './hello.ts';
import type { World } from './node.ts';
import { type Answer, type NodeState, Probe } from './probe.ts';
import type { NodeReport, PeersReport, StorageReport } from './report.ts';

/** An original says that it is up once a second. */
const DEFAULT_TIMEOUT_MS = 2000;

export interface StatusOptions extends Omit<World, 'observer'> {
  /** the longest that a node is waited for, ms; 2,000 unless told. Originals need more than a second. */
  readonly timeoutMs?: number;
}

/** One node of the config, and what it says. Plain data: null is what is not known, or does not apply. */
export interface NodeStatus {
  readonly kind: 'replica' | 'acceptor' | 'proposer';
  readonly id: number;
  readonly host: string;
  readonly port: number;
  /** stalled: it is up, but its disk does not finish a write; silent: its acceptor lost its storage */
  readonly state: NodeState | 'stalled' | 'silent';
  /** why, if it is not up */
  readonly reason: string | null;
  /** how long it has been up; of an acceptor that is not: how long the others have missed it */
  readonly forMs: number | null;
  readonly role: 'leader' | 'follower' | 'acceptor' | 'original' | null;
  /** name and version of the software */
  readonly software: string | null;
  /** what it says it is, where that is not what the config says */
  readonly claims: string | null;
  /** of the leader that it hears, or is; 0: it hears none */
  readonly leaderBallot: number | null;
  /** its own proposer's; 0: it has none yet */
  readonly ballot: number | null;
  /** the highest instance it accepted a value for; of an original: at least */
  readonly accepted: number | null;
  /** every instance up to here is chosen, as far as it knows */
  readonly chosen: number | null;
  readonly delivered: number | null;
  /** instances that are chosen, and that it has not delivered, or as a mere acceptor not accepted */
  readonly lag: number | null;
  readonly trimmed: number | null;
  readonly storage: StorageReport | null;
  readonly waiting: NodeReport['waiting'] | null;
  readonly peers: PeersReport | null;
  /** acceptors that it has no connection to */
  readonly missing: readonly number[];
  readonly lastError: NodeReport['lastError'];
}

export interface ClusterStatus {
  readonly clusterName: string;
  readonly acceptors: { readonly count: number; readonly quorum: number; readonly up: number };
  /** enough acceptors are up for values to be chosen */
  readonly hasQuorum: boolean;
  /** null: nobody is known to lead. isUp: it says so itself; otherwise others hear it */
  readonly leader: { readonly proposerId: number; readonly ballot: number; readonly isUp: boolean } | null;
  /** every instance up to here is chosen, as far as anybody knows */
  readonly chosen: number;
  readonly nodes: readonly NodeStatus[];
}

/**
 * Asks every node of a config how it is.
 * @param config the path of a paxos.conf, or what readConfig or makeConfig gave
 * @throws PaxosError CONFIG_…
 */
export async function clusterStatus(
  config: string | Config,
  options: StatusOptions = {},
): Promise<ClusterStatus> {
  const watch = new ClusterWatch(config, options);
  try {
    return await watch.ask();
  } finally {
    watch.close();
  }
}

/** Asks again and again, on the same connections. */
export class ClusterWatch {
  readonly #config: Config;
  readonly #options: StatusOptions;
  readonly #clock;
  readonly #nodes: readonly Line[];
  readonly #probes: readonly Probe[];
  #end: (() => void) | undefined;

  /** @throws PaxosError CONFIG_… */
  constructor(config: string | Config, options: StatusOptions = {}) {
    this.#config = typeof config === 'string' ? readConfig(config).config : config;
    this.#options = options;
    this.#clock = options.clock ?? new SystemClock();
    this.#nodes = linesOf(this.#config);
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    const transport = options.transport ?? new TcpTransport({ noDelay: true, connectTimeoutMs: timeoutMs });
    const hello = helloOf(this.#config, { roles: 0, id: 0, storage: 0 }, options.random ?? systemRandom());
    this.#probes = this.#nodes.map(
      ({ kind, address }) =>
        new Probe({
          address,
          isAcceptor: kind !== 'proposer',
          hello,
          maxMessageBytes: this.#config.maxMessageBytes,
          transport,
          clock: this.#clock,
          changed: () => this.#look(),
        }),
    );
  }

  /** Resolves when every node has answered, or is known not to, or the time is over; or at once when it is closed. */
  async ask(): Promise<ClusterStatus> {
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      this.#end = resolve;
      timer = this.#clock.after(this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS, resolve);
      for (const probe of this.#probes) probe.ask();
      this.#look();
    });
    timer?.cancel();
    this.#end = undefined;
    return summary(
      this.#config,
      this.#nodes.map((line, i) => ({ line, answer: this.#probes[i]?.answer ?? NO_ANSWER })),
    );
  }

  close(): void {
    for (const probe of this.#probes) probe.close();
    this.#end?.();
  }

  #look(): void {
    if (this.#probes.every((probe) => probe.isSettled)) this.#end?.();
  }
}

const NO_ANSWER: Answer = {
  state: 'no answer',
  reason: undefined,
  hello: undefined,
  report: undefined,
  original: undefined,
};

/** A node as the config names it. */
interface Line {
  readonly kind: NodeStatus['kind'];
  readonly address: NodeAddress;
}

/** A replica is one node, at the address of an acceptor and a proposer. */
function linesOf({ acceptors, proposers }: Config): Line[] {
  const isSame = (a: NodeAddress, b: NodeAddress) => a.id === b.id && a.host === b.host && a.port === b.port;
  const isReplica = (acceptor: NodeAddress) => proposers.some((proposer) => isSame(acceptor, proposer));
  const others = proposers.filter((proposer) => !acceptors.some((acceptor) => isSame(acceptor, proposer)));
  return [
    ...acceptors.map((address): Line => ({ kind: isReplica(address) ? 'replica' : 'acceptor', address })),
    ...others.map((address): Line => ({ kind: 'proposer', address })),
  ];
}

interface Answered {
  readonly line: Line;
  readonly answer: Answer;
}

function summary(config: Config, answered: readonly Answered[]): ClusterStatus {
  const reports = answered.flatMap(({ answer }) => (answer.report === undefined ? [] : [answer.report]));
  const leader = leaderOf(reports);
  const quorum = quorumSize(config.acceptors.length);
  const accepted = answered.map(
    ({ answer }) => answer.report?.acceptor?.accepted ?? answer.original?.accepted ?? 0,
  );
  const told = Math.max(0, ...reports.map(({ chosen }) => chosen));
  // Originals say only what each has accepted: what a quorum of them has, was most likely chosen.
  const chosen = reports.length > 0 ? told : kthHighest(accepted, quorum);
  const nodes = answered.map((one) => nodeStatus(one, { reports, leader, chosen }));
  const up = nodes.filter(({ state }, i) => state === 'up' && isAcceptor(answered[i])).length;
  return {
    clusterName: config.clusterName,
    acceptors: { count: config.acceptors.length, quorum, up },
    hasQuorum: up >= quorum,
    leader,
    chosen,
    nodes,
  };
}

/** True if an acceptor answered, and the one of this line: the votes of another count for nobody. */
function isAcceptor(answered: Answered | undefined): boolean {
  if (answered === undefined) return false;
  const { report, original } = answered.answer;
  if (report === undefined) return original !== undefined;
  return (report.roles & Role.acceptor) !== 0 && report.id === answered.line.address.id;
}

/** Of those who say that they lead, the one with the highest ballot; else whom the others hear. */
function leaderOf(reports: readonly NodeReport[]): ClusterStatus['leader'] {
  const leading = Math.max(0, ...reports.filter(({ isLeading }) => isLeading).map(({ ballot }) => ballot));
  const heard = Math.max(0, ...reports.map(({ leaderBallot }) => leaderBallot));
  const ballot = leading > 0 ? leading : heard;
  return ballot === 0 ? null : { proposerId: ballotOwner(ballot), ballot, isUp: leading > 0 };
}

interface Known {
  readonly reports: readonly NodeReport[];
  readonly leader: ClusterStatus['leader'];
  readonly chosen: number;
}

function nodeStatus({ line, answer }: Answered, known: Known): NodeStatus {
  const { report, original, hello } = answer;
  const { kind, address } = line;
  const accepted = report?.acceptor?.accepted ?? original?.accepted ?? null;
  const delivered = report?.delivered ?? null;
  const reached = delivered ?? (report === undefined ? null : accepted);
  return {
    kind,
    id: address.id,
    host: address.host,
    port: address.port,
    ...stateOf(answer),
    forMs: forMs(line, answer, known.reports),
    role: roleOf(answer, known.leader),
    software: hello?.software ?? null,
    claims: report === undefined ? null : claimOf(line, report),
    leaderBallot: report?.leaderBallot ?? null,
    ballot: report?.ballot ?? null,
    accepted,
    chosen: report?.chosen ?? null,
    delivered,
    lag: reached === null ? null : Math.max(0, known.chosen - reached),
    trimmed: report?.acceptor?.trimmed ?? original?.trimmed ?? null,
    storage: report?.storage ?? null,
    waiting: report?.waiting ?? null,
    peers: report?.peers ?? null,
    missing: report?.lost.map(({ acceptorId }) => acceptorId) ?? [],
    lastError: report?.lastError ?? null,
  };
}

/** One that answers may be no part of a quorum all the same. */
function stateOf({ state, reason, report }: Answer): Pick<NodeStatus, 'state' | 'reason'> {
  if (report?.storage?.isReplaced === true)
    return { state: 'silent', reason: 'its storage took the place of one that was lost' };
  if ((report?.storage?.stalledMs ?? 0) > 0)
    return { state: 'stalled', reason: 'its disk does not finish a write' };
  return { state, reason: reason ?? null };
}

/** A node that is up tells it; of an acceptor that is not, whoever had a connection last knows when it ended. */
function forMs(
  { kind, address }: Line,
  { state, report }: Answer,
  reports: readonly NodeReport[],
): number | null {
  if (report !== undefined) return report.upMs;
  if (state === 'up' || kind === 'proposer') return null;
  const lost = reports.flatMap((other) => other.lost.filter(({ acceptorId }) => acceptorId === address.id));
  const known = lost.flatMap(({ ms }) => (ms === null ? [] : [ms]));
  return known.length === 0 ? null : Math.min(...known);
}

function roleOf({ report, original }: Answer, leader: ClusterStatus['leader']): NodeStatus['role'] {
  if (original !== undefined) return 'original';
  if (report === undefined) return null;
  if (report.isLeading && report.ballot === leader?.ballot) return 'leader';
  return (report.roles & Role.proposer) !== 0 ? 'follower' : 'acceptor';
}

/** What a node says it is, if somebody else was to be expected at its address. */
function claimOf({ kind, address }: Line, { roles, id }: NodeReport): string | null {
  const wanted = kind === 'proposer' ? Role.proposer : kind === 'acceptor' ? Role.acceptor : 3;
  if (id === address.id && (roles & wanted) === wanted) return null;
  const isReplica = (roles & 3) === 3;
  return `${isReplica ? 'replica' : (roles & Role.acceptor) !== 0 ? 'acceptor' : 'proposer'} ${id}`;
}
