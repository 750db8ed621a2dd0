/** SORT and SORT_RO. */
import { byteStringOf, doubleOf, parseInteger, type Reply, type Request } from '@holdfast/common';
import { type Collection, type Database, SetValue, valueTypes } from '@holdfast/storage';
import { type Context, wrongType } from '../../context.js';
import { sortRange } from '../../partial-sort.js';
import { storeCollection } from '../storing.js';
import { compareScores, compareSlices, sortedByScore } from './score-order.js';
import {
  allElements,
  digitsOf,
  integersOf,
  listOf,
  orderedElements,
  type SortElement,
} from './sort-elements.js';
import { patternsOf, SortOptions } from './sort-options.js';
import { type Slice, SortPattern } from './sort-pattern.js';

const notAScore = "ERR One or more scores can't be converted into double";

const sortableTypes: ReadonlySet<number> = new Set([valueTypes.list, valueTypes.set, valueTypes.zset]);

/** Sorts what is at the first key, and replies or stores it. */
export function sort(ctx: Context, mayStore: boolean, reply: Reply): void {
  const { db, request } = ctx;
  const options = new SortOptions();
  options.mayReadAny = ctx.session.account?.readsAnyKey(ctx.command, request) ?? true;
  const problem = options.parse(request, mayStore);
  if (problem !== null) return reply.error(problem);
  const ref = ctx.read(1);
  if (ref !== 0 && !sortableTypes.has(db.type(ref))) return reply.error(wrongType);
  const integers = ref === 0 ? null : sortedIntegers(db.collection(ref), options);
  if (integers !== null) return answer(ctx, options, digitsOf(integers), integers.length, reply);
  const elements = ref === 0 ? [] : select(ctx, db.collection(ref), options);
  if (elements === null) return reply.error(notAScore);
  const gets = options.gets.map((i) => new SortPattern(request.view(i)));
  needAll(ctx, elements, gets);
  const count = elements.length * Math.max(1, gets.length);
  const values = gets.length === 0 ? elements : valuesOf(ctx, elements, gets);
  answer(ctx, options, values, count, reply);
}

/** Replies or stores the result. */
function answer(
  ctx: Context,
  { target }: SortOptions,
  values: Iterable<Slice | null>,
  count: number,
  reply: Reply,
): void {
  if (target === 0) replyValues(values, count, reply);
  else storeCollection(ctx, target, listOf(ctx.db, values), 'l', 'sortstore', reply);
}

/** The elements wanted, where they are sorted as numbers, are nothing but integers, and are all that is asked for; else null. */
function sortedIntegers(collection: Collection, options: SortOptions): Float64Array | null {
  if (options.by !== 0 || options.isAlphabetic || options.gets.length > 0) return null;
  const numbers = integersOf(collection)?.sort() ?? null;
  if (numbers === null) return null;
  if (options.isDescending) numbers.reverse();
  const [from, to] = rangeOf(options, numbers.length);
  return numbers.subarray(from, to);
}

/** Which of `size` elements are wanted, from the first up to the last, exclusive. */
function rangeOf({ offset, count }: SortOptions, size: number): [from: number, to: number] {
  const from = Math.min(Math.max(offset, 0), size);
  return [from, count < 0 ? size : from + Math.min(count, size - from)];
}

/** Nothing may be missing once the first value is replied. */
function needAll(ctx: Context, elements: readonly SortElement[], gets: readonly SortPattern[]): void {
  if (ctx.storage.isAllResident) return;
  for (const element of elements) for (const get of gets) get.need(ctx, element);
}

/** One after the other: hundreds of millions of them, of a long list and many patterns, end the process if they are kept. */
function* valuesOf(
  ctx: Context,
  elements: readonly SortElement[],
  gets: readonly SortPattern[],
): Generator<Slice | null> {
  for (const element of elements) for (const get of gets) yield get.resolve(ctx, element);
}

/** The elements wanted, in their order; null when one has no number to be sorted by. */
function select(ctx: Context, collection: Collection, options: SortOptions): SortElement[] | null {
  const { size } = collection;
  const [from, to] = rangeOf(options, size);
  const count = to - from;
  const isSet = collection instanceof SetValue;
  if (options.isUnsorted && !isSet) {
    return orderedElements(
      collection as Parameters<typeof orderedElements>[0],
      from,
      count,
      options.isDescending,
    );
  }
  const elements = allElements(collection);
  // The order of a set means nothing: what is kept of it, or seen by a script, must not depend on it.
  const isOrdered = options.isUnsorted && (options.target > 0 || !ctx.mayBlock);
  if (options.isUnsorted && !isOrdered) return elements.slice(from, from + count);
  const isAlphabetic = options.isAlphabetic || isOrdered;
  const by = options.by === 0 || isOrdered ? null : new SortPattern(ctx.request.view(options.by));
  if (!weigh(ctx, elements, by, isAlphabetic)) return null;
  const compare = comparison(by !== null, isAlphabetic, options.isDescending);
  if (count === size) {
    if (isAlphabetic) return elements.sort(compare);
    const sorted = sortedByScore(elements);
    return options.isDescending ? sorted.reverse() : sorted;
  }
  if (count > 0) sortRange(elements, compare, from, from + count - 1);
  return elements.slice(from, from + count);
}

/** Finds what each element is sorted by; false when it is to be a number and is none. */
function weigh(
  ctx: Context,
  elements: readonly SortElement[],
  by: SortPattern | null,
  isAlphabetic: boolean,
): boolean {
  if (by === null && isAlphabetic) return true;
  for (const element of elements) {
    const value = by === null ? element : by.resolve(ctx, element);
    if (isAlphabetic) {
      element.by = value;
    } else if (value !== null) {
      element.score = scoreOf(value);
      if (element.score !== element.score) return false;
    }
  }
  return true;
}

/** A number as C's strtod reads it: it ends at a zero byte, spaces may come before, nothing at all is 0. NaN: none. */
function scoreOf({ bytes, start, length }: Slice): number {
  if (length === 0) return 0;
  const whole = parseInteger(bytes, start, length);
  if (whole === whole) return whole;
  if (bytes[start] === 0) return 0;
  const text = byteStringOf(bytes, start, length)
    .split('\0', 1)[0]
    .replace(/^[ \t-\r]+/, '');
  const n = doubleOf(text);
  return n - n !== 0 && !/^[+-]?inf/i.test(text) ? Number.NaN : n;
}

type Comparison = (a: SortElement, b: SortElement) => number;

function comparison(isByPattern: boolean, isAlphabetic: boolean, isDescending: boolean): Comparison {
  const ascending = !isAlphabetic ? compareScores : isByPattern ? compareValues : compareSlices;
  return isDescending ? (a, b) => -ascending(a, b) : ascending;
}

/** Elements without a value come first. */
function compareValues(a: SortElement, b: SortElement): number {
  if (a.by === null || b.by === null) return Number(a.by !== null) - Number(b.by !== null);
  return compareSlices(a.by, b.by);
}

function replyValues(values: Iterable<Slice | null>, count: number, reply: Reply): void {
  reply.array(count);
  for (const value of values) {
    if (value === null) reply.null();
    else reply.bulk(value.bytes, value.start, value.length);
  }
}

/** Visits the keys that the patterns of a request name for the elements there are. */
export function visitPatternKeys(db: Database, request: Request, visit: (key: Uint8Array) => void): void {
  const patterns = patternsOf(request).map((i) => new SortPattern(request.view(i)));
  const ref = patterns.length === 0 ? 0 : db.find(request.bytes, request.start(1), request.length(1));
  if (ref === 0 || !sortableTypes.has(db.type(ref))) return;
  for (const element of allElements(db.collection(ref))) {
    for (const pattern of patterns) {
      const key = pattern.keyOf(element);
      if (key !== null) visit(key);
    }
  }
}
