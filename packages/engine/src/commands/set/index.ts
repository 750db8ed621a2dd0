import type { Command } from '../../command.js';

export const setCommands: readonly Command[] = [];
