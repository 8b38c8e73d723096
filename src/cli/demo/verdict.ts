/**
 * Verdict: whether everybody delivered the same, and whether anything that was submitted is missing. Looks at digests:
 * two sequences with the same SHA-256 at an instance are the same up to there.
 */
import { CommandFailed } from '../io.ts';
import type { Member } from './cluster.ts';

/** What the client and the learner in this process have seen. */
export interface Witness {
  readonly submitted: number;
  readonly learned: number;
  readonly heard: { readonly different: number; readonly strangers: number };
  readonly delivered: number;
  readonly digest: string;
  readonly digests: ReadonlyMap<number, string>;
}

export interface Verdict {
  readonly values: number;
  readonly instances: number;
  /** values that were chosen in two instances, since their leader was lost before it could say that they were chosen */
  readonly twice: number;
  readonly digest: string;
}

/** @throws CommandFailed with the first thing that is wrong */
export function judge(
  members: readonly Pick<Member, 'id' | 'delivered' | 'digests'>[],
  witness: Witness,
): Verdict {
  const { submitted, learned, heard, delivered, digest } = witness;
  for (const member of members) checkSequence(member, witness);
  if (learned < submitted) {
    throw new CommandFailed(`${submitted - learned} of ${submitted} values were not chosen`);
  }
  if (heard.different < submitted) {
    throw new CommandFailed(
      `${submitted - heard.different} values that the client learned were not delivered`,
    );
  }
  if (heard.strangers > 0)
    throw new CommandFailed(`${heard.strangers} values were delivered that nobody submitted`);
  return { values: submitted, instances: delivered, twice: delivered - heard.different, digest };
}

function checkSequence(
  { id, delivered, digests }: Pick<Member, 'id' | 'delivered' | 'digests'>,
  witness: Witness,
): void {
  for (const [instanceId, seen] of digests) {
    if (seen.size > 1) {
      throw new CommandFailed(
        `replica ${id} delivered something else after its restart, at or below instance ${instanceId}`,
      );
    }
    const expected = instanceId === witness.delivered ? witness.digest : witness.digests.get(instanceId);
    if (expected === undefined || seen.has(expected)) continue;
    throw new CommandFailed(`replica ${id} and the learner differ, at or below instance ${instanceId}`);
  }
  if (delivered !== witness.delivered || !digests.has(delivered)) {
    throw new CommandFailed(`replica ${id} is at instance ${delivered}, the learner at ${witness.delivered}`);
  }
}
