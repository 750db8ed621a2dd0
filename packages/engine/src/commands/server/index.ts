import type { Command } from '../../command.js';
import { acl } from './acl.js';
import { clusterCommands } from './cluster.js';
import { command } from './command.js';
import { config } from './config.js';
import { dbsize } from './dbsize.js';
import { debug } from './debug.js';
import { flushall } from './flushall.js';
import { flushdb } from './flushdb.js';
import { info } from './info.js';
import { latency } from './latency.js';
import { lolwut } from './lolwut.js';
import { memory } from './memory.js';
import { module } from './module.js';
import { monitor } from './monitor.js';
import { replicaof, slaveof } from './replicaof.js';
import { psync, replconf, sync } from './replicating.js';
import { role } from './role.js';
import { bgrewriteaof, bgsave, lastsave, save } from './saving.js';
import { shutdown } from './shutdown.js';
import { slowlog } from './slowlog.js';
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
  debug,
  memory,
  slowlog,
  latency,
  role,
  replicaof,
  slaveof,
  sync,
  psync,
  replconf,
  save,
  bgsave,
  bgrewriteaof,
  lastsave,
  shutdown,
  monitor,
  module,
  acl,
  ...clusterCommands,
];
