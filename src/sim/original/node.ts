/**
 * startOriginal: a node that behaves as the original's do, of whatever roles: every message, whichever connection it
 * comes by, is given to each of its roles.
 */
import type { Config } from '../../config/config.ts';
import { Role } from '../../transport/messages.ts';
import type { Transport } from '../../transport/transport.ts';
import type { SimDisk } from '../disk.ts';
import type { SimProcess } from '../process.ts';
import { text } from '../text.ts';
import type { Violation } from '../violation.ts';
import { OriginalAcceptor } from './acceptor.ts';
import { OriginalClient } from './client.ts';
import { OriginalLearner } from './learner.ts';
import { OriginalLinks } from './links.ts';
import { OriginalProposer } from './proposer.ts';

/** What an original client does. */
export interface OriginalWork {
  readonly outstanding: number;
  readonly values: number;
  readonly submitted: (value: string) => void;
}

export interface OriginalOptions {
  readonly config: Config;
  readonly roles: number;
  readonly id: number;
  readonly process: SimProcess;
  readonly transport: Transport;
  /** an acceptor's; of memory */
  readonly disk: SimDisk | undefined;
  /** a client's proposer, and its work */
  readonly proposerId: number;
  readonly work: OriginalWork;
  readonly delivered: (instanceId: number, value: Uint8Array) => void;
  readonly complain: (violation: Violation) => void;
}

/**
 * @returns what gives its proposer a value as a client does; undefined: it has none
 * @throws PaxosError ADDRESS_IN_USE
 */
export async function startOriginal(
  options: OriginalOptions,
): Promise<((value: Uint8Array) => void) | undefined> {
  const { config, roles, id, process, transport, complain } = options;
  const links: OriginalLinks = new OriginalLinks({
    process,
    transport,
    complain,
    receive: (link, message) => {
      acceptor?.receive(link, message);
      learner?.receive(message);
      proposer?.receive(message);
    },
  });
  const acceptor =
    options.disk === undefined
      ? undefined
      : new OriginalAcceptor({ id, process, links, storage: options.disk.open(process) });
  const proposer =
    (roles & Role.proposer) === 0
      ? undefined
      : new OriginalProposer({
          id,
          config,
          now: () => process.clock.now(),
          after: (delayMs, call) => process.after(delayMs, call),
          tellAcceptors: (message) => links.tellAcceptors(message),
        });
  const client = (roles & Role.client) === 0 ? undefined : clientOf(options, links);
  const learner =
    (roles & Role.learner) === 0
      ? undefined
      : new OriginalLearner({
          acceptors: config.acceptors.length,
          process,
          links,
          deliver: (instanceId, value) => {
            options.delivered(instanceId, value);
            proposer?.setInstanceId(instanceId);
            client?.delivered(text(value));
          },
        });

  const port = (acceptor === undefined ? config.proposers : config.acceptors)[id]?.port;
  if (port !== undefined && (acceptor !== undefined || proposer !== undefined)) await links.listen(port);
  if (proposer !== undefined || learner !== undefined)
    for (const address of config.acceptors) links.keepConnected(address);
  acceptor?.start();
  learner?.start();
  client?.start();
  // It prepares at once, and again when that has timed out: nobody is connected yet.
  proposer?.start();
  return proposer && ((value) => proposer.receive({ type: 'clientValue', value }));
}

function clientOf(options: OriginalOptions, links: OriginalLinks): OriginalClient | undefined {
  const { config, process, proposerId, work } = options;
  const proposer = config.proposers[proposerId];
  return proposer && new OriginalClient({ ...work, name: process.name, proposer, links });
}
