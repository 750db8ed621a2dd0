import type { Command } from '../../command.js';
import { command } from './command.js';
import { config } from './config.js';
import { dbsize } from './dbsize.js';
import { flushall } from './flushall.js';
import { flushdb } from './flushdb.js';
import { info } from './info.js';
import { lolwut } from './lolwut.js';
import { swapdb } from './swapdb.js';
import { time } from './time.js';

export const serverCommands: readonly Command[] = [
  dbsize,
  flushdb,
  flushall,
  swapdb,
  time,
  lolwut,
  config,
  info,
  command,
];
