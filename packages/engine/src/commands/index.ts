/** Every command, by group. */
import type { Command } from '../command.js';
import { bitmapCommands } from './bitmap/index.js';
import { connectionCommands } from './connection/index.js';
import { genericCommands } from './generic/index.js';
import { geoCommands } from './geo/index.js';
import { hashCommands } from './hash/index.js';
import { hyperloglogCommands } from './hyperloglog/index.js';
import { listCommands } from './list/index.js';
import { pubsubCommands } from './pubsub/index.js';
import { scriptingCommands } from './scripting/index.js';
import { serverCommands } from './server/index.js';
import { setCommands } from './set/index.js';
import { sortedSetCommands } from './sorted-set/index.js';
import { streamCommands } from './stream/index.js';
import { stringCommands } from './string/index.js';
import { transactionsCommands } from './transactions/index.js';
import { typedCommands } from './typed/index.js';

export const commands: readonly Command[] = [
  ...connectionCommands,
  ...stringCommands,
  ...bitmapCommands,
  ...hyperloglogCommands,
  ...genericCommands,
  ...hashCommands,
  ...listCommands,
  ...setCommands,
  ...sortedSetCommands,
  ...geoCommands,
  ...streamCommands,
  ...pubsubCommands,
  ...transactionsCommands,
  ...scriptingCommands,
  ...serverCommands,
  ...typedCommands,
];
