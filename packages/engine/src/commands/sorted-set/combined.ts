/** ZUNION, ZINTER, ZDIFF and the commands that store what those reply. */
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';
import {
  counted,
  double,
  key,
  option,
  type Repeated,
  repeat,
  requiredWord,
  syntaxError,
  token,
  unparsed,
} from '../../grammar.js';
import type { Aggregate, Combine } from './combining.js';
import { type Operand, readOperands } from './operand.js';
import { replyEntries, storeZSet } from './zsets.js';

/** A result that was replied is freed at once if it has no more entries than this. */
const releaseAtOnce = 128;

/** `numkeys key [key ...]` */
export const inputKeys = (command: string) =>
  counted(key('RO', 'access'), {
    min: 1,
    rangeError: `ERR at least 1 input key is needed for '${command}' command`,
  });

// The options are read once the keys were seen: WRONGTYPE comes first.

export const scoreOptions = () => ({
  weight: unparsed(option('WEIGHTS', { weight: repeat(double()) })),
  aggregate: unparsed(option('AGGREGATE', { aggregate: requiredWord('SUM', 'MIN', 'MAX') })),
});

export const withScoresOption = () => unparsed(token('WITHSCORES'));

/** Which options a command takes: WEIGHTS and AGGREGATE, WITHSCORES. */
interface CombineRules {
  readonly takesWeights: boolean;
  readonly takesScores: boolean;
}

interface CombineOptions {
  aggregate: Aggregate;
  withScores: boolean;
}

/** Replies what is made of the keys. */
export function replyCombined(
  ctx: Context,
  keys: Repeated,
  combine: Combine,
  takesWeights: boolean,
  reply: Reply,
): void {
  const operands = readOperands(ctx, keys);
  if (operands === null) return;
  const options = readOptions(ctx, keys, operands, { takesWeights, takesScores: true });
  if (typeof options === 'string') return reply.error(options);
  const result = combine(ctx.db, operands, options.aggregate);
  replyEntries(result, 0, result.size, false, options.withScores, reply);
  if (!result.release(releaseAtOnce)) ctx.db.context.released.push(result);
}

/** Stores what is made of the keys. */
export function storeCombined(
  ctx: Context,
  { destination, key: keys }: { destination: number; key: Repeated },
  combine: Combine,
  takesWeights: boolean,
  event: string,
  reply: Reply,
): void {
  const operands = readOperands(ctx, keys);
  if (operands === null) return;
  const options = readOptions(ctx, keys, operands, { takesWeights, takesScores: false });
  if (typeof options === 'string') return reply.error(options);
  storeZSet(ctx, destination, combine(ctx.db, operands, options.aggregate), event, reply);
}

/** Reads what follows the keys, the weights into the operands; or what is wrong with it. */
function readOptions(
  { request }: Context,
  keys: Repeated,
  operands: readonly Operand[],
  rules: CombineRules,
): CombineOptions | string {
  const options: CombineOptions = { aggregate: 'SUM', withScores: false };
  for (let i = keys.first + keys.count; i < request.count; i++) {
    const left = request.count - i;
    if (rules.takesWeights && left > keys.count && request.is(i, 'WEIGHTS')) {
      for (const operand of operands) {
        operand.weight = request.double(++i);
        if (Number.isNaN(operand.weight)) return 'ERR weight value is not a float';
      }
    } else if (rules.takesWeights && left > 1 && request.is(i, 'AGGREGATE')) {
      const word = request.byteString(++i).toUpperCase();
      if (word !== 'SUM' && word !== 'MIN' && word !== 'MAX') return syntaxError;
      options.aggregate = word;
    } else if (rules.takesScores && request.is(i, 'WITHSCORES')) {
      options.withScores = true;
    } else {
      return syntaxError;
    }
  }
  return options;
}
