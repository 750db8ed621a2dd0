/** What conversations are about: steps of one connection each, which others of the same theme meet with. */
import type { Random } from '@holdfast/common';
import { pick } from '../random-pick.js';
import type { Turn } from './conversation.js';
import type { RandomRequest } from './request.js';

export const speakerCount = 4;

export interface Scene {
  readonly random: Random;
  /** A request of a type that the conversation is about, and one with what has to follow it. */
  readonly any: () => RandomRequest;
  readonly some: () => readonly RandomRequest[];
  /** A value of DUMP. */
  readonly payload: () => string;
  /** 1, 2, 3 ... */
  readonly next: () => number;
  /** One of the connections. */
  readonly anybody: () => number;
}

type Step = (scene: Scene) => readonly RandomRequest[];

export interface Theme {
  readonly opening?: (scene: Scene) => Turn[];
  readonly steps: readonly Step[];
}

const words = (text: string): readonly string[] => text.split(' ');

/** A step that picks one of the lines; `a|b` in it is one of them. */
function oneOf(...lines: readonly string[]): Step {
  return (scene) => [filled(pick(lines, scene.random), scene)];
}

const lists = words('q q q2 l l2 a');
const sortedSets = words('zq zq z a');
const streams = words('x x y sq');
const keys = [...lists, ...sortedSets, ...streams, 's', 'h'];
const places: Readonly<Record<string, readonly string[]>> = {
  LIST: lists,
  ZSET: sortedSets,
  STREAM: streams,
  KEY: keys,
  VALUE: words('a b c d 1 2'),
  // Most wait until somebody ends it: short ones are over before the next request.
  SECONDS: words('0 0 0 100 100 0.005 -1 abc'),
  MS: words('0 0 0 100000 5 -1'),
  CHANNEL: words('a b news news.it'),
  PATTERN: words('* a* news.* [ab] n?ws a'),
  BEGINNING: words('a z l q s h zq'),
};

/** The words of a line, with something put for each place in it. */
function filled(line: string, { random, next, anybody }: Scene): RandomRequest {
  return words(line).map((word) => {
    if (word === 'NEW-ID') return `${100 + next()}-1`;
    if (word === 'SOMEBODY') return `<id ${anybody()}>`;
    return pick(places[word] ?? word.split('|'), random);
  });
}

const wait = oneOf(
  'BLPOP|BRPOP LIST SECONDS',
  'BLPOP|BRPOP LIST LIST SECONDS',
  'BLPOP|BRPOP LIST LIST KEY SECONDS',
  'BLMOVE LIST LIST LEFT|RIGHT LEFT|RIGHT SECONDS',
  'BRPOPLPUSH LIST LIST SECONDS',
  'BLMPOP SECONDS 2 LIST LIST LEFT|RIGHT COUNT 1|2|10',
  'BZPOPMIN|BZPOPMAX ZSET SECONDS',
  'BZPOPMIN|BZPOPMAX ZSET ZSET SECONDS',
  'BZMPOP SECONDS 2 ZSET ZSET MIN|MAX COUNT 1|2',
  'XREAD BLOCK MS STREAMS STREAM $',
  'XREAD COUNT 1|2 BLOCK MS STREAMS STREAM STREAM $ $',
  'XREADGROUP GROUP g|h c|d COUNT 2 BLOCK MS STREAMS x >',
  'XREADGROUP GROUP g|h c|d BLOCK MS NOACK STREAMS x >',
  'XREADGROUP GROUP g c|d BLOCK MS STREAMS x sq > >',
);

const serve = oneOf(
  'RPUSH|LPUSH LIST VALUE',
  'RPUSH|LPUSH LIST VALUE VALUE VALUE',
  'RPUSHX|LPUSHX LIST VALUE',
  'ZADD ZSET 1|2 VALUE',
  'ZADD ZSET 1|2 VALUE 1|3 VALUE',
  'XADD STREAM NEW-ID f VALUE',
  'XADD x NEW-ID f VALUE',
  'XADD STREAM MAXLEN 0 NEW-ID f VALUE',
  'DEL|UNLINK KEY',
  'LPOP|RPOP LIST',
  'ZPOPMIN ZSET',
  'SET KEY VALUE',
  'RENAME|RENAMENX KEY KEY',
  'COPY KEY KEY REPLACE',
  'COPY KEY KEY',
  'MOVE KEY 1',
  'SWAPDB 0 1',
  'SELECT 0|0|1',
  'LMOVE LIST LIST LEFT|RIGHT LEFT|RIGHT',
  'RPOPLPUSH LIST LIST',
  'SORT LIST ALPHA STORE LIST',
  'ZUNIONSTORE ZSET 1 ZSET',
  'ZRANGESTORE ZSET ZSET 0 -1',
  'GEOADD ZSET 1 1 VALUE',
  'GEOSEARCHSTORE ZSET geo FROMLONLAT 15 37 BYRADIUS 500 km',
  'XGROUP DESTROY x g|h',
  'XGROUP SETID x g 0|$',
  'XSETID x 99-0',
  'XTRIM x MAXLEN 1',
  'PEXPIRE KEY -1',
  'EXPIRE KEY 0|100000',
  'FLUSHALL|FLUSHDB',
  'CLIENT UNBLOCK SOMEBODY',
  'CLIENT UNBLOCK SOMEBODY TIMEOUT|ERROR',
  "EVAL redis.call('RPUSH',KEYS[1],'a','b');return{redis.call('LLEN',KEYS[1])} 1 LIST",
  "EVAL redis.call('RPUSH',KEYS[1],'a');redis.call('DEL',KEYS[1]) 1 LIST",
  "EVAL redis.call('ZADD',KEYS[1],1,'a');redis.call('RPUSH','q','x') 1 ZSET",
);

const restore: Step = (scene) => [['RESTORE', pick(keys, scene.random), '0', scene.payload(), 'REPLACE']];

/** Redis 7.2 makes consumers at other times than 7.0: they are there before they ask. */
const group: Step = (scene) => {
  const [, , stream] = filled('XGROUP CREATE x|sq', scene);
  const consumers = ['c', 'd'].map((each) => ['XGROUP', 'CREATECONSUMER', stream, 'g', each]);
  const first = filled(`XGROUP CREATE ${stream} g 0|$ MKSTREAM`, scene);
  return [pick([first, ['XGROUP', 'DELCONSUMER', stream, 'g', 'c']], scene.random), ...consumers];
};

const waiting: Theme = { steps: [wait, wait, wait, group, serve, serve, serve, serve, restore] };

const watching: Theme = {
  steps: [
    oneOf('WATCH KEY', 'WATCH KEY KEY', 'WATCH none', 'UNWATCH'),
    oneOf('WATCH KEY', 'WATCH KEY none a'),
    oneOf('MULTI', 'EXEC', 'EXEC', 'DISCARD', 'GET s', 'PING'),
    ({ some }) => [['MULTI'], ...some(), ['EXEC']],
    ({ any }) => [['MULTI'], any(), any()],
    () => [['EXEC']],
    oneOf(
      'SET KEY VALUE',
      'DEL KEY',
      'PEXPIRE KEY -1|100000000',
      'PERSIST KEY',
      'TOUCH KEY',
      'COPY KEY KEY REPLACE',
      'RENAME KEY KEY',
      'SWAPDB 0 1',
      'SWAPDB 1 2',
      'SELECT 0|1',
      'FLUSHALL|FLUSHDB',
      'SET none VALUE PXAT 1',
      'SETEX KEY 100000 VALUE',
      'GETEX s PXAT 1',
      'SADD set a',
      'HSET h f v',
      'LSET l 0 a',
      'MOVE KEY 1',
      'RESET',
    ),
  ],
};

const listen = oneOf(
  'SUBSCRIBE CHANNEL',
  'SUBSCRIBE CHANNEL CHANNEL',
  'PSUBSCRIBE PATTERN',
  'PSUBSCRIBE PATTERN PATTERN',
  'SSUBSCRIBE CHANNEL',
  'UNSUBSCRIBE',
  'PUNSUBSCRIBE',
  'SUNSUBSCRIBE',
  'UNSUBSCRIBE CHANNEL CHANNEL',
  'PUNSUBSCRIBE PATTERN',
  'SUNSUBSCRIBE CHANNEL',
  'RESET',
  'HELLO 2|3',
  'SUBSCRIBE',
  'PING|QUIT',
  'PING x',
  'MULTI',
);

const publish = oneOf(
  'PUBLISH CHANNEL VALUE',
  'PUBLISH CHANNEL VALUE',
  'SPUBLISH CHANNEL VALUE',
  "EVAL return{redis.call('PUBLISH','a',ARGV[1]),redis.call('SPUBLISH','b',ARGV[1])} 0 VALUE",
  'PUBSUB CHANNELS',
  'PUBSUB CHANNELS PATTERN',
  'PUBSUB NUMSUB CHANNEL CHANNEL',
  'PUBSUB NUMPAT',
  'PUBSUB SHARDCHANNELS',
  'PUBSUB SHARDNUMSUB CHANNEL CHANNEL',
);

const messages: Theme = { steps: [listen, listen, publish, publish] };

const classes = words('KEA KEA KEA KEAn KEAnm En KEAn Kx E KE$ El KEA$ Kgs KEz KEt KEm KEn KEx KEd A g xE');

const choose = (chosen: string): RandomRequest => ['CONFIG', 'SET', 'notify-keyspace-events', chosen];

const events: Theme = {
  opening: ({ random }) => [
    { by: 0, request: choose(pick(classes, random)) },
    { by: 1, request: ['PSUBSCRIBE', '__key*__:*'] },
  ],
  steps: [
    ({ some }) => some(),
    ({ some }) => some(),
    ({ some }) => some(),
    ({ some }) => [['MULTI'], ...some(), ...some(), ['EXEC']],
    serve,
    ({ random }) => [choose(pick(classes, random)), ['CONFIG', 'GET', 'notify-keyspace-events']],
    // Redis reads what it had out of its text when it refuses another value, and `A` in that hides `n`: it is set anew.
    ({ random }) => [choose('KEq'), choose(pick(classes, random))],
  ],
};

const track = oneOf(
  'CLIENT TRACKING ON',
  'CLIENT TRACKING ON',
  'CLIENT TRACKING ON NOLOOP',
  'CLIENT TRACKING ON OPTIN|OPTOUT',
  'CLIENT TRACKING ON OPTIN NOLOOP',
  'CLIENT TRACKING ON BCAST PREFIX BEGINNING',
  'CLIENT TRACKING ON BCAST PREFIX BEGINNING PREFIX BEGINNING',
  'CLIENT TRACKING ON BCAST NOLOOP PREFIX BEGINNING',
  'CLIENT TRACKING ON REDIRECT SOMEBODY',
  'CLIENT TRACKING ON REDIRECT SOMEBODY BCAST PREFIX BEGINNING',
  'CLIENT TRACKING ON PREFIX a',
  'CLIENT TRACKING OFF',
  'CLIENT CACHING YES|NO',
  'CLIENT CACHING YES|NO',
  'CLIENT GETREDIR',
  'CLIENT TRACKINGINFO',
  'SUBSCRIBE __redis__:invalidate',
  'RESET',
  'HELLO 2|3',
);

const read = oneOf(
  'GET s',
  'MGET s n KEY',
  'LRANGE LIST 0 -1',
  'ZRANGE ZSET 0 -1',
  'HGETALL h',
  'EXISTS KEY KEY',
  'TTL KEY',
  'TYPE KEY',
  "EVAL return{redis.call('GET','s'),redis.call('TTL',KEYS[1])} 1 KEY",
  "EVAL_RO return(redis.call('GET','n')) 1 s",
);

const tracking: Theme = { steps: [track, track, read, read, serve, ({ some }) => some(), read] };

const monitoring: Theme = {
  opening: ({ anybody }) => [{ by: anybody(), request: ['MONITOR'] }],
  steps: [
    ({ some }) => some(),
    ({ some }) => [['MULTI'], ...some(), ['EXEC']],
    serve,
    wait,
    oneOf('MONITOR|RESET', 'AUTH x', 'AUTH default x', 'PUBLISH CHANNEL VALUE', 'SELECT 0|1|99'),
    oneOf('CLIENT SETNAME me', 'CLIENT LIST ID 99999999', 'CONFIG GET nosuch', 'HELLO 2 AUTH default x'),
  ],
};

const user: Step = ({ random }) => [
  pick(
    [
      ['ACL', 'SETUSER', 'u', 'on', 'nopass', '~*', '&*', '+@all'],
      ['ACL', 'SETUSER', 'u', 'resetchannels', '&a'],
      ['ACL', 'SETUSER', 'u', '-@list'],
      ['ACL', 'SETUSER', 'u', 'resetkeys', '~q'],
      ['ACL', 'DELUSER', 'u'],
      ['AUTH', 'u', 'x'],
      ['AUTH', 'u', 'x'],
      ['ACL', 'WHOAMI'],
    ],
    random,
  ),
];

const clients: Theme = {
  steps: [
    oneOf(
      'CLIENT KILL ID SOMEBODY',
      'CLIENT KILL ID SOMEBODY SKIPME no|yes',
      'CLIENT KILL TYPE pubsub',
      'CLIENT KILL USER u',
      'CLIENT NO-EVICT on|off',
      'CLIENT REPLY SKIP',
      'QUIT',
    ),
    oneOf('CLIENT PAUSE 100000 WRITE', 'CLIENT UNPAUSE', 'CLIENT UNPAUSE'),
    (scene) => [...user(scene), ...user(scene)],
    (scene) => user(scene),
    wait,
    serve,
    serve,
    listen,
    ({ some }) => some(),
  ],
};

export const themes: readonly Theme[] = [
  ...[waiting, waiting, waiting, watching, watching, messages, events, events],
  ...[tracking, tracking, monitoring, clients],
];
