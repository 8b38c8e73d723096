/**
 * All that can be fed, in the order in which it is.
 */
import { codec } from './codec.ts';
import { config } from './config.ts';
import { node } from './node.ts';
import type { FuzzTarget } from './target.ts';

export const TARGETS: readonly FuzzTarget[] = [codec, config, node];
