/**
 * Words for the arguments of random requests: few keys, fields and ids, so that they meet again and again; numbers
 * at the edges; now and then something that is not wanted there.
 *
 * Nothing depends on when a request runs: what expires has done so already, or will after the test.
 */
import { type Random, randomBelow } from '@holdfast/common';
import type { CommandGroup } from '@holdfast/engine';
import { pick } from '../random-pick.js';

const text = (words: string): readonly string[] => words.trim().split(/\s+/);

/** Keys by what they hold at first, see `preparation`. */
export const keysOfGroup: Partial<Record<CommandGroup, readonly string[]>> = {
  string: ['s', 'n', 'num', 'a'],
  bitmap: ['bits', 's', 'a'],
  hyperloglog: ['hll', 'hll2', 'a'],
  list: ['l', 'l2', 'a'],
  hash: ['h', 'h2', 'a'],
  set: ['set', 'ints', 'a'],
  'sorted-set': ['z', 'z2', 'lex', 'a', 'set'],
  geo: ['geo', 'a'],
  stream: ['x', 'x', 'x', 'y', 'a'],
};

export const allKeys = [...new Set([...Object.values(keysOfGroup).flat(), 'b', '{t}1', ''])];

/** What keys hold at the start of a sequence, so that most commands meet their own type. */
export const preparation: readonly (readonly string[])[] = [
  ['SET', 's', 'hello world'],
  ['SET', 'n', '42'],
  ['SET', 'num', '3.5', 'EX', '200000'],
  ['SET', 'bits', '\x01\xff\x80'],
  ['RPUSH', 'l', 'a', 'b', 'c', '1', '2', 'b'],
  ['RPUSH', 'l2', '3', '1', '2'],
  ['HSET', 'h', 'f', 'v', 'n', '1', 'd', '1.5'],
  ['HSET', 'h2', 'a', '3', 'b', '1'],
  ['SADD', 'set', 'a', 'b', 'c'],
  ['SADD', 'ints', '1', '2', '300'],
  ['ZADD', 'z', '1', 'a', '2', 'b', '2', 'c', '-inf', 'd'],
  ['ZADD', 'z2', '1.5', 'b', '3', 'e'],
  ['ZADD', 'lex', '0', 'a', '0', 'b', '0', 'c', '0', 'd'],
  ['PFADD', 'hll', 'a', 'b', 'c'],
  ['PFADD', 'hll2', 'c', 'd'],
  ['GEOADD', 'geo', '13.36', '38.11', 'a', '15.08', '37.5', 'b', '-180', '85', 'c'],
  ['XADD', 'x', '1', 'name', 'a', 'value', '1'],
  ['XADD', 'x', '2-1', 'name', 'b', 'value', '2'],
  ['XADD', 'x', '2-2', 'other', 'c'],
  ['XADD', 'y', '5-1', 'name', 'd'],
  ['XGROUP', 'CREATE', 'x', 'g', '0'],
  ['XGROUP', 'CREATE', 'x', 'h', '$'],
  ...['g', 'h'].flatMap((group) =>
    ['c', 'd', 'e'].map((consumer) => ['XGROUP', 'CREATECONSUMER', 'x', group, consumer]),
  ),
];

const integersAtTheEdge = text(`
  0 1 -1 2147483647 2147483648 -2147483648 4294967295 4294967296 9007199254740991 9007199254740993
  9223372036854775807 9223372036854775806 -9223372036854775808 -9223372036854775807 9223372036854775808
  -9223372036854775809 18446744073709551615 18446744073709551616 1000000000000000000000`);
const notQuiteIntegers = [
  '',
  ' 1',
  '1 ',
  '+1',
  '-0',
  '01',
  '1.0',
  '1e3',
  '0x10',
  'abc',
  '-',
  '1\x00',
  '\xd9\xa1',
];
const doubles = text('0 1 -1 0.5 -1.5 3.0e2 1e3 10 0.1 0.30000000000000004 3.14159265358979 1e-7 1e17 -2 5');
const doublesAtTheEdge = text(`
  inf -inf +inf infinity nan -nan 1e308 -1e308 1e400 5e-324 4.9e-325 -0 -0.0 0x1p3 0x10 1e 1.5. .5 5. +1 1_000
  9007199254740993 123456789012345678 1e21 99999999999999999999 (1 1e5000 0.1e-400`);
const values = [
  ...['a', 'b', 'c', 'd', '1', '2', '300', '10', '-5', '3.0', '1.5e3', 'hello world', ''],
  ...[
    '\x00',
    '\xff\xfe',
    'é',
    '\r\n',
    'x'.repeat(70),
    '9223372036854775807',
    'nan',
    'inf',
    '01',
    '12345678901234567890',
  ],
];
const fields = ['f', 'n', 'd', 'a', 'b', 'g', '', '\x00\xff', 'y'.repeat(65)];
const members = ['a', 'b', 'c', 'd', 'e', '1', '2', '300', '-7', '', '\xff', 'z'.repeat(65)];
const lexBounds = text('- + [a (a [b (b [c (d [ ( [zz a +x -inf');
const scoreBounds = text('-inf +inf inf (1 (2 1 2 1.5 (-inf (inf 0 -1 3 (nan nan (');
const ids = text('0 1 2 5 2-1 2-2 5-1 0-0 0-1 3-0 7-3 9007199254740993-7');
const idsAtTheEdge = text(
  '18446744073709551615-18446744073709551615 18446744073709551616 1- -1 1-2-3 abc 1-abc 1-18446744073709551616',
);

/** Times to live: over at once, or long after the test. */
const times = text('100000 1000000 4000000000 100000 0 -1 -100 9223372036854775807 -9223372036854775808');
const timesAtTheEdge = text('9223372036854775 9223372036854776 9223372036854775808 abc 1e3 100000.5');
const dates = text('1 1000 4102444800 99999999999 99999999999999 0 -1 9223372036854775807 9223372036854775');

type Values = (random: Random) => string;

const of =
  (usual: readonly string[], rare: readonly string[] = notQuiteIntegers, rarePercent = 6): Values =>
  (random) =>
    pick(randomBelow(random, 100) < rarePercent ? rare : usual, random);

const small: Values = (random) => {
  const dice = randomBelow(random, 100);
  if (dice < 84) return String(randomBelow(random, 12) - 4);
  return pick(dice < 95 ? integersAtTheEdge : notQuiteIntegers, random);
};
const integer: Values = (random) =>
  randomBelow(random, 3) === 0 ? pick(integersAtTheEdge, random) : small(random);
const double = of(doubles, doublesAtTheEdge, 15);
const value = of(values);
const id = of(ids, idsAtTheEdge, 8);
const bound: Values = (random) => pick([small, of(scoreBounds), of(lexBounds)], random)(random);
const streamBound: Values = (random) =>
  pick([of(['-', '+']), id, (each: Random) => `(${id(each)}`], random)(random);
const time = of(times, timesAtTheEdge);
const date = of(dates, timesAtTheEdge);
const database = of(text('0 0 1 1 2'), text('15 16 -1 abc 9223372036854775807 1.5'));
const cursor = of(['0'], text('1 17 abc -1 18446744073709551615 18446744073709551616'), 20);
const pattern = of(
  ['*', '*', '?', '[ab]*', 'a*', '[^a]', '[a-c]', '\\a', '*b', '[', 'h*->f', '**a', 'f'],
  values,
);
const weightPattern = of(['w_*', 'h->*', '*->f', 'h2->*', '*', 'missing_*->f']);
const encoding = of(text('u8 i8 u1 u2 i5 i16 u63 i64 u4'), text('u64 u0 i0 i65 x8 u 8 u-1 u08'));
const bitOffset = of(
  text('0 1 2 7 8 9 15 31 100 #0 #1 #2'),
  text('-1 4294967296 8388608 8388607 #99999999 abc #'),
);

/** By group and name of the argument, else by name, else by type. */
const byName: Readonly<Record<string, Values>> = {
  'bitmap offset': bitOffset,
  'bitmap encoding': encoding,
  'bitmap bit': of(['0', '1'], ['2', '-1', 'abc']),
  'string offset': of(text('0 1 2 5 11 50'), text('-1 1048575 1048576 9223372036854775807 abc')),
  'string length': small,
  'stream ID': id,
  'stream id': id,
  'stream start': streamBound,
  'stream end': streamBound,
  'stream group': of(['g', 'g', 'h'], ['none', '']),
  'stream consumer': of(['c', 'd', 'e']),
  'stream threshold': (random) => (randomBelow(random, 2) === 0 ? small : id)(random),
  'stream last-id': id,
  'stream lastid': id,
  'stream maxDeletedId': id,
  'stream min-idle-time': of(['0', '0', '0', '100000000'], ['-1', 'abc', '9223372036854775808']),
  'stream milliseconds': of(['1'], ['-1', 'abc', '1.5']),
  'stream ms': of(['0', '100000000'], ['abc', '-1']),
  'stream time': of(['0', '1000'], ['abc', '-1']),
  'sorted-set start': bound,
  'sorted-set stop': bound,
  'sorted-set min': bound,
  'sorted-set max': bound,
  'geo longitude': of(text('13.36 15.08 -180 0 13.361389 2.5'), text('180.1 -181 nan inf abc 1e-300')),
  'geo latitude': of(text('38.11 37.5 85 0 38.115556 -41'), text('85.06 -86 nan inf abc')),
  'geo radius': of(text('100 200 1000 5000 0 20000'), text('-1 1e10 nan inf abc 1e-5')),
  'geo width': of(text('100 400 5000 40000 0'), text('-1 nan inf abc')),
  'geo height': of(text('100 400 5000 40000 0'), text('-1 nan inf abc')),
  'connection index': database,
  'generic index': database,
  'server first': database,
  'server second': database,
  'generic by-pattern': weightPattern,
  'generic get-pattern': of(['#', 'w_*', 'h->*', '*->f', 'h2->*', '*', '#x']),
  'generic name': of(text('string list set zset hash stream'), ['STRING', 'none', '']),
  'generic frequency': of(['0', '255'], ['256', '-1', 'abc']),
  by: weightPattern,
  bymember: of(members),
  channel: of(['news']),
  cursor,
  element: value,
  field: of(fields),
  member: of(members),
  member1: of(members),
  member2: of(members),
  ex: time,
  px: time,
  exat: date,
  pxat: date,
  ttl: of(
    text('100000000 4000000000000 0 100000000 -1'),
    text('abc 1e3 -9223372036854775808 9223372036854775808'),
  ),
  seconds: time,
  milliseconds: time,
  timeout: of(['0.001', '0.002'], ['-1', 'abc', '-0.5', '1e-3x']),
};

const byType: Readonly<Record<string, Values>> = {
  integer,
  double,
  pattern,
  string: value,
  'unix-time': date,
};

/** A word for an argument of a command of `group`. */
export function argumentValue(group: CommandGroup, name: string, type: string, random: Random): string {
  if (randomBelow(random, 100) < 2) return value(random);
  const isSmall =
    type === 'integer' && /^(count|limit|rank|start|stop|end|index|len|num-matches)$/.test(name);
  const values = byName[`${group} ${name}`] ?? byName[name] ?? (isSmall ? small : byType[type]) ?? value;
  return values(random);
}

/** A key that a command of `group` can mostly do something with. */
export function randomKey(group: CommandGroup, random: Random): string {
  const own = keysOfGroup[group];
  return pick(own !== undefined && randomBelow(random, 10) < 8 ? own : allKeys, random);
}

/** Anything, to be put where nobody expects it. */
export function strayWord(random: Random): string {
  const kinds = [values, members, integersAtTheEdge, doublesAtTheEdge, notQuiteIntegers, strayWords];
  return pick(pick(kinds, random), random);
}

const strayWords = text(`
  NX XX GT LT CH INCR GET EX KEEPTTL PERSIST LIMIT COUNT MATCH WITHSCORES WITHVALUES WEIGHTS AGGREGATE SUM BYSCORE
  BYLEX REV LEFT RIGHT BEFORE AFTER RANK MAXLEN STORE BY ALPHA ASC DESC REPLACE BIT BYTE AND NOT OVERFLOW SAT IDX LEN
  STREAMS GROUP MIN MAX ANY WITHDIST NOACK BLOCK count nx`);
