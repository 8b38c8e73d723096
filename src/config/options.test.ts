import { describe, expect, it } from 'vitest';
import { DEFAULT_OPTIONS, expectedValue, formatBytes, formatValue, OPTIONS } from './options.ts';
import { checkTogether, checkValue, doubtsBetween } from './values.ts';

describe('the table of options', () => {
  it('has the directives and defaults of the original', () => {
    const original = OPTIONS.filter(({ section }) => section !== 'ours');
    const lines = original.map((option) => `${option.directive} ${formatValue(option, DEFAULT_OPTIONS)}`);
    expect(lines).toEqual([
      'verbosity info',
      'tcp-nodelay yes',
      'learner-catch-up yes',
      'proposer-timeout 1',
      'proposer-preexec-window 128',
      'storage-backend memory',
      'acceptor-trash-files no',
      'lmdb-sync no',
      'lmdb-env-path /tmp/acceptor',
      'lmdb-mapsize 10mb',
    ]);
  });

  it('adds our own directives with their defaults', () => {
    const ours = OPTIONS.filter(({ section }) => section === 'ours');
    const lines = ours.map((option) => `${option.directive} ${formatValue(option, DEFAULT_OPTIONS)}`);
    expect(lines).toEqual([
      'cluster-name libpaxos',
      'leader-timeout 500',
      'heartbeat-interval 100',
      'max-message 64mb',
      'max-peer-backlog 16mb',
      'max-waiting 64mb',
      'value-format raw',
      'read-lease 0',
      'busy-poll 100',
      'snapshot-log-size 64mb',
      'snapshot-interval 300',
    ]);
  });

  it('has each directive and each key once', () => {
    expect(new Set(OPTIONS.map(({ directive }) => directive)).size).toBe(OPTIONS.length);
    expect(OPTIONS.map(({ key }) => key)).toEqual(Object.keys(DEFAULT_OPTIONS));
  });

  it.each(OPTIONS)('explains $directive in whole sentences', ({ sentence }) => {
    expect(sentence).toMatch(/^[A-Z].*\.$/);
    expect(sentence).not.toContain('  ');
  });

  it.each(OPTIONS)('holds the default of $directive to be valid', (option) => {
    expect(checkValue(option, DEFAULT_OPTIONS[option.key])).toBeUndefined();
  });

  it('holds the defaults to fit together', () => {
    expect(checkTogether(DEFAULT_OPTIONS)).toEqual([]);
    expect(doubtsBetween(DEFAULT_OPTIONS)).toEqual([]);
  });

  it('doubts a lease where nothing is read', () => {
    const raw = doubtsBetween({ ...DEFAULT_OPTIONS, readLeaseMs: 100 });
    expect(raw.map(({ key }) => key)).toEqual(['readLeaseMs']);
    expect(doubtsBetween({ ...DEFAULT_OPTIONS, readLeaseMs: 100, valueFormat: 'commands' })).toEqual([]);
  });

  it('says of every kind what it takes', () => {
    const takes = new Map(OPTIONS.map((option) => [option.directive, expectedValue(option)]));
    expect(takes.get('tcp-nodelay')).toBe('yes or no');
    expect(takes.get('verbosity')).toBe('quiet, error, info or debug');
    expect(takes.get('leader-timeout')).toBe('50 to 60000 milliseconds');
    expect(takes.get('max-message')).toBe('1kb to 1gb');
    expect(takes.get('lmdb-env-path')).toBe('a path, to the end of the line');
    expect(takes.get('cluster-name')).toBe(
      'a name of 1 to 64 letters, digits, dots, underscores and hyphens',
    );
  });
});

describe('formatBytes', () => {
  it.each([
    [0, '0'],
    [1023, '1023'],
    [1024, '1kb'],
    [1025, '1025'],
    [1536 * 1024, '1536kb'],
    [10 * 1024 * 1024, '10mb'],
    [3 * 1024 ** 3, '3gb'],
  ])('writes %i as %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
