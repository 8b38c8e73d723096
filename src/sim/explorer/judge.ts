/**
 * Judge: what must hold in every state, looked at when a letter is new or somebody claims something. A value is chosen
 * once a quorum of acceptors accepted it at one ballot; what acceptors answered is in the network for ever, so that the
 * network tells.
 */
import { countAcceptors, quorumSize } from '../../paxos/quorum.ts';
import { describeLetter } from './letter.ts';
import type { LetterSet, VoteGroup } from './letters.ts';
import { valueFrom } from './limits.ts';
import { type Claim, type Fault, textOf } from './node.ts';
import type { Space } from './space.ts';

function sent(space: Space, row: Int32Array, number: number, faults: Fault[]): void {
  const { letter, clashes, group } = space.letters.facts(number);
  const { body } = letter;
  if (body.type !== 'accept' && group === undefined) return;
  if (body.type === 'accept') mustBeSubmitted(space, body.instanceId, textOf(body.value), faults);
  const network = space.networkOf(row);
  for (let word = 0; word < space.words; word++) {
    const clash = (clashes[word] ?? 0) & (network[word] ?? 0);
    if (clash === 0) continue;
    const other = space.letters.facts(word * 32 + 31 - Math.clz32(clash)).letter;
    faults.push({
      check: 'ballots',
      what: `one ballot carries two values: ${describeLetter(other)}, and ${describeLetter(letter)}`,
    });
    break;
  }
  if (group !== undefined && isChosen(space, network, group)) mustAgree(space, row, group, faults);
}

function mustAgree(space: Space, row: Int32Array, group: VoteGroup, faults: Fault[]): void {
  const network = space.networkOf(row);
  for (const other of space.letters.groups) {
    if (other.instanceId !== group.instanceId || other.value === group.value) continue;
    if (!isChosen(space, network, other)) continue;
    const { instanceId } = group;
    const what = (one: VoteGroup) => `"${one.value}" at ballot ${one.ballot}`;
    faults.push({
      check: 'agreement',
      what: `two values are chosen in instance ${instanceId}: ${what(other)} and ${what(group)}`,
    });
    return;
  }
  if (space.configuration.replicas) space.tell(row, space.letters.number(newsOf(group)));
}

function newsOf({ instanceId, ballot, value }: VoteGroup) {
  const body = { type: 'delivered', instanceId, ballot, value: new TextEncoder().encode(value) } as const;
  return { from: 'learner', to: 'proposers', process: 0, body } as const;
}

/** A node takes values for chosen, or delivers them: a quorum has to have accepted each. */
function claimed(
  space: Space,
  row: Int32Array,
  node: number,
  claims: readonly Claim[],
  faults: Fault[],
): void {
  for (const claim of claims) mustBeChosen(space, space.networkOf(row), space.nameOf(node), claim, faults);
}

function mustBeChosen(space: Space, network: LetterSet, name: string, claim: Claim, faults: Fault[]): void {
  const { instanceId, value } = claim;
  for (const group of space.letters.groups)
    if (group.instanceId === instanceId && group.value === value && isChosen(space, network, group)) return;
  faults.push({
    check: 'learning',
    what: `${name} takes "${value}" for chosen in instance ${instanceId}: no quorum accepted it`,
  });
}

function mustBeSubmitted(space: Space, instanceId: number, value: string, faults: Fault[]): void {
  const { proposers, proposerRestarts, instances } = space.configuration;
  for (let p = 0; p < proposers; p++)
    for (let process = 1; process <= proposerRestarts + 1; process++)
      for (let i = 1; i <= instances; i++) if (textOf(valueFrom(p, process, i)) === value) return;
  faults.push({
    check: 'validity',
    what: `"${value}" is proposed in instance ${instanceId}; nobody submitted it`,
  });
}

function isChosen({ configuration }: Space, network: LetterSet, { votes }: VoteGroup): boolean {
  let count = 0;
  for (let word = 0; word < votes.length; word++)
    count += countAcceptors((votes[word] ?? 0) & (network[word] ?? 0));
  return count >= quorumSize(configuration.acceptors);
}

export const judge = { sent, claimed, mustBeChosen };
