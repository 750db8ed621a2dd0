/** Random entries of a table, for HRANDFIELD and SRANDMEMBER, and how many may be asked for, for ZRANDMEMBER too. */
import { parseBigInteger, type Request } from '@holdfast/common';
import type { Entry, FieldTable } from '@holdfast/storage';

const int64Max = 2n ** 63n - 1n;
/** So many entries, at most, are drawn with repetition: a reply must fit in memory. */
const drawsMax = 2 ** 24;
/** Less than one entry in so many is drawn again and again until it is a new one; more are shuffled. */
const sparseFactor = 3;

/** What is wrong with the count at argument `i`, which is an integer, or null. */
export function problemOfRandomCount(request: Request, i: number, isPaired: boolean): string | null {
  const count = parseBigInteger(request.bytes, request.start(i), request.length(i)) as bigint;
  if (count < -int64Max) {
    return `ERR value is out of range, value must between -${int64Max} and ${int64Max}`;
  }
  const most = isPaired ? int64Max / 2n : int64Max;
  return count < -most || count > most ? tooManyDraws : null;
}

const tooManyDraws = 'ERR value is out of range';

/** As `problemOfRandomCount`, once it is known that there is something to draw from: what Redis tries, and takes all memory for. */
export function problemOfDraws(count: number): string | null {
  return count < -drawsMax ? tooManyDraws : null;
}

/**
 * `count` different entries, or all when there are no more, in no particular order; of a negative count as
 * many as it says, any of them any number of times.
 */
export function choose(table: FieldTable, count: number, draw: () => number): Entry[] {
  const chosen: Entry[] = [];
  if (count < 0) {
    for (let i = count; i < 0; i++) chosen.push(table.random(draw));
    return chosen;
  }
  if (count * sparseFactor < table.size) {
    const seen = new Set<Entry>();
    while (seen.size < count) seen.add(table.random(draw));
    return [...seen];
  }
  table.rewind();
  for (let entry = table.next(); entry !== 0; entry = table.next()) chosen.push(entry);
  if (count >= chosen.length) return chosen;
  for (let i = 0; i < count; i++) {
    const other = i + Math.floor((draw() / 0x100000000) * (chosen.length - i));
    const entry = chosen[other];
    chosen[other] = chosen[i];
    chosen[i] = entry;
  }
  chosen.length = count;
  return chosen;
}
