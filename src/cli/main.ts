#!/usr/bin/env node
/** The command `libpaxos`. */
import { main } from './program.ts';
import { runInProcess } from './terminal.ts';

await runInProcess(process, main);
