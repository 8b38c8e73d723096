#!/usr/bin/env node
/** The command `libpaxos`. */
import { setFlagsFromString } from 'node:v8';
import { main } from './program.ts';
import { runInProcess } from './terminal.ts';

/**
 * What was asked for outside V8's heap since it looked through the heap counts as much as what lies in it, and a node's heap
 * is small: V8 would look through all of it ten times a second, mostly in vain. It may hold five times as much first.
 */
setFlagsFromString('--heap-growing-percent=400');

await runInProcess(process, main);
