/** What COPY and MOVE, which reach into another database, have in common. */
import type { Reply } from '@holdfast/common';
import type { Database } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { type Argument, integer } from '../../grammar.js';

export const sameObject = 'ERR source and destination objects are the same';

/** A database by its number, which is looked at later: see `databaseAt`. */
export function databaseIndex(): Argument<number> {
  return integer({
    min: -2147483648,
    max: 2147483647,
    rangeError: 'ERR value is out of range, value must between -2147483648 and 2147483647',
  });
}

/** The database with a number; null after replying that there is none. */
export function databaseAt({ kv, storage }: Context, index: number, reply: Reply): Database | null {
  if (index >= 0 && index < kv.config.number('databases')) return storage.database(index);
  reply.error('ERR DB index is out of range');
  return null;
}
