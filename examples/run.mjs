/**
 * Runs an example as three replicas on this machine, each a process, their lines side by side.
 *
 *   npm run example kv
 *
 * They keep what they know in a directory that is deleted at the end. Keys 0, 1 and 2 kill a replica with SIGKILL, or
 * start it again; s shows how they are, q or Ctrl-C ends all.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import picocolors from 'picocolors';

// Colours are for terminals; picocolors alone would use them wherever CI is set.
const pc = picocolors.createColors(process.stdout.isTTY === true && picocolors.isColorSupported);

/** @type {Record<string, string>} */
const EXAMPLES = {
  counter: 'three that add one every second each, and count the same',
  kv: 'a key-value store with compare-and-set and watch',
  lock: 'locks with leases and fencing tokens',
  election: 'one of several processes does the work',
  queue: 'a job queue, every job done at least once',
};
const IDS = [0, 1, 2];
const COLOURS = [pc.cyan, pc.yellow, pc.magenta];

/** Ports that are free now: all are held at once, so that none comes twice. */
async function freePorts() {
  const servers = IDS.map(() => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => Object(server.address()).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/** @param {string} directory */
async function writeConfig(directory) {
  const path = join(directory, 'paxos.conf');
  const replicas = (await freePorts()).map((port, id) => `replica ${id} 127.0.0.1 ${port}`);
  const storage = ['storage-backend lmdb', 'lmdb-sync yes', `lmdb-env-path ${join(directory, 'data')}`];
  writeFileSync(path, `${[...replicas, 'value-format commands', ...storage].join('\n')}\n`);
  return path;
}

class Example {
  /** @type {(import('node:child_process').ChildProcess | undefined)[]} */
  #children = [];
  #isEnding = false;
  #file;
  #config;

  /** @param {string} name @param {string} config */
  constructor(name, config) {
    this.#file = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
    this.#config = config;
  }

  /** @param {number} id */
  start(id) {
    const options = [...process.execArgv, this.#file, String(id), this.#config];
    const child = spawn(process.execPath, options, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#children[id] = child;
    say(id, pc.dim(`process ${child.pid}`));
    createInterface({ input: child.stdout }).on('line', (line) => say(id, line));
    createInterface({ input: child.stderr }).on('line', (line) => say(id, pc.red(line)));
    child.once('close', (code, signal) => {
      this.#children[id] = undefined;
      if (this.#isEnding) return;
      say(
        id,
        `${pc.red(signal === null ? `ended with code ${code}` : `ended by ${signal}`)}; the others go on`,
      );
    });
  }

  /** Kills a replica, or starts it again. @param {number} id */
  toggle(id) {
    if (this.#children[id] === undefined) this.start(id);
    else this.#children[id].kill('SIGKILL');
  }

  /** How they are, as `libpaxos status` says it. */
  status() {
    const cli = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
    spawn(process.execPath, [cli, 'status', this.#config], { stdio: ['ignore', 'inherit', 'inherit'] });
  }

  async end() {
    this.#isEnding = true;
    const running = this.#children.filter((child) => child !== undefined);
    await Promise.all(
      running.map((child) => {
        child.kill('SIGKILL');
        return once(child, 'close');
      }),
    );
  }
}

/** @param {number} id @param {string} line */
function say(id, line) {
  const colour = COLOURS[id] ?? pc.reset;
  console.log(`${colour(`replica ${id} |`)} ${line}`);
}

/** Until q, Ctrl-C, or a signal. @param {Example} example */
function untilEnded(example) {
  return new Promise((resolve) => {
    process.once('SIGINT', resolve).once('SIGTERM', resolve);
    if (process.stdin.isTTY) process.stdin.setRawMode(true);
    process.stdin.on('data', (keys) => {
      for (const key of keys.toString()) {
        if (key === 'q' || key === '\x03') resolve(undefined);
        if (key === 's') example.status();
        if (IDS.includes(Number(key)) && key.trim() !== '') example.toggle(Number(key));
      }
    });
  });
}

async function main(name = '') {
  const title = EXAMPLES[name];
  if (title === undefined) {
    const lines = Object.entries(EXAMPLES).map(
      ([known, what]) => `  npm run example ${known.padEnd(10)}${what}`,
    );
    console.log(`Which one?\n\n${lines.join('\n')}`);
    process.exitCode = 2;
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), `libpaxos-${name}-`));
  const example = new Example(name, await writeConfig(directory));
  console.log(`${pc.bold(name)}: ${title}. Three replicas, their data in ${directory}`);
  console.log(
    `Keys: ${pc.bold('0 1 2')} kill a replica or start it again, ${pc.bold('s')} shows how they are, ${pc.bold('q')} ends.\n`,
  );
  for (const id of IDS) example.start(id);
  await untilEnded(example);
  await example.end();
  rmSync(directory, { recursive: true });
  process.exit();
}

await main(process.argv[2]);
