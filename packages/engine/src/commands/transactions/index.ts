import type { Command } from '../../command.js';

export const transactionsCommands: readonly Command[] = [];
