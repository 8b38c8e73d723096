/**
 * Words: what a person wrote, repeated safely, and the valid word that was probably meant.
 */

/** Longer words are not compared: nothing we know is that long. */
const MAX_COMPARED = 40;

/** No more of what was written than this is repeated. */
const MAX_QUOTED = 60;

/** What people write who mean yes or no. */
const MEANT: ReadonlyMap<string, string> = new Map([
  ['true', 'yes'],
  ['on', 'yes'],
  ['1', 'yes'],
  ['enable', 'yes'],
  ['enabled', 'yes'],
  ['false', 'no'],
  ['off', 'no'],
  ['0', 'no'],
  ['disable', 'no'],
  ['disabled', 'no'],
]);

/**
 * How many letters to insert, delete, replace or swap with their neighbour to make `a` into `b` (the optimal string
 * alignment distance: Damerau's four kinds of misspelling, none of them twice in one place).
 */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        at(above, column) + 1,
        at(current, column - 1) + 1,
        at(above, column - 1) + (same ? 0 : 1),
        swapped ? at(before, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
    before = above;
    above = current;
  }
  return at(above, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}

/**
 * Ends a sentence about a wrong word: `did you mean "replica"?`, or, if nothing is close, which word is the nearest.
 * Upper and lower case are one.
 */
export function suggest(word: string, valid: readonly string[]): string {
  const lower = word.toLowerCase();
  const meant = MEANT.get(lower);
  if (meant !== undefined && valid.includes(meant)) return `did you mean "${meant}"?`;

  let nearest = '';
  let smallest = Number.POSITIVE_INFINITY;
  for (const candidate of valid) {
    const name = candidate.toLowerCase();
    const begun = lower.length > 0 && name.startsWith(lower);
    const distance = begun ? 1 : editDistance(lower.slice(0, MAX_COMPARED), name);
    if (distance < smallest) [nearest, smallest] = [candidate, distance];
  }
  const close = smallest <= Math.max(1, Math.floor(nearest.length / 3));
  return close ? `did you mean "${nearest}"?` : `the nearest that exists is "${nearest}"`;
}

/** What a person wrote, in quotes, shortened, and harmless to a terminal. */
export function quote(text: string): string {
  const shown = text.length > MAX_QUOTED ? `${text.slice(0, MAX_QUOTED)}…` : text;
  return `"${shown.replace(/[\p{Cc}\p{Cf}]/gu, '?')}"`;
}
