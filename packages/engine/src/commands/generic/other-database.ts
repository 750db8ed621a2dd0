/** What COPY and MOVE, which reach into another database, have in common. */
import type { Reply } from '@holdfast/common';
import type { Database } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { type Argument, integer, notAnInteger } from '../../grammar.js';

export const sameObject = 'ERR source and destination objects are the same';

const [indexMin, indexMax] = [-2147483648, 2147483647];
const outOfRange = `ERR value is out of range, value must between ${indexMin} and ${indexMax}`;

/** A database by its number, which is looked at later: see `databaseAt`. */
export function databaseIndex(): Argument<number> {
  return integer({ min: indexMin, max: indexMax, rangeError: outOfRange });
}

/** The database whose number is argument `i`; null after replying what is wrong with it. */
export function readDatabase(ctx: Context, i: number, reply: Reply): Database | null {
  const index = ctx.request.integer(i);
  if (index >= indexMin && index <= indexMax) return databaseAt(ctx, index, reply);
  reply.error(Number.isNaN(index) ? notAnInteger : outOfRange);
  return null;
}

/** The database with a number; null after replying that there is none. */
export function databaseAt({ kv, storage }: Context, index: number, reply: Reply): Database | null {
  if (index >= 0 && index < kv.config.number('databases')) return storage.database(index);
  reply.error('ERR DB index is out of range');
  return null;
}
