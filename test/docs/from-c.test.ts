/** docs/from-c.md against the package: every counterpart it names is exported by the modules its section names. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Exports } from './exports.ts';
import { tableRows } from './markdown.ts';

const page = readFileSync(new URL('../../docs/from-c.md', import.meta.url), 'utf8');
const exports = new Exports();

/** Built into the language. */
const GLOBALS = ['Uint8Array', 'Map'];

interface Counterpart {
  readonly of: string;
  readonly names: readonly string[];
  readonly modules: readonly string[];
}

/** Every row of every section: the functions in C, and the names here. */
function counterparts(): readonly Counterpart[] {
  return page.split(/^## /m).flatMap((section) => {
    const heading = section.slice(0, section.indexOf('\n'));
    const modules = spans(heading).filter((name) => name.startsWith('libpaxos'));
    return tableRows(section).map(([of = '', here = '']) => ({ of, names: spans(here), modules }));
  });
}

function spans(text: string): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
}

function isExported({ modules }: Counterpart, name: string): boolean {
  return GLOBALS.includes(name) || modules.some((module) => exports.has(module, name));
}

function isAnywhere(name: string): boolean {
  return exports.modules.some((module) => exports.has(module, name));
}

describe('docs/from-c.md', () => {
  const rows = counterparts();

  it('has a counterpart for every function of the public headers', () => {
    const documented = rows.flatMap(({ of }) => spans(of)).join(' ');
    const missing = PUBLIC_FUNCTIONS.filter((name) => !new RegExp(`\\b${name}\\b`).test(documented));
    expect(missing).toEqual([]);
  });

  it('names only what the package exports', () => {
    const missing = rows.flatMap((row) => row.names.filter((name) => !isExported(row, name)));
    expect(missing).toEqual([]);
  });

  it('says of every row what takes its place, or that nothing has to', () => {
    const words = /^(nothing|an array)$/;
    const empty = rows.filter(({ names, of }) => names.length === 0 && !words.test(hereOf(of)));
    expect(empty).toEqual([]);
  });

  it('names nothing of the package elsewhere that is not exported', () => {
    const names = spans(page).filter((name) => /^[A-Z][a-z]\w*(\.\w+)?$/.test(name));
    const missing = names.filter(
      (name) => !['AbortSignal', 'Symbol.asyncDispose', ...GLOBALS].includes(name) && !isAnywhere(name),
    );
    expect(missing).toEqual([]);
  });

  it('would notice a name that is not exported', () => {
    expect(exports.has('libpaxos', 'Replica.setInstanceId')).toBe(true);
    expect(exports.has('libpaxos', 'Replica.setInstance')).toBe(false);
    expect(exports.has('libpaxos', 'Node')).toBe(false);
    expect(exports.has('libpaxos/paxos', 'Storage.commit')).toBe(true);
  });
});

function hereOf(c: string): string {
  return tableRows(page).find(([of]) => of === c)?.[1] ?? '';
}

/** Names alone, as they stand in the headers of the original. */
const PUBLIC_FUNCTIONS: readonly string[] = `
  acceptor_free acceptor_new acceptor_receive_accept acceptor_receive_prepare acceptor_receive_repeat
  acceptor_receive_trim acceptor_set_current_state carray_empty carray_foreach carray_free carray_new
  carray_pop_front carray_push_back carray_size evacceptor_free evacceptor_init evlearner_free
  evlearner_init evlearner_send_trim evlearner_set_instance_id evpaxos_acceptor_address
  evpaxos_acceptor_count evpaxos_acceptor_listen_port evpaxos_config_free evpaxos_config_read
  evpaxos_proposer_address evpaxos_proposer_listen_port evpaxos_replica_count evpaxos_replica_free
  evpaxos_replica_init evpaxos_replica_send_trim evpaxos_replica_set_instance_id
  evpaxos_replica_submit evproposer_free evproposer_init evproposer_set_instance_id
  learner_deliver_next learner_free learner_has_holes learner_new learner_receive_accepted
  learner_set_instance_id paxos_accept_destroy paxos_accepted_destroy paxos_accepted_free
  paxos_accepted_from_buffer paxos_accepted_to_buffer paxos_log paxos_log_debug paxos_log_error
  paxos_log_info paxos_message_destroy paxos_promise_destroy paxos_quorum paxos_submit
  paxos_value_free paxos_value_new proposer_accept proposer_free proposer_new proposer_prepare
  proposer_prepared_count proposer_propose proposer_receive_accepted proposer_receive_acceptor_state
  proposer_receive_preempted proposer_receive_promise proposer_set_instance_id
  proposer_timeout_iterator quorum_add quorum_clear quorum_destroy quorum_init quorum_reached
  storage_close storage_get_record storage_get_trim_instance storage_init storage_init_lmdb
  storage_init_mem storage_open storage_put_record storage_trim storage_tx_abort storage_tx_begin
  storage_tx_commit timeout_iterator_accept timeout_iterator_free timeout_iterator_prepare
`
  .trim()
  .split(/\s+/);
