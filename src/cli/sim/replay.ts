/**
 * replay: one seed again, and what was said. A first run finds what went wrong; a second one, which is the same, shows
 * the messages that concern it.
 */
import { Ladder, type Report, Simulation, Violation } from '../../sim/index.ts';
import { CommandFailed, type Io } from '../io.ts';
import { planLines } from './view.ts';

/** How many lines are shown when nobody asked for more. */
const LAST_LINES = 60;
const MAX_LINES = 5000;

export interface ReplayOptions {
  readonly seed: number;
  /** virtual ms */
  readonly between: readonly [from: number, to: number] | undefined;
  readonly instanceId: number | undefined;
}

/** @throws CommandFailed if the seed found a fault */
export async function replay(io: Io, { seed, between, instanceId }: ReplayOptions): Promise<void> {
  const first = await outcome(new Simulation({ seed }));
  const violation = first instanceof Violation ? first : undefined;
  const isAsked = between !== undefined || instanceId !== undefined;
  const ladder = new Ladder({
    between,
    instanceId: isAsked ? instanceId : violation?.instanceId,
    lines: isAsked ? MAX_LINES : LAST_LINES,
  });
  const simulation = new Simulation({ seed, trace: ladder.trace });
  await outcome(simulation);

  const lines = planLines(seed, simulation.plan);
  if (violation !== undefined || isAsked) lines.push('', ...ladder.draw(simulation.names), '');
  if (!(first instanceof Violation)) lines.push(...reportLines(first));
  io.out(`${lines.join('\n')}\n`);
  if (violation !== undefined) throw new CommandFailed(violation.message);
}

async function outcome(simulation: Simulation): Promise<Report | Violation> {
  try {
    return await simulation.run();
  } catch (error) {
    if (error instanceof Violation) return error;
    throw error;
  }
}

function reportLines({ events, virtualMs, chosen, duplicates, hash }: Report): string[] {
  const seconds = (virtualMs / 1000).toFixed(1);
  const twice = duplicates === 0 ? '' : `, ${duplicates} values twice`;
  return [
    `no violation: ${events} events, ${seconds} s of virtual time, ${chosen} instances chosen${twice}`,
    `hash ${hash.toString(16).padStart(8, '0')}`,
  ];
}
