import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanText, type NodeReport, parseReport } from './report.ts';

const WHOLE: NodeReport = {
  roles: 7,
  id: 2,
  upMs: 60_000,
  isLeading: true,
  ballot: 22,
  leaderBallot: 22,
  chosen: 41,
  delivered: 40,
  acceptor: { highestBallot: 22, accepted: 43, trimmed: 7 },
  storage: {
    backend: 'lmdb',
    durability: 'synced',
    bytes: 8192,
    limitBytes: 16_384,
    stalledMs: 0,
    isReplaced: false,
  },
  waiting: { values: 3, bytes: 300 },
  peers: { replicas: 2, acceptors: 0, proposers: 0, learners: 1, clients: 1, others: 0 },
  lost: [{ acceptorId: 1, ms: null }],
  lastError: { text: 'the disk is full', agoMs: 12 },
};

describe('parseReport', () => {
  it('reads what a node writes', () => {
    expect(parseReport(JSON.stringify(WHOLE))).toEqual(WHOLE);
  });

  it('passes over what it does not know', () => {
    const later = { ...WHOLE, moon: 'full', storage: { ...WHOLE.storage, temperature: [1] } };
    expect(parseReport(JSON.stringify(later))).toEqual(WHOLE);
  });

  it('takes what is missing, or of a wrong kind, for nothing', () => {
    const report = parseReport('{"id":-1,"upMs":1.5,"chosen":"7","acceptor":[],"lost":[3,{}],"isLeading":1}');
    expect(report).toMatchObject({ id: 0, upMs: 0, chosen: 0, isLeading: false, delivered: null });
    expect(report?.acceptor).toBeNull();
    expect(report?.lost).toEqual([{ acceptorId: 0, ms: null }]);
  });

  it.each(['', '7', 'null', '[]', '{', '"up"'])('is undefined for %j', (text) => {
    expect(parseReport(text)).toBeUndefined();
  });

  it('lets no text through that would steer a terminal, or fill it', () => {
    const text = `\u001b[2J${'x'.repeat(1000)}`;
    const report = parseReport(JSON.stringify({ lastError: { text, agoMs: 0 } }));
    expect(report?.lastError?.text).toBe(cleanText(text));
    expect(cleanText(text)).toMatch(/^\u{fffd}\[2Jx{196}$/u);
  });

  it('never throws, whatever comes', () => {
    const names = fc.constantFrom(...Object.keys(WHOLE), 'text', 'ms', '__proto__', 'constructor');
    const any = fc.dictionary(names, fc.anything());
    fc.assert(fc.property(any, (read) => void parseReport(JSON.stringify(read) ?? '')));
    fc.assert(fc.property(fc.string(), (text) => void parseReport(text)));
  });
});
