import type { Command } from '../../command.js';
import { copy } from './copy.js';
import { del } from './del.js';
import { dump } from './dump.js';
import { exists } from './exists.js';
import { expire } from './expire.js';
import { expireat } from './expireat.js';
import { expiretime } from './expiretime.js';
import { keys } from './keys.js';
import { migrate } from './migrate.js';
import { move } from './move.js';
import { object } from './object.js';
import { persist } from './persist.js';
import { pexpire } from './pexpire.js';
import { pexpireat } from './pexpireat.js';
import { pexpiretime } from './pexpiretime.js';
import { pttl } from './pttl.js';
import { randomkey } from './randomkey.js';
import { renameKey } from './rename.js';
import { renamenx } from './renamenx.js';
import { restore } from './restore.js';
import { restoreAsking } from './restore-asking.js';
import { scan } from './scan.js';
import { sort } from './sort.js';
import { sortRo } from './sort-ro.js';
import { touch } from './touch.js';
import { ttl } from './ttl.js';
import { type } from './type.js';
import { unlink } from './unlink.js';
import { wait } from './wait.js';
import { waitaof } from './waitaof.js';

export const genericCommands: readonly Command[] = [
  del,
  unlink,
  exists,
  touch,
  type,
  expire,
  pexpire,
  expireat,
  pexpireat,
  ttl,
  pttl,
  expiretime,
  pexpiretime,
  persist,
  renameKey,
  renamenx,
  copy,
  migrate,
  move,
  keys,
  scan,
  randomkey,
  wait,
  waitaof,
  object,
  sort,
  sortRo,
  dump,
  restore,
  restoreAsking,
];
