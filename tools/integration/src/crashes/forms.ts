/** Ways to keep a number in a register of the crash test, each by other commands: see crash-load.ts. */
import type { WireReply } from '@holdfast/protocol/testing';
import { comingForms } from './coming-forms.js';
import { alone, type Form, named, numberOf, sameNumber } from './form.js';

const padding = (n: number): string => 'x'.repeat((n * 37) % 300);

const remadeFields = 200;
const fieldsOf = (n: number): (string | number)[] =>
  Array.from({ length: remadeFields }, (_, i) => [`f${i}`, n]).flat();

/** Far away, and another second for each number. */
const firstExpiry = 5_000_000_000;

const writeAll =
  "redis.call('SET', KEYS[1], ARGV[1]) redis.call('HSET', KEYS[2] .. 'h', 'f', ARGV[1]) redis.call('SET', KEYS[2], ARGV[1])";
const readAllThree =
  "return {redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2]), redis.call('HGET', KEYS[2] .. 'h', 'f')}";
/** What was given a millisecond may be there for that long, but never for good. */
const readExpiry = `
  local left = redis.call('PTTL', KEYS[2])
  if left ~= -2 and (left < 0 or left > 1) then return redis.error_reply('lives on for ' .. left .. ' ms') end
  local n = tonumber(redis.call('GET', KEYS[1]) or 0)
  if n == 0 then return {0, 0} end
  return {n, redis.call('EXPIRETIME', KEYS[1]) - ARGV[1]}`;

/** Numbers at both ends of a string, far from each other; it is made anew now and then. */
const ends = (name: string, far: number): Form => ({
  name,
  names: alone,
  write: (key, n) => [
    ['MULTI'],
    ...(n % 32 === 1 ? [['DEL', key]] : []),
    ['SETRANGE', key, 0, numberText(n)],
    ['SETRANGE', key, far, numberText(n)],
    ['EXEC'],
  ],
  read: (key) => ['EVAL', readEnds, 1, key, far],
  parse: sameNumber,
});

const numberText = (n: number): string => String(n).padStart(10, '0');
const readEnds =
  "return {redis.call('GETRANGE', KEYS[1], 0, 9), redis.call('GETRANGE', KEYS[1], ARGV[1], ARGV[1] + 9)}";

const lightForms: readonly Form[] = [
  {
    name: 'register',
    names: alone,
    write: (key, n) => [['SET', key, `${n} ${padding(n)}`]],
    read: (key) => ['GET', key],
    parse: numberOf,
  },
  {
    name: 'versioned',
    names: alone,
    write: (key, n) => [['KV.PUT', key, n]],
    read: (key) => ['GET', key],
    parse: numberOf,
    versionOf: ({ text }) => Number(text),
  },
  {
    name: 'counter',
    names: alone,
    write: (key) => [['INCR', key]],
    read: (key) => ['GET', key],
    parse: numberOf,
  },
  {
    name: 'pair',
    names: named('a', 'b', 'c'),
    write: (key, n) => [['MSET', `${key}:a`, `${n} ${padding(n)}`, `${key}:b`, n, `${key}:c`, n]],
    read: (key) => ['MGET', `${key}:a`, `${key}:b`, `${key}:c`],
    parse: sameNumber,
  },
  {
    name: 'transaction',
    names: named('a', 'b', 'c'),
    write: (key, n) => [
      ['MULTI'],
      ['SET', `${key}:a`, n],
      ['INCR', `${key}:b`],
      ['SET', `${key}:c`, n],
      ['EXEC'],
    ],
    read: (key) => ['MGET', `${key}:a`, `${key}:b`, `${key}:c`],
    parse: sameNumber,
  },
  {
    name: 'list',
    names: alone,
    write: (key, n) => [['RPUSH', key, n]],
    read: (key) => ['LRANGE', key, 0, -1],
    parse: (reply) => {
      const items = reply.items ?? [];
      items.forEach((item, i) => {
        if (item.text !== String(i + 1)) throw new Error(`element ${i} is ${item.text}`);
      });
      return items.length;
    },
  },
  {
    name: 'hash',
    names: alone,
    write: (key, n) => [['HSET', key, 'a', n, 'b', n, 'c', `${n} ${padding(n)}`]],
    read: (key) => ['HMGET', key, 'a', 'b', 'c'],
    parse: sameNumber,
  },
  {
    name: 'set',
    names: alone,
    write: (key, n) => [['SADD', key, `member ${n}`]],
    read: (key) => ['SCARD', key],
    parse: numberOf,
  },
  {
    name: 'sorted-set',
    names: alone,
    write: (key, n) => [['ZADD', key, n, `first`, n, `second`]],
    read: (key) => ['ZRANGE', key, 0, -1, 'WITHSCORES'],
    parse: (reply) => {
      const items = reply.items ?? [];
      if (items.length === 0) return 0;
      if (items.length !== 4 || items[1].text !== items[3].text) {
        throw new Error(`half applied: ${items.map(({ text }) => text).join(' ')}`);
      }
      return Number(items[1].text);
    },
  },
  {
    name: 'script',
    names: named('a', 'b', 'bh'),
    write: (key, n) => [['EVAL', writeAll, 2, `${key}:a`, `${key}:b`, `${n} ${padding(n)}`]],
    read: (key) => ['EVAL', readAllThree, 2, `${key}:a`, `${key}:b`],
    parse: sameNumber,
  },
  {
    name: 'expiry',
    names: alone,
    write: (key, n) => [
      ['MULTI'],
      ['SET', key, n],
      ['EXPIREAT', key, firstExpiry + n],
      ['SET', `${key}:short`, n, 'PX', 1],
      ['EXEC'],
    ],
    read: (key) => ['EVAL', readExpiry, 2, key, `${key}:short`, firstExpiry],
    parse: sameNumber,
  },
  {
    name: 'stream',
    names: alone,
    write: (key, n) => [['XADD', key, 'MAXLEN', 50, `${n}-1`, 'n', n, 'padding', padding(n)]],
    read: (key) => ['XREVRANGE', key, '+', '-', 'COUNT', 1],
    parse: (reply) => {
      const entry = reply.items?.[0]?.items;
      return entry
        ? sameNumber({
            ...reply,
            items: [{ ...entry[0], text: entry[0].text!.slice(0, -2) }, entry[1].items![1]],
          })
        : 0;
    },
  },
  {
    name: 'rename',
    names: alone,
    write: (key, n) => [['MULTI'], ['SET', `${key}:new`, n], ['RENAME', `${key}:new`, key], ['EXEC']],
    read: (key) => ['MGET', key, `${key}:new`],
    parse: (reply) => {
      const [renamed, left] = reply.items ?? [];
      if (left?.text !== null) throw new Error(`half applied: ${left?.text} has its old name as well`);
      return numberOf(renamed);
    },
  },
  {
    name: 'queue',
    names: alone,
    write: (key, n) => [['MULTI'], ['RPUSH', key, n], ['LTRIM', key, -1, -1], ['EXEC']],
    read: (key) => ['LRANGE', key, 0, -1],
    parse: (reply) => onlyOne(reply, 1),
  },
  {
    // Whose elements are records of their own on the disk, and are cleared there after each removal.
    name: 'remade',
    names: alone,
    write: (key, n) => [['MULTI'], ['DEL', key], ['HSET', key, ...fieldsOf(n)], ['EXEC']],
    read: (key) => ['HMGET', key, 'f0', 'f17', `f${remadeFields - 1}`],
    parse: sameNumber,
  },
  {
    name: 'field',
    names: alone,
    write: (key, n) => [['MULTI'], ['HSET', key, `f${n}`, n], ['HDEL', key, `f${n - 1}`], ['EXEC']],
    read: (key) => ['HGETALL', key],
    parse: (reply) => onlyOne(reply, 2),
  },
  // Which lies in pieces on the disk.
  ends('pieces', 600_000),
  ...comingForms,
];

/** With a string of so many pieces that those of a new one go to LevelDB before it: too much for a record of system calls. */
export const forms: readonly Form[] = [...lightForms, ends('many-pieces', 17_000_000)];

/** A number and a tail of so many bytes. */
const padded = (name: string, bytesOf: (n: number) => number): Form => ({
  name,
  names: alone,
  write: (key, n) => [['SET', key, `${n} ${'x'.repeat(bytesOf(n))}`]],
  read: (key) => ['GETRANGE', key, 0, 20],
  parse: numberOf,
});

/**
 * Large values, beside the others: LevelDB soon has enough for tables, and for merging them. With a huge one a batch is put into
 * a table at once.
 */
export const heavyForms: readonly Form[] = [
  ...lightForms,
  padded('large', () => 100_000),
  padded('huge', (n) => (n % 8 === 0 ? 9_000_000 : 0)),
];

/** What came is there, and what came before it is gone: one element of `size` items, of which the last is the number. */
function onlyOne({ items }: WireReply, size: number): number {
  if (items === null || (items.length !== 0 && items.length !== size)) {
    throw new Error(`half applied: ${items?.map(({ text }) => text).join(' ')}`);
  }
  return items.length === 0 ? 0 : numberOf(items[size - 1]);
}
