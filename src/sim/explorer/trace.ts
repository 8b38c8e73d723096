/**
 * Traces: a way through the states as text: what each step was, and below it what it sent.
 *
 *    1  a0: p0→a0 prepare i=1 b=0 arrives
 *           a0→p0 promise a0 i=1 b=0 vb=0 value=-
 */
import type { Closure } from './closure.ts';
import type { LearnerSearch } from './learner-search.ts';
import { describeLetter } from './letter.ts';
import type { LetterSet } from './letters.ts';
import type { Event } from './node.ts';
import { FIRST_DELIVERY, NODE_UNIT, type Space } from './space.ts';

export function traceOf(
  space: Space,
  closure: Closure,
  learners: LearnerSearch,
  path: readonly number[],
  learned: readonly number[],
): string[] {
  const row = new Int32Array(space.width);
  space.start(row);
  const known: LetterSet = new Int32Array(space.words);
  const lines = ['      to begin with', ...news(space, row, known)];
  let number = 0;
  const tell = (name: string, code: number) => {
    lines.push(`${String(++number).padStart(4)}  ${name}: ${describeEvent(space.eventOf(code))}`);
  };
  for (const action of path) {
    const node = action % NODE_UNIT;
    for (const code of take(space, closure, row, node, Math.floor(action / NODE_UNIT)))
      tell(space.nameOf(node), code);
    lines.push(...news(space, row, known));
  }
  for (const [index, letter] of learned.entries()) {
    tell('learner', FIRST_DELIVERY + letter);
    for (const what of learners.after(learned.slice(0, index + 1))) lines.push(`        the learner ${what}`);
  }
  return lines;
}

/** Takes the step that a walk visits as its `ordinal`th, in place; all steps up to it. */
function take(space: Space, closure: Closure, row: Int32Array, node: number, ordinal: number): number[] {
  let visited = 0;
  const codes: number[] = [];
  closure.walk(row, node, (step, code) => {
    if (visited++ < ordinal) return false;
    codes.push(...closure.path(), code);
    if (closure.leadsOn(row, step, code)) space.apply(row, node, code, step, []);
    return true;
  });
  return codes;
}

/** What is in the network for the first time, a line each. */
function news(space: Space, row: Int32Array, known: LetterSet): string[] {
  const lines: string[] = [];
  for (let letter = 0; letter < space.letters.count; letter++) {
    const word = letter >> 5;
    if ((space.network(row, word) & ~(known[word] ?? 0) & (1 << (letter & 31))) === 0) continue;
    lines.push(`        ${describeLetter(space.letters.facts(letter).letter)}`);
  }
  known.set(space.networkOf(row));
  return lines;
}

function describeEvent(event: Event): string {
  switch (event.type) {
    case 'deliver':
      return `${describeLetter(event.letter)} arrives`;
    case 'raise':
      return 'its time runs out: it takes a higher ballot';
    case 'step-down':
      return 'gives its ballot up';
    case 'restart':
      return 'its process ends, and another begins';
    case 'sync':
      return 'what it wrote is on disk';
    case 'repeat':
      return 'is asked for what it accepted';
    case 'lost':
      return `loses its connection to a${event.acceptorId}`;
  }
}
