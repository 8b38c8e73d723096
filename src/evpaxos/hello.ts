/** Hello: what whoever speaks our protocol says of itself first, with the version that its package has. */
import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { clusterFingerprint } from '../config/index.ts';
import { Capability, type Hello } from '../transport/messages.ts';
import type { Random } from '../transport/transport.ts';

const SOFTWARE = `libpaxos ${packageVersion()} (TypeScript)`;

/** The version in package.json, which lies beside src/ and dist/. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const read: unknown = JSON.parse(text);
  const isRecord = typeof read === 'object' && read !== null && 'version' in read;
  return isRecord ? String(read.version) : 'unknown';
}

/** What it says of itself on every connection. */
export function helloOf(
  config: Config,
  { roles, id, storage }: Pick<Hello, 'roles' | 'id' | 'storage'>,
  random: Random,
): Hello {
  return {
    version: 1,
    roles,
    id,
    process: 1 + Math.floor(random.next() * 0xffff_fffe),
    capabilities: Capability.brief | Capability.stream | Capability.commands,
    fingerprint: clusterFingerprint(config),
    software: SOFTWARE,
    storage,
  };
}
