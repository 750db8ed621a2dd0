/**
 * Keys that come and go: set, renamed over others, deleted, expired, made again as another type, flushed with their database.
 * A key that is removed must not come back, whatever ended the server between its making and its removal. See forms.ts.
 *
 *     step n changes slot (n - 1) % slots:   round 0  | round 1          | round 2       | round 3          | ...
 *                                            SET home | RENAME home away | HSET home f n | RENAME home away | ...
 *
 * With few slots a key comes and goes within one life of the server, with many over several of them.
 */
import { type Form, type Step, sameNumber } from './form.js';

/** What a slot has after one round: the type of each of its two names, and how many rounds ago that was written. */
interface Round {
  change(home: string, away: string, n: number): Step;
  readonly home: Made | null;
  readonly away: Made | null;
}

interface Made {
  readonly type: 'string' | 'hash' | 'list';
  readonly age: number;
}

const made = (type: Made['type'], age = 0): Made => ({ type, age });

const rounds: readonly Round[] = [
  { change: (home, _, n) => ['SET', home, n], home: made('string'), away: null },
  { change: (home, away) => ['RENAME', home, away], home: null, away: made('string', 1) },
  { change: (home, _, n) => ['HSET', home, 'f', n], home: made('hash'), away: made('string', 2) },
  { change: (home, away) => ['RENAME', home, away], home: null, away: made('hash', 1) },
  { change: (_, away) => ['DEL', away], home: null, away: null },
  { change: (_, away, n) => ['RPUSH', away, n], home: null, away: made('list') },
  { change: (_, away) => ['PEXPIREAT', away, 1], home: null, away: null },
  { change: (home, _, n) => ['SET', home, n, 'PX', 1], home: null, away: null },
  // Until then the other one is a string.
  { change: (_, away, n) => ['RPUSH', away, n], home: null, away: made('list') },
  { change: (home, _, n) => ['SET', home, n], home: made('string'), away: made('list', 1) },
  {
    change: (home, away) => ['COPY', home, away, 'REPLACE'],
    home: made('string', 1),
    away: made('string', 1),
  },
  { change: (home, away) => ['UNLINK', home, away], home: null, away: null },
];

/** The number, and type and content of each name. What was given a millisecond may be there for that long. */
const readSlots = `
  local found = {redis.call('GET', KEYS[1]) or '0'}
  for i = 2, #KEYS do
    local type, key = redis.call('TYPE', KEYS[i]).ok, KEYS[i]
    local left = redis.call('PTTL', key)
    if left == 0 or left == 1 or type == 'none' then found[i] = 'none'
    elseif left > 0 then found[i] = 'lives on'
    elseif type == 'string' then found[i] = 'string ' .. redis.call('GET', key)
    elseif type == 'hash' then found[i] = 'hash ' .. redis.call('HGET', key, 'f')
    else found[i] = type .. ' ' .. table.concat(redis.call('LRANGE', key, 0, -1), ' ') end
  end
  return found`;

function comeAndGo(name: string, slots: number): Form {
  const homeOf = (key: string, slot: number): string => `${key}:${slot}`;
  const awayOf = (key: string, slot: number): string => `${homeOf(key, slot)}:away`;
  const all = Array.from({ length: slots }, (_, slot) => slot);
  const bothOf = (key: string): string[] => all.flatMap((slot) => [homeOf(key, slot), awayOf(key, slot)]);
  /** The last step up to `n` that changed a slot; 0 for none. */
  const lastStep = (slot: number, n: number): number => (n <= slot ? 0 : n - ((n - 1 - slot) % slots));
  const roundOf = (step: number): Round => rounds[Math.floor((step - 1) / slots) % rounds.length];
  /** What both names of all slots have after `n` steps. */
  const contentsAt = (n: number): (string | null)[] =>
    all.flatMap((slot) => {
      const step = lastStep(slot, n);
      const { home, away } = step === 0 ? { home: null, away: null } : roundOf(step);
      return [home, away].map((made) => made && `${made.type} ${step - made.age * slots}`);
    });
  return {
    name,
    write: (key, n) => {
      const slot = (n - 1) % slots;
      const change = roundOf(n).change(homeOf(key, slot), awayOf(key, slot), n);
      return [['MULTI'], ['SET', key, n], change, ['EXEC']];
    },
    read: (key) => ['EVAL', readSlots, 1 + 2 * slots, key, ...bothOf(key)],
    parse: (reply) => {
      if (reply.type === '-') throw new Error(reply.text!);
      const [number, ...found] = reply.items!.map(({ text }) => text!);
      const expected = contentsAt(Number(number)).map((content) => content ?? 'none');
      const names = bothOf('');
      const wrong = found.flatMap((content, i) =>
        content === expected[i] ? [] : [`${names[i]} is ${content}, not ${expected[i]}`],
      );
      if (wrong.length > 0) throw new Error(`after ${number} steps ${wrong.join(', ')}`);
      return Number(number);
    },
    names: (key, n) => {
      const contents = contentsAt(n);
      return [key, ...bothOf(key).filter((_, i) => contents[i] !== null)];
    },
  };
}

/** The database of a register, which nobody else writes. */
const databaseOf = (key: string): number => {
  const [writer, i] = key.split(':').slice(-2).map(Number);
  return 2 * writer + i;
};

/** The database holds what the last step put there, and nothing else. */
const readDatabase = `
  local n = redis.call('GET', KEYS[1]) or '0'
  redis.call('SELECT', ARGV[1])
  local size = redis.call('DBSIZE')
  if size ~= (n == '0' and 0 or 2) then return redis.error_reply('its database has ' .. size .. ' keys after ' .. n) end
  if n == '0' then return {'0'} end
  return {n, redis.call('GET', 'a'), redis.call('HGET', 'b', 'f')}`;

export const comingForms: readonly Form[] = [
  comeAndGo('visitor', 3),
  comeAndGo('guest', 8),
  comeAndGo('lodger', 24),
  {
    name: 'flushed',
    write: (key, n) => [
      ['MULTI'],
      ['SET', key, n],
      ['SELECT', databaseOf(key)],
      ['FLUSHDB'],
      ['SET', 'a', n],
      ['HSET', 'b', 'f', n],
      ['SELECT', 0],
      ['EXEC'],
    ],
    read: (key) => ['EVAL', readDatabase, 1, key, databaseOf(key)],
    parse: sameNumber,
    names: (key) => [key],
  },
];
