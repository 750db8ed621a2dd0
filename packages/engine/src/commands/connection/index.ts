import type { Command } from '../../command.js';
import { ping } from './ping.js';

export const connectionCommands: readonly Command[] = [ping];
