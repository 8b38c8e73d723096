/**
 * The traces' commands, run on a cluster of core objects: each line is a command, and gives the lines of what happened
 * and what was sent. README.md beside says what they mean.
 */
import { Cluster } from '../core/cluster.ts';
import { type ClusterEvent, shownEvent } from '../core/event.ts';
import { type Body, type Message, shownBody, shownValue } from '../core/message.ts';

const encoder = new TextEncoder();

export class Interpreter {
  #cluster: Cluster | undefined;
  readonly #delayed: Message[] = [];
  #lines: string[] = [];
  #lastSent: { readonly from: string; readonly to: readonly string[]; readonly body: string } | undefined;

  /** Runs one command; what it brought about, line by line. A command in brackets is run, and nothing is shown of it. */
  run(line: string): string[] {
    this.#lines = [];
    this.#lastSent = undefined;
    const isShown = !(line.startsWith('(') && line.endsWith(')'));
    const [command = '', ...words] = (isShown ? line : line.slice(1, -1)).split(' ');
    if (command === 'cluster') this.#cluster = this.#make(words.join(' '));
    else this.#command(this.#made, command, words, line);
    return isShown ? this.#lines : [];
  }

  get #made(): Cluster {
    if (this.#cluster === undefined) throw new Error('a trace begins with a cluster');
    return this.#cluster;
  }

  /** `a0 a1 a2 p0 l0, ranged a1 a2, window 4` */
  #make(text: string): Cluster {
    const [nodes = '', ...options] = text.split(', ');
    const count = (kind: string) => nodes.split(' ').filter((name) => name.startsWith(kind)).length;
    const option = (name: string) =>
      options.find((one) => one.startsWith(`${name} `))?.slice(name.length + 1);
    const ranged = option('ranged')?.split(' ') ?? [];
    return new Cluster({
      acceptors: count('a'),
      proposers: count('p'),
      learners: count('l'),
      ranged: ranged.map((name) => Number(name.slice(1))),
      window: Number(option('window') ?? 1),
      pieces: Number(option('pieces') ?? 2),
      fills: options.includes('no-ops'),
      observe: (event) => this.#observe(event),
    });
  }

  #command(cluster: Cluster, command: string, words: readonly string[], line: string): void {
    const [first = '', second = '', third = ''] = words;
    const value = toValue(words.slice(1).join(' '));
    const commands: Record<string, () => void> = {
      start: () => cluster.start(first),
      open: () => cluster.open(first),
      propose: () => cluster.propose(first, value),
      ask: () => cluster.ask(first, second),
      raise: () => cluster.raise(first),
      timeout: () => cluster.timeout(first),
      restart: () => cluster.restart(first),
      'step-down': () => cluster.stepDown(first),
      cut: () => cluster.cut(first, second),
      deliver: () => this.#matching(words, (message) => cluster.deliver(message)),
      'deliver-one': () => this.#matching(words, (message) => cluster.deliver(message), 1),
      drop: () => this.#matching(words, (message) => cluster.drop(message)),
      delay: () => this.#matching(words, (message) => this.#delay(cluster, message)),
      arrive: () => this.#arrive(cluster, words),
      settle: () => this.#settle(cluster, words),
      repeat: () => cluster.repeat(first, second, ...range(third)),
      trim: () => this.#lines.push(`${first} says: ${cluster.acceptor(first).receiveTrim(Number(second))}`),
      send: () => cluster.inject(...ends(first), bodyOf(words.slice(1))),
      show: () => this.#show(cluster, first, second),
    };
    const run = commands[command];
    if (run === undefined) throw new Error(`no such command: ${line}`);
    run();
  }

  /** Every message now in flight from and to the named nodes, `p0→a0 a1` or `*→p0`. */
  #matching(
    words: readonly string[],
    act: (message: Message) => void,
    limit = Number.MAX_SAFE_INTEGER,
  ): void {
    const [from = '', to = ''] = words.join(' ').split('→');
    const isNamed = (names: string, name: string) => names === '*' || names.split(' ').includes(name);
    const matching = this.#made.inFlight.filter(
      (message) => isNamed(from, message.from) && isNamed(to, message.to),
    );
    if (matching.length === 0) throw new Error(`nothing is in flight: ${words.join(' ')}`);
    for (const message of matching.slice(0, limit)) if (this.#made.inFlight.includes(message)) act(message);
  }

  /** Keeps a message back, on a connection that nobody reads any more, until it arrives. */
  #delay(cluster: Cluster, message: Message): void {
    cluster.inFlight.splice(cluster.inFlight.indexOf(message), 1);
    this.#delayed.push(message);
  }

  #arrive(cluster: Cluster, words: readonly string[]): void {
    cluster.inFlight.push(...this.#delayed.splice(0));
    this.#matching(words, (message) => cluster.deliver(message));
  }

  /** Delivers whatever is sent between the named nodes, or between all. */
  #settle(cluster: Cluster, names: readonly string[]): void {
    const isHere = ({ from, to }: Message) =>
      names.length === 0 || (names.includes(from) && names.includes(to));
    for (let next = cluster.inFlight.find(isHere); next !== undefined; next = cluster.inFlight.find(isHere)) {
      cluster.deliver(next);
    }
  }

  #show(cluster: Cluster, name: string, instances: string): void {
    if (name.startsWith('l')) {
      const holes = cluster.learner(name).hasHoles();
      const missing = holes === undefined ? 'no hole' : `a hole ${holes.from}..${holes.to}`;
      this.#lines.push(`${name} waits for i=${cluster.learner(name).nextInstanceId}, knows of ${missing}`);
    } else if (name.startsWith('p')) {
      const { ballot, waitingCount } = cluster.proposer(name);
      const held = cluster.proposer(name).holdsOwn() ? 'has values under way' : 'has nothing under way';
      this.#lines.push(`${name} ballot=${ballot} waiting=${waitingCount} ${held}`);
    } else {
      const core = cluster.acceptor(name);
      const [from, to] = range(instances);
      for (let i = from; i <= to; i++) {
        const [record] = core.accepted(i, i);
        const accepted = record
          ? `accepted=${record.acceptedBallot} ${shownValue(record.value)}`
          : 'no value';
        const isTrimmed = i <= core.trimInstanceId;
        const state = isTrimmed ? 'trimmed' : `promised=${core.promisedBallot(i)} ${accepted}`;
        this.#lines.push(`${name} i=${i} ${state}`);
      }
    }
  }

  /** The same message to several nodes is one line. */
  #observe(event: ClusterEvent): void {
    if (event.type !== 'sent') {
      const line = shownEvent(event);
      if (line === undefined) return;
      this.#lines.push(line);
      this.#lastSent = undefined;
      return;
    }
    const { from, to } = event.message;
    const body = shownBody(event.message.body);
    const last = this.#lastSent;
    const isSame = last?.from === from && last.body === body && !last.to.includes(to);
    const targets = isSame ? [...last.to, to] : [to];
    if (isSame) this.#lines.pop();
    this.#lines.push(`${from}→${targets.join()} ${body}`);
    this.#lastSent = { from, to: targets, body };
  }
}

/** `1..3`, or one number. */
function range(text: string): [number, number] {
  const [from = '', to = from] = text.split('..');
  return [Number(from), Number(to)];
}

function ends(text: string): [string, string] {
  const [from = '', to = ''] = text.split('→');
  return [from, to];
}

/** The rest of a line; `""` is the empty value. */
function toValue(text: string): Uint8Array {
  return encoder.encode(text === '""' ? '' : text);
}

/** `accepted i=1 b=30 vb=10 red`: a message that no node here would send. */
function bodyOf(words: readonly string[]): Body {
  const [type = '', ...rest] = words;
  const field = (name: string) =>
    Number(rest.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ?? 0);
  const value = toValue(rest.filter((word) => !/^(i|b|vb)=\d+$/.test(word)).join(' '));
  const instanceId = field('i');
  const ballot = field('b');
  switch (type) {
    case 'prepare':
    case 'preempted':
      return { type, instanceId, ballot };
    case 'accept':
      return { type, instanceId, ballot, value };
    case 'promise':
    case 'accepted':
      return { type, instanceId, ballot, valueBallot: field('vb'), value };
    default:
      throw new Error(`no such message: ${words.join(' ')}`);
  }
}
