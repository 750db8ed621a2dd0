import type { Command } from '../../command.js';

export const pubsubCommands: readonly Command[] = [];
