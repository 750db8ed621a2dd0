import type { Command } from '../../command.js';
import { discard } from './discard.js';
import { exec } from './exec.js';
import { multi } from './multi.js';
import { unwatch } from './unwatch.js';
import { watch } from './watch.js';

export const transactionsCommands: readonly Command[] = [multi, exec, discard, watch, unwatch];
