/** All there is in both servers: every key with its type, its time to live and its content, asked by one script. */
import type { WireReply } from '@holdfast/protocol/testing';
import { comparable, isSameMoment, isSameReply } from './comparison.js';
import { contentViewOf } from './key-views.js';
import type { RandomRequest } from './request.js';

/** Where random requests may put something. */
const databases = [0, 1, 2, 15];

/**
 * Lists all keys of `databases`, counts them, and removes them when it is told to. A scan comes before the count: keys
 * whose time is over count until somebody comes across them.
 */
const script = `
  local all = {}
  local show = {
    string = function(key) return redis.pcall('GET', key) end,
    list = function(key) return redis.pcall('LRANGE', key, 0, -1) end,
    set = function(key) return redis.pcall('SMEMBERS', key) end,
    zset = function(key) return redis.pcall('ZRANGE', key, 0, -1, 'WITHSCORES') end,
    hash = function(key) return redis.pcall('HGETALL', key) end,
    stream = function(key) return redis.pcall('XINFO', 'STREAM', key, 'FULL', 'COUNT', 0) end,
  }
  for _, database in ipairs({${databases}}) do
    redis.call('SELECT', database)
    local keys = redis.call('KEYS', '*')
    for _, key in ipairs(keys) do
      local type = redis.call('TYPE', key).ok
      all[#all + 1] = {database, key, type, redis.call('PEXPIRETIME', key), show[type](key)}
    end
    local cursor = '0'
    repeat cursor = redis.call('SCAN', cursor, 'COUNT', 10000)[1] until cursor == '0'
    all[#all + 1] = {database, '(how many)', 'count', -1, redis.call('DBSIZE')}
    if ARGV[1] == 'remove' and #keys > 0 then redis.call('DEL', unpack(keys)) end
  end
  return all`;

export const showState: RandomRequest = ['EVAL', script, '0'];
export const takeState: RandomRequest = [...showState, 'remove'];

export interface StateDifference {
  /** What shows the key. */
  readonly request: RandomRequest;
  readonly theirs: string;
  readonly ours: string;
}

interface KeyState {
  readonly type: string;
  readonly expiry: WireReply;
  readonly content: WireReply;
}

/** The first key, in no order, that differs between two replies to the script. */
export function firstDifferentKey(theirs: WireReply, ours: WireReply): StateDifference | null {
  if (theirs.items === null || ours.items === null)
    return { request: showState, theirs: theirs.text ?? '', ours: ours.text ?? '' };
  const ourKeys = byKey(ours);
  for (const [name, state] of byKey(theirs)) {
    const other = ourKeys.get(name);
    ourKeys.delete(name);
    const difference = differenceOf(name, state, other);
    if (difference !== null) return difference;
  }
  for (const [name, state] of ourKeys) return differenceOf(name, undefined, state);
  return null;
}

function byKey({ items }: WireReply): Map<string, KeyState> {
  const keys = new Map<string, KeyState>();
  for (const each of items!) {
    const [database, key, type, expiry, content] = each.items!;
    keys.set(`${database.text} ${key.text}`, { type: type.text!, expiry, content });
  }
  return keys;
}

function differenceOf(
  name: string,
  theirs: KeyState | undefined,
  ours: KeyState | undefined,
): StateDifference | null {
  const isSameExpiry = theirs !== undefined && ours !== undefined && isSameMoment(theirs.expiry, ours.expiry);
  if (isSameExpiry && theirs.type === ours.type && isSameReply(theirs.content, ours.content)) return null;
  const key = name.slice(name.indexOf(' ') + 1);
  const request = contentViewOf(key, (theirs ?? ours)!.type);
  const [a, b] = [theirs, ours].map((state) => describe(request, state, isSameExpiry));
  return a === b ? null : { request, theirs: `db ${name}: ${a}`, ours: `db ${name}: ${b}` };
}

function describe(request: RandomRequest, state: KeyState | undefined, isSameExpiry: boolean): string {
  if (state === undefined) return 'nothing';
  const { type, expiry, content } = state;
  return `${type}, expires ${isSameExpiry ? '' : expiry.text}, ${comparable(request, content)}`;
}
