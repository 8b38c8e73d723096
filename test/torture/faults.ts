/**
 * Faults: does to running processes, and to the network between them, what the schedule says, each at its time; and
 * undoes all of it in the end.
 */
import { Strace, whyNoStrace } from '../support/strace.ts';
import type { Echoes } from './echoes.ts';
import type { Member } from './member.ts';
import { ALL_KINDS, type Fault, type Kind } from './plan.ts';
import type { Proxies } from './proxies.ts';
import type { Way } from './way.ts';

/** How long a process whose disk failed stays away. */
const DISK_REPLACED_MS = 500;
/** A disk that fails makes its process end at the next write; when none comes so long, it is whole again. */
const DISK_FAILS_MS = 2000;
/** A process whose disk failed has ended after so many looks, unless it stands still. */
const LOOKS = 20;
const LOOK_MS = 50;

export interface FaultsOptions {
  readonly members: ReadonlyMap<string, Member>;
  /** all names but the watcher's */
  readonly names: readonly string[];
  readonly proxies: Proxies;
  /** what says again what clients said; undefined: there are no clients whose words are known */
  readonly echoes?: Echoes | undefined;
  /** a fault was struck, or could not be: one line */
  readonly tell: (line: string) => void;
}

export class Faults {
  readonly counts = new Map<Kind, number>();
  readonly #options: FaultsOptions;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #straces = new Map<Member, { readonly strace: Strace; readonly pid: number }>();
  readonly #attaching = new Set<Member>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #noStrace: string | undefined;
  #isOver = false;

  constructor(options: FaultsOptions) {
    this.#options = options;
    this.#noStrace = whyNoStrace();
    for (const kind of ALL_KINDS) this.counts.set(kind, 0);
  }

  /** Why no disk can be made slow or broken here; undefined if they can. */
  get noDisks(): string | undefined {
    return this.#noStrace;
  }

  /** Lets the schedule begin. */
  begin(schedule: readonly Fault[]): void {
    const beganAt = performance.now();
    for (const fault of schedule) {
      this.#after(fault.atMs, () => {
        const what = this.#strike(fault);
        const seconds = ((performance.now() - beganAt) / 1000).toFixed(1).padStart(6);
        this.#options.tell(`${seconds} s  ${fault.kind.padEnd(11)}  ${what}`);
      });
    }
  }

  /** No faults from now on: everything is up, whole and connected; or, with `revive` false, about to be ended. */
  async end(revive = true): Promise<void> {
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    await Promise.all(this.#underWay);
    await Promise.all([...this.#straces.keys()].map((member) => this.#release(member)));
    if (!revive) return;
    this.#options.proxies.healAll();
    for (const member of this.#options.members.values()) {
      member.cont();
      member.start();
    }
  }

  /** A process ended since its disk failed: it comes back on what it has. */
  stoppedByDisk(member: Member): void {
    this.#count('failed-sync');
    this.#straces.delete(member);
    if (!this.#isOver) this.#after(DISK_REPLACED_MS, () => member.start());
    else member.start();
  }

  /** What it did, in words. */
  #strike(fault: Fault): string {
    const { kind, forMs, amount } = fault;
    const name = this.#victimOf(fault);
    const who = this.#member(name)?.isLeading === true ? `${name} (leads)` : name;
    const long = `for ${seconds(forMs)}`;
    switch (kind) {
      case 'kill':
        return this.#kill(name, forMs)
          ? `${who}; back ${forMs === 0 ? 'at once' : `after ${seconds(forMs)}`}`
          : DOWN(name);
      case 'stop':
        return this.#stop(name, forMs) ? `${who}, ${long}` : DOWN(name);
      case 'partition':
      case 'one-way':
      case 'isolate':
        return this.#partition(kind, name, kind === 'isolate' ? [] : fault.others, forMs);
      case 'cut':
        return this.#cut(name, fault.others, who);
      case 'delay':
        this.#everywhere(
          kind,
          forMs,
          (way) => way.setDelay(amount),
          (way) => way.setDelay(0),
        );
        return `${amount} to ${2 * amount} ms everywhere, ${long}`;
      case 'clog':
        this.#count(kind);
        for (const other of fault.others) this.#clog(name, other, amount, forMs);
        return `from ${who} to ${fault.others.join(', ')}, ${amount} to ${2 * amount} ms, ${long}`;
      case 'throttle':
        this.#throttle(name, amount, forMs);
        return `${who}, ${amount.toLocaleString('en-US')} bytes/s, ${long}`;
      case 'slow-disk':
      case 'failed-sync':
        return this.#spoilDisk(kind, name, fault, who);
      case 'unanswered':
        return this.#leaveUnanswered(name);
      case 'doubled':
        return this.#double(name);
    }
  }

  #victimOf({ victim, strikesLeader }: Fault): string {
    const leader = strikesLeader
      ? [...this.#options.members.values()].find(({ isLeading }) => isLeading)
      : undefined;
    return leader?.name ?? victim;
  }

  #member(name: string): Member | undefined {
    return this.#options.members.get(name);
  }

  #count(kind: Kind): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  #kill(name: string, forMs: number): boolean {
    const member = this.#member(name);
    if (member?.isUp !== true) return false;
    this.#count('kill');
    this.#straces.delete(member);
    this.#meanwhile(
      member.kill().then(() => {
        if (!this.#isOver) this.#after(forMs, () => member.start());
      }),
    );
    return true;
  }

  #stop(name: string, forMs: number): boolean {
    const member = this.#member(name);
    if (member?.isUp !== true || member.isStopped) return false;
    this.#count('stop');
    const { life } = member;
    member.stop();
    this.#after(forMs, () => {
      if (member.life === life) member.cont();
    });
    return true;
  }

  /** Bytes between both sides are held back: both ways, or what the one side says. */
  #partition(
    kind: 'partition' | 'one-way' | 'isolate',
    name: string,
    others: readonly string[],
    forMs: number,
  ): string {
    const { names, proxies } = this.#options;
    const inside = new Set([name, ...others]);
    const outside = names.filter((one) => !inside.has(one));
    if (outside.length === 0) return 'everybody is on one side';
    const blocked: Way[] = [];
    for (const one of inside) {
      for (const other of outside) {
        blocked.push(proxies.way(one, other));
        if (kind !== 'one-way') blocked.push(proxies.way(other, one));
      }
    }
    this.#count(kind);
    for (const way of blocked) way.block();
    this.#after(forMs, () => {
      for (const way of blocked) way.unblock();
    });
    const between = `${[...inside].join(' ')} ${kind === 'one-way' ? '-x->' : '|'} ${outside.join(' ')}`;
    return `${between}, for ${seconds(forMs)}`;
  }

  #cut(name: string, others: readonly string[], who: string): string {
    let connections = 0;
    for (const way of this.#between(name, others)) connections += way.cut();
    const ends = `${who} and ${others.join(', ')}`;
    if (connections === 0) return `no connection between ${ends}`;
    this.#count('cut');
    return `between ${ends}`;
  }

  /** What a client says next arrives, and its connections end before the answer comes. */
  #leaveUnanswered(name: string): string {
    const { proxies, members } = this.#options;
    let connections = 0;
    for (const other of members.keys()) connections += proxies.way(name, other).cutBehindNext();
    if (connections === 0) return `${name} has no connection`;
    this.#count('unanswered');
    return name;
  }

  /** What a client said comes once more, to everybody who is up, on connections of its own. */
  #double(name: string): string {
    const said = this.#options.echoes?.sayAgain(name) ?? 0;
    if (said === 0) return `${name} has said nothing yet`;
    this.#count('doubled');
    return `${name}, ${said} messages`;
  }

  #between(name: string, others: readonly string[]): Way[] {
    const { proxies } = this.#options;
    return others.flatMap((other) => [proxies.way(name, other), proxies.way(other, name)]);
  }

  #everywhere(kind: Kind, forMs: number, begin: (way: Way) => void, end: (way: Way) => void): void {
    const { names, proxies } = this.#options;
    const ways = names.flatMap((from) => names.map((to) => proxies.way(from, to)));
    this.#count(kind);
    for (const way of ways) begin(way);
    this.#after(forMs, () => {
      for (const way of ways) end(way);
    });
  }

  #clog(from: string, to: string, ms: number, forMs: number): void {
    const way = this.#options.proxies.way(from, to);
    way.setDelay(ms);
    this.#after(forMs, () => way.setDelay(0));
  }

  #throttle(name: string, bytesPerSecond: number, forMs: number): void {
    const ways = this.#between(name, this.#options.names);
    this.#count('throttle');
    for (const way of ways) way.setBytesPerSecond(bytesPerSecond);
    this.#after(forMs, () => {
      for (const way of ways) way.setBytesPerSecond(Number.POSITIVE_INFINITY);
    });
  }

  #spoilDisk(kind: 'slow-disk' | 'failed-sync', name: string, { forMs, amount }: Fault, who: string): string {
    const member = this.#member(name);
    const { pid } = member ?? {};
    if (member === undefined || pid === undefined || member.isStopped) return DOWN(name);
    if (this.#noStrace !== undefined) return `not here: ${this.#noStrace}`;
    if (this.#straces.has(member) || this.#attaching.has(member)) return `${name} has a bad disk already`;
    const isBroken = kind === 'failed-sync';
    const inject = isBroken ? 'fdatasync:error=EIO' : `fdatasync:delay_enter=${1000 * amount}`;
    if (isBroken) member.hasBadDisk = true;
    this.#meanwhile(this.#attach(member, pid, inject, isBroken ? DISK_FAILS_MS : forMs, isBroken));
    return isBroken ? `${who}: its next sync fails` : `${who}, ${amount} ms each, for ${seconds(forMs)}`;
  }

  async #attach(
    member: Member,
    pid: number,
    inject: string,
    forMs: number,
    isBroken: boolean,
  ): Promise<void> {
    this.#attaching.add(member);
    try {
      const strace = await Strace.attach(pid, inject);
      if (member.pid !== pid) return;
      this.#straces.set(member, { strace, pid });
      if (!isBroken) this.#count('slow-disk');
      this.#after(forMs, () => this.#meanwhile(this.#release(member)));
    } catch {
      // It ended in between.
    } finally {
      this.#attaching.delete(member);
    }
  }

  async #release(member: Member): Promise<void> {
    const attached = this.#straces.get(member);
    if (attached === undefined) return;
    this.#straces.delete(member);
    const { strace, pid } = attached;
    await strace.detach();
    if (strace.failures > 0) await this.#hasToEnd(member, pid, strace.failures);
    else if (member.pid === pid) member.hasBadDisk = false;
  }

  /** Nobody knows any more what is on its disk, so it must not go on as if nothing were. */
  async #hasToEnd(member: Member, pid: number, failures: number): Promise<void> {
    for (let look = 0; look < LOOKS; look++) {
      if (member.pid !== pid || member.isStopped) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    if (member.pid !== pid || member.isStopped) return;
    member.options.failed(`${member.name} goes on, although its disk failed to sync (${failures} times)`);
  }

  #meanwhile(work: Promise<void>): void {
    const done = work.finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  #after(ms: number, call: () => void): void {
    if (this.#isOver) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      call();
    }, ms);
    this.#timers.add(timer);
  }
}

const DOWN = (name: string) => `${name} is down or stopped already`;

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
