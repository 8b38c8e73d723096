/**
 * Pages: the shipped paxos.conf and docs/configuration.md, written from the table of options, so that neither can say
 * anything else than what is parsed. A test compares the files with these texts; `npx vitest run src/config -u`
 * writes them anew.
 */
import { describeConfig } from './describe.ts';
import { markdownTable, wrap } from './layout.ts';
import {
  DEFAULT_OPTIONS,
  expectedValue,
  formatValue,
  OPTIONS,
  type Option,
  type Section,
} from './options.ts';
import { parseConfig } from './parse.ts';

const SECTIONS: readonly { readonly section: Section; readonly title: string; readonly note?: string }[] = [
  { section: 'every node', title: 'Every node' },
  { section: 'learners', title: 'Learners' },
  { section: 'proposers', title: 'Proposers' },
  { section: 'acceptors', title: 'Acceptors' },
  { section: 'lmdb', title: 'Acceptors with storage-backend lmdb' },
  {
    section: 'ours',
    title: 'Unknown to the original',
    note:
      'The original, LibPaxos3 in C, ends on directives that it does not know. Where nodes of both kinds share this ' +
      'file, put these into a second file beside it, named like it with .ours behind: paxos.conf.ours.',
  },
];

/** The shipped paxos.conf: three replicas on this machine, every option as a comment at its default. */
export function paxosConf(): string {
  const lines = [
    '# paxos.conf: the nodes of a cluster and their options. Every node of the cluster reads the same.',
    '# A line #directive value, without a space behind the #, shows a default: remove the # to change it.',
    '# What a file means, and what is wrong with it, says: npx libpaxos config paxos.conf',
    '',
    ...wrap(
      'A replica is an acceptor and a proposer on one port: ID, address or host name, port. IDs count from 0, in the ' +
        'order of the lines; at most 10. Most of the acceptors must be up: 2 of 3, 3 of 5.',
      '# ',
    ),
    'replica 0 127.0.0.1 8800',
    'replica 1 127.0.0.1 8801',
    'replica 2 127.0.0.1 8802',
    '',
    '# The roles can also run apart, each on its own port:',
    '#acceptor 0 127.0.0.1 8800',
    '#proposer 0 127.0.0.1 5550',
  ];
  for (const { section, title, note } of SECTIONS) {
    lines.push('', `# ${title} ${'-'.repeat(76 - title.length)}`);
    if (note !== undefined) lines.push(...wrap(note, '# '));
    for (const option of optionsOf(section)) {
      lines.push('', ...wrap(`${option.sentence} Takes ${expectedValue(option)}.`, '# '));
      lines.push(`#${option.directive} ${formatValue(option, DEFAULT_OPTIONS)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** docs/configuration.md: the same for people who read, with the rules of the file. */
export function configurationPage(): string {
  const lines = [HEAD];
  for (const { section, title, note } of SECTIONS) {
    lines.push(`### ${title}`, '');
    if (note !== undefined) lines.push(note, '');
    const rows = optionsOf(section).map((option) => [
      `\`${option.directive}\``,
      expectedValue(option),
      `\`${formatValue(option, DEFAULT_OPTIONS)}\``,
      option.sentence,
    ]);
    lines.push(...markdownTable([['directive', 'value', 'default', 'meaning'], ...rows]), '');
  }
  lines.push(TAIL, '', '```', '$ npx libpaxos config paxos.conf');
  lines.push(...describeConfig(parseConfig(paxosConf(), 'paxos.conf')), '```');
  return `${lines.join('\n')}\n`;
}

function optionsOf(section: Section): readonly Option[] {
  return OPTIONS.filter((option) => option.section === section);
}

const HEAD = `# Configuration

Every node of a cluster reads the same \`paxos.conf\`: which nodes there are, and with which options they work.
It is the file of LibPaxos3 in C, with its directives and defaults; nodes of both kinds can share one.

    replica 0 10.0.0.1 8800
    replica 1 10.0.0.2 8800
    replica 2 10.0.0.3 8800

    storage-backend lmdb
    lmdb-sync       yes
    lmdb-env-path   /var/lib/paxos/acceptor

\`npx libpaxos config paxos.conf\` checks a file and says what it means.

## The file

One directive a line. Lines that are empty or begin with \`#\` are passed over, keywords may be in upper or lower
case, and text after an address or a number is ignored. Tabs, indentation, lines of spaces and Windows' line ends are
taken too; the original fails on some of these, so avoid them where its nodes share the file.

What is wrong is reported whole, not only the first of it, with file, line and the word that was probably meant:

    paxos.conf:7: unknown directive "replcia"; did you mean "replica"?

Wrong is: a directive that does not exist, a value that does not fit, an ID or an address that two nodes of one
role have, a port outside 1 to 65535, no acceptor, more than 10 acceptors or 10 proposers. A directive that stands
there twice, an ID that is not its position, and text that was ignored where a unit may have been meant, are warnings.

## Nodes

${markdownTable([
  ['directive', 'short', 'meaning'],
  ['`replica ID ADDRESS PORT`', '`r`', 'an acceptor and a proposer on one port'],
  ['`acceptor ID ADDRESS PORT`', '`a`', 'an acceptor: remembers what was promised and accepted'],
  ['`proposer ID ADDRESS PORT`', '`p`', 'a proposer: takes values from clients and has them chosen'],
]).join('\n')}

A node's id is its position among the lines of its role, from 0, in the order of the file; a replica line counts as
acceptor and as proposer. The written ID should say the same. If it does not, the position counts, as in the
original, and there is a warning. ADDRESS is an IPv4 or IPv6 address or a host name, which is looked up at every
attempt to connect; the original takes only IPv4. Nodes listen on PORT of every interface.

A quorum is more than half of the acceptors: of 3 one may be away, of 5 two. The number of acceptors is fixed for
the life of the cluster.

## Options

Sizes take the units kb, mb and gb (1024, 1024², 1024³ bytes), with or without a space: \`10mb\`, \`10 MB\`.
`;

const TAIL = `## A second file for what the original does not know

An original node ends when its file has a directive that it does not know. So, in a cluster of both kinds, let
everybody read the common \`paxos.conf\`, and put directives of the last table into \`paxos.conf.ours\` beside it: if a
file of that name (that of the first with \`.ours\` behind) exists, our nodes read it after the first. Only those
directives may stand in it. If one stands in both files, the second counts, with a warning.

    # paxos.conf.ours
    cluster-name   orders
    leader-timeout 300

## In a program

    import { makeConfig, readConfig } from 'libpaxos/config';

    const { config, warnings } = readConfig('paxos.conf');
    const inTests = makeConfig({ replicas: [{ host: '127.0.0.1', port: 8800 }] }, { verbosity: 'quiet' });

Both check the same and throw a \`PaxosError\`: \`CONFIG_UNREADABLE\`, or \`CONFIG_INVALID\` with a line for every
problem. \`configText(config)\` writes a file that reads back as the same config.

## What a file means

Of the shipped \`paxos.conf\`, three replicas on one machine with every option at its default:`;
