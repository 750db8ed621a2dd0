/**
 * Steps of sequences that no grammar describes: scripts and functions with a mind of their own, users and what they may,
 * parameters, what a connection is told about itself. Each with what takes back what it leaves in the server.
 */
import { createHash } from 'node:crypto';
import { type Random, randomBelow } from '@holdfast/common';
import { pick } from '../random-pick.js';
import { allKeys, strayWord } from './argument-values.js';
import type { RandomRequest } from './request.js';

type Step = (random: Random, any: () => RandomRequest) => readonly RandomRequest[];

/** Each says something that scripts can say, or does something that they can do. */
export const scripts: readonly string[] = [
  "return {1, 'a', false, true, {3.7, -2.5}, {ok='fine'}, {err='ERR wrong'}, 5, nil, 6}",
  'return 3.99',
  'return -3.99',
  "return 'text'",
  'return {}',
  'return nil',
  'return false',
  "return {err='plain'}",
  "return redis.error_reply('MY problem')",
  "return redis.error_reply('-MY problem')",
  "return redis.status_reply('fine')",
  "return {{{{'deep'}}}}",
  'redis.setresp(3) return {double=1.5}',
  'redis.setresp(3) return {map={a=1}}',
  'redis.setresp(3) return {set={a=true}}',
  "redis.setresp(3) return {big_number='12345678901234567890'}",
  "redis.setresp(3) return {verbatim_string={format='txt',string='x'}}",
  "redis.setresp(3) return redis.call('ZRANGE', KEYS[1] or 'z', 0, -1, 'WITHSCORES')",
  "redis.setresp(3) return redis.call('HGET', KEYS[1] or 'h', 'f')",
  'redis.setresp(4) return 1',
  'return {KEYS, ARGV, #KEYS, #ARGV}',
  'return tostring(1e15) .. tostring(-0) .. tostring(2^53) .. tostring(1/3)',
  'return {2^31, 2^52, -2^52, 0.1 + 0.2}',
  "error('boom')",
  "error({err='ERR of a table'})",
  'return nosuch.field',
  'nosuch = 1',
  'return 1 +',
  'return redis.sha1hex(ARGV[1] or KEYS[1])',
  "return cjson.encode({1, 2.5, 'a', {b=cjson.null}})",
  'return cjson.encode(cjson.decode(\'{"a":[1,2,{"b":null}]}\').a)',
  'return cjson.decode(ARGV[1])',
  "return cmsgpack.pack({1, 'a', true, -5, 70000})",
  "return cmsgpack.unpack(cmsgpack.pack({1, {2, 'x'}, false}))",
  "return {struct.unpack('>I2h', struct.pack('>I2h', 1, -2))}",
  'return {bit.band(255, 15), bit.bnot(0), bit.lshift(1, 31), bit.tohex(255)}',
  "return string.format('%.17g %5d %s %q', 0.1, 3, 'x', 'y\\n')",
  "return redis.call('nosuch')",
  "return redis.pcall('GET').err",
  "return redis.pcall('INCR', KEYS[1] or 's')",
  "return {pcall(redis.call, 'INCR', KEYS[1] or 's')}",
  "return redis.call('TYPE', KEYS[1] or 'l')",
  "return redis.call('TYPE', KEYS[1] or 'l').ok",
  'return redis.call()',
  "return redis.call('SET', KEYS[1] or 'a', {})",
  "local r = redis.call('LRANGE', KEYS[1] or 'l', 0, -1) return {#r, r}",
  "for i = 1, 3 do redis.call('RPUSH', KEYS[1] or 'l', i, ARGV[1] or 'x') end return redis.call('LLEN', KEYS[1] or 'l')",
  "redis.call('SET', KEYS[1] or 'a', ARGV[1] or '1.5') return redis.call('GET', KEYS[1] or 'a')",
  "redis.call('SET', KEYS[1] or 'a', 1) return redis.call('HGET', KEYS[1] or 'a', 'f')",
  "redis.call('SELECT', 1) redis.call('INCR', KEYS[1] or 'n') return redis.call('GET', KEYS[1] or 'n')",
  "return redis.call('XRANGE', KEYS[1] or 'x', '-', '+')",
  "return redis.call('ZADD', KEYS[1] or 'z', 'INCR', ARGV[1] or 1, 'a')",
  "return redis.call('INCRBYFLOAT', KEYS[1] or 'num', ARGV[1] or '0.1')",
  "return redis.call('GEOPOS', KEYS[1] or 'geo', 'a')",
  "return redis.call('BLPOP', KEYS[1] or 'l2', 0)",
  "return redis.call('MULTI')",
  "return redis.call('SUBSCRIBE', 'c')",
  "return redis.acl_check_cmd('SET', KEYS[1] or 'a', 'x')",
  '#!lua\nreturn 1',
  "#!lua flags=no-writes\nreturn redis.call('SET', KEYS[1], 'x')",
  "#!lua flags=no-writes,allow-stale\nreturn redis.call('GET', KEYS[1] or 's')",
  '#!lua flags=nosuch\nreturn 1',
  '#!nosuch\nreturn 1',
  "redis.breakpoint() return redis.debug('x')",
  'return redis.REPL_ALL .. redis.LOG_WARNING',
  "return redis.log(redis.LOG_DEBUG, 'x')",
  'return redis.set_repl(redis.REPL_ALL)',
  'return redis.replicate_commands()',
  "return table.concat({1, 2.5, 'x'}, ',') .. #'\\0\\1'",
  'return math.floor(-2.5) .. math.max(1, 2) .. math.fmod(7, 3)',
  "return select('#', unpack(ARGV))",
  'return {tonumber(ARGV[1]), tonumber(ARGV[1], 16)}',
];

const library = (name: string): string => `#!lua name=${name}
local function first(keys, args) return {keys, args, #keys} end
redis.register_function('${name}_first', first)
redis.register_function{function_name='${name}_get', callback=function(keys) return redis.call('GET', keys[1]) end,
  flags={'no-writes'}}
redis.register_function('${name}_add', function(keys, args)
  redis.call('RPUSH', keys[1], unpack(args)) return redis.call('LRANGE', keys[1], 0, -1) end)
redis.register_function('${name}_fails', function() return redis.error_reply('MY failure') end)`;

const libraries: readonly string[] = [
  library('one'),
  library('two'),
  '#!lua name=bad\nreturn 1',
  '#!lua name=bad\nredis.register_function(1)',
  "#!lua name=bad\nredis.register_function('f', 1)",
  "#!lua name=bad\nredis.call('GET', 'a')",
  '#!lua\nreturn 1',
  '#!lua name=a-b\nreturn 1',
  '#!nosuch name=x\nreturn 1',
  'return 1',
];

/** Parameters that change what commands answer or what can be asked of them, with the value they have at first. */
const parameters: Readonly<Record<string, { initial: string; values: readonly string[] }>> = {
  'hash-max-listpack-entries': { initial: '512', values: ['0', '2', '512', '-1', 'abc', ''] },
  'hash-max-listpack-value': { initial: '64', values: ['4', '100', '-1', '1kb'] },
  'set-max-intset-entries': { initial: '512', values: ['0', '2', 'x'] },
  'zset-max-listpack-entries': { initial: '128', values: ['0', '3', '-5'] },
  'zset-max-listpack-value': { initial: '64', values: ['2', '64', ' 1'] },
  'list-max-listpack-size': { initial: '-2', values: ['2', '-1', '-5', '-6', 'abc'] },
  'stream-node-max-entries': { initial: '100', values: ['1', '2', '-1'] },
  'maxmemory-policy': { initial: 'noeviction', values: ['allkeys-lfu', 'allkeys-lru', 'nosuch'] },
  'slowlog-max-len': { initial: '128', values: ['10', '-1', 'abc'] },
  'lazyfree-lazy-user-del': { initial: 'no', values: ['yes', 'maybe', 'YES'] },
  'maxmemory-samples': { initial: '5', values: ['10', '0'] },
  'latency-monitor-threshold': { initial: '0', values: ['100', '-1'] },
};

const key = (random: Random): string => pick(allKeys, random);

function words(random: Random, countMax: number): string[] {
  return Array.from({ length: randomBelow(random, countMax + 1) }, () => strayWord(random));
}

/** How many keys, the keys, and words. */
function keysAndWords(random: Random): string[] {
  const count = randomBelow(random, 3);
  const said = randomBelow(random, 20) === 0 ? pick(['-1', '7', 'abc', ''], random) : String(count);
  return [said, ...Array.from({ length: count }, () => key(random)), ...words(random, 2)];
}

const evaluate: Step = (random) => [
  [pick(['EVAL', 'EVAL', 'EVAL', 'EVAL_RO'], random), pick(scripts, random), ...keysAndWords(random)],
];

const evaluateLoaded: Step = (random) => {
  const script = pick(scripts, random);
  const sha = createHash('sha1').update(script, 'latin1').digest('hex');
  const name = pick(['EVALSHA', 'EVALSHA_RO'], random);
  const shown = pick([sha, sha.toUpperCase(), 'f'.repeat(40), 'abc'], random);
  return [
    ['SCRIPT', 'LOAD', script],
    [name, shown, ...keysAndWords(random)],
    ['SCRIPT', 'EXISTS', sha, 'f'.repeat(40)],
  ];
};

const functions: Step = (random) => {
  const load = ['FUNCTION', 'LOAD', ...(randomBelow(random, 2) === 0 ? ['REPLACE'] : [])];
  const names = ['one_first', 'one_get', 'one_add', 'two_fails', 'ONE_FIRST', 'none', 'two_get'];
  const calls = Array.from({ length: 1 + randomBelow(random, 4) }, () => [
    pick(['FCALL', 'FCALL', 'FCALL_RO'], random),
    pick(names, random),
    ...keysAndWords(random),
  ]);
  const others = [
    ['FUNCTION', 'DELETE', pick(['one', 'two', 'none'], random)],
    ['FUNCTION', 'FLUSH', pick(['SYNC', 'ASYNC', 'x'], random)],
    ['FUNCTION', 'LIST', 'LIBRARYNAME', 'none'],
    ['FUNCTION', 'KILL'],
  ];
  return [[...load, pick(libraries, random)], ...calls, pick(others, random)];
};

const configure: Step = (random, any) => {
  const name = pick(Object.keys(parameters), random);
  return [
    ['CONFIG', 'SET', name, pick(parameters[name].values, random)],
    ['CONFIG', 'GET', name],
    any(),
    any(),
    ['OBJECT', pick(['ENCODING', 'FREQ', 'IDLETIME'], random), key(random)],
  ];
};

const rules =
  '~* ~a* ~l %R~* %W~s %RW~h allkeys resetkeys +@all -@all +get +set -set +@read +@write -@dangerous +@string -@list nocommands allcommands +config|get -config|set nosuch +nosuch +@nosuch >pw <pw &* &a* allchannels resetchannels on off nopass resetpass reset'.split(
    ' ',
  );

const user: Step = (random, any) => {
  const chosen = Array.from({ length: 1 + randomBelow(random, 6) }, () => pick(rules, random));
  return [
    ['ACL', 'SETUSER', 'u', 'on', 'nopass', ...chosen],
    ['ACL', 'DRYRUN', pick(['u', 'u', 'default', 'none'], random), ...any()],
    ['AUTH', 'u', pick(['pw', 'x', ''], random)],
    ['ACL', 'WHOAMI'],
    any(),
    any(),
    any(),
    ['MULTI'],
    any(),
    ['EXEC'],
    ['RESET'],
  ];
};

const aboutKeys: Step = (_random, any) => [['COMMAND', 'GETKEYS', ...any()]];
const aboutKeysAndFlags: Step = (_random, any) => [['COMMAND', 'GETKEYSANDFLAGS', ...any()]];

const connection: Step = (random) => [
  pick(
    [
      ['SELECT', pick(['0', '1', '2', '16', '-1', 'abc', ''], random)],
      ['CLIENT', 'SETNAME', pick(['name', 'a b', '', 'x\n'], random)],
      ['CLIENT', 'GETNAME'],
      ['CLIENT', 'NO-EVICT', pick(['ON', 'off', 'x'], random)],
      ['CLIENT', 'KILL', 'ID', pick(['99999999', 'abc', '0'], random)],
      ['CLIENT', 'UNBLOCK', '99999999', pick(['TIMEOUT', 'ERROR', 'x'], random)],
      ['CLIENT', 'CACHING', pick(['YES', 'NO', 'x'], random)],
      ['CLIENT', 'GETREDIR'],
      ['CLIENT', 'TRACKING', pick(['OFF', 'x', ''], random)],
      ['CLIENT', 'REPLY', pick(['ON', 'x'], random)],
      ['CLIENT', 'NOSUCH'],
      ['HELLO', pick(['4', 'abc', '1', ''], random)],
      ['HELLO', '3', 'SETNAME', 'a b'],
      ['HELLO', '2', 'AUTH', 'none', 'x'],
      ['HELLO', '3', pick(['AUTH', 'SETNAME', 'nosuch'], random)],
      ['AUTH', ...words(random, 3)],
      ['PING', ...words(random, 2)],
      ['ECHO', ...words(random, 2)],
      ['WATCH', key(random), key(random)],
      ['RESET'],
    ],
    random,
  ),
];

const steps: readonly Step[] = [
  ...[evaluate, evaluate, evaluate, evaluateLoaded, functions, configure, user],
  ...[aboutKeys, aboutKeys, aboutKeysAndFlags, connection, connection, connection],
];

/** A step; `any` makes a request of a type that the sequence is about. */
export function specialStep(random: Random, any: () => RandomRequest): readonly RandomRequest[] {
  return pick(steps, random)(random, any);
}

/** What takes back what requests may have left in the server besides keys. */
export function takingBack(requests: readonly RandomRequest[]): RandomRequest[] {
  const back: RandomRequest[] = [];
  const users = requests
    .filter(([name, verb]) => name === 'ACL' && verb === 'SETUSER')
    .map(([, , who]) => who);
  if (users.length > 0) back.push(['ACL', 'DELUSER', ...users.map((who) => who ?? '')]);
  if (requests.some(([name]) => name === 'FUNCTION')) back.push(['FUNCTION', 'FLUSH']);
  if (requests.some(([name, verb]) => name === 'CONFIG' && verb === 'SET'))
    back.push([
      'CONFIG',
      'SET',
      ...Object.entries(parameters).flatMap(([name, { initial }]) => [name, initial]),
      ...['notify-keyspace-events', ''],
    ]);
  return back;
}
