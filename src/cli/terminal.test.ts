import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { type Io, stopped } from './io.ts';
import { type ProcessLike, runInProcess } from './terminal.ts';

/** A stream that keeps what is written to it, a string for each write. */
class Kept extends Writable {
  readonly writes: string[] = [];
  readonly isTTY: boolean;
  readonly columns = 80;
  readonly rows = 24;

  constructor(isTTY = false) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
  }

  override _write(text: string, _encoding: string, done: () => void): void {
    this.writes.push(text);
    done();
  }
}

class FakeProcess extends EventEmitter implements ProcessLike {
  readonly argv = ['node', 'libpaxos', 'client', '-h'];
  readonly execPath = 'node';
  readonly execArgv = ['--flag'];
  readonly stdout: Kept;
  readonly stderr = new Kept();
  readonly exits: number[] = [];
  exitCode: number | undefined;

  constructor(stdout = new Kept()) {
    super();
    this.stdout = stdout;
  }

  exit(code: number): void {
    this.exits.push(code);
  }

  cwd(): string {
    return 'here';
  }
}

describe('a command in a process', () => {
  it('gets the words after the program, and leaves its exit code', async () => {
    const process = new FakeProcess();
    await runInProcess(process, async (argv, io) => {
      expect(argv).toEqual(['client', '-h']);
      expect(io.directory).toBe('here');
      expect(io.program).toEqual(['node', '--flag', 'libpaxos']);
      return 7;
    });
    expect(process.exitCode).toBe(7);
    expect(process.exits).toEqual([]);
  });

  it.each([
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ])('ends cleanly at %s, and at once at a second signal', async (signal, number) => {
    const process = new FakeProcess();
    await runInProcess(process, async (_argv, io) => {
      process.emit(signal);
      await stopped(io.stop);
      expect(io.stop.reason).toBe(number);
      expect(process.exits).toEqual([]);
      process.emit('SIGTERM');
      expect(process.exits).toEqual([128 + 15]);
      return 0;
    });
  });

  it('writes what is printed in one turn at once, before what goes to standard error', async () => {
    const process = new FakeProcess();
    await runInProcess(process, async (_argv, io) => {
      io.out('a\n');
      io.out('b\n');
      await Promise.resolve();
      io.out('c\n');
      io.err('d\n');
      expect(process.stdout.writes).toEqual(['a\nb\n', 'c\n']);
      expect(process.stderr.writes).toEqual(['d\n']);
      io.out('e');
      return 0;
    });
    expect(process.stdout.writes.join('')).toBe('a\nb\nc\ne');
  });

  it('does not gather without end', async () => {
    const process = new FakeProcess();
    await runInProcess(process, async (_argv, io) => {
      for (let i = 0; i < 100; i++) io.out('x'.repeat(1000));
      expect(process.stdout.writes.length).toBe(1);
      return 0;
    });
    expect(process.stdout.writes.join('').length).toBe(100_000);
  });

  it('ends quietly when nobody reads its output any more', async () => {
    const process = new FakeProcess();
    await runInProcess(process, async (_argv, io) => {
      process.stdout.emit('error', Object.assign(new Error('broken pipe'), { code: 'EPIPE' }));
      await stopped(io.stop);
      io.out('unheard');
      return 0;
    });
    expect(process.exitCode).toBe(0);
    expect(process.stdout.writes).toEqual([]);
    expect(process.stderr.writes).toEqual([]);
  });

  it('ends with an error when its output cannot be written', async () => {
    const process = new FakeProcess();
    await runInProcess(process, async (_argv, io) => {
      process.stdout.emit('error', Object.assign(new Error('no space left on device'), { code: 'ENOSPC' }));
      await stopped(io.stop);
      return 0;
    });
    expect(process.exitCode).toBe(1);
    expect(process.stderr.writes).toEqual(['error: cannot write the output: no space left on device\n']);
  });

  it('knows a terminal, and its size', async () => {
    const seen = async (isTTY: boolean) => {
      const worlds: Io[] = [];
      await runInProcess(new FakeProcess(new Kept(isTTY)), async (_argv, io) => {
        worlds.push(io);
        return 0;
      });
      return worlds[0];
    };
    expect((await seen(true))?.screen()).toEqual({ columns: 80, rows: 24 });
    const piped = await seen(false);
    expect(piped?.screen()).toBeUndefined();
    expect(piped?.colours).toBe(false);
  });
});
