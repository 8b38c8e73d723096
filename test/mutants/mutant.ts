/**
 * A mutant: one small fault, planted on purpose in the code that is used in production, to see who catches it.
 *
 * Its edits name what they replace by its text, which must be there exactly once: when the code changes, the list
 * breaks loudly, instead of planting nothing.
 */

export interface Edit {
  /** from the root of the project: `src/paxos/quorum.ts` */
  readonly file: string;
  /** what stands there, exactly once */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  readonly id: string;
  /** one sentence: what the code does wrong now */
  readonly breaks: string;
  /** several where one fault is guarded against in several places */
  readonly edits: readonly [Edit, ...Edit[]];
  /** true: only seeds of commands can show it; the others are passed over, and counted as run */
  readonly isOfCommands?: boolean;
  /** for what no seed can show: why, and the tests that do */
  readonly beyond?: { readonly why: string; readonly tests: readonly string[] };
}

/** The text of a file of the project, after those edits of a mutant that concern it. */
export function edited(mutant: Mutant, file: string, text: string): string {
  let result = text;
  for (const edit of mutant.edits) {
    if (edit.file !== file) continue;
    const parts = result.split(edit.find);
    if (parts.length !== 2) {
      const times = parts.length === 1 ? 'nowhere' : `${parts.length - 1} times`;
      throw new Error(`mutant ${mutant.id}: its text is ${times} in ${file}, not once: ${edit.find}`);
    }
    result = parts.join(edit.replace);
  }
  return result;
}

/** The files that a mutant changes, each once. */
export function filesOf(mutant: Mutant): readonly string[] {
  return [...new Set(mutant.edits.map(({ file }) => file))];
}
