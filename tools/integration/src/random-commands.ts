/** Random requests with arguments that tend to mean something: few keys, numbers at the edges, option words. */
import { type Random, randomBelow } from '@holdfast/common';
import type { Command } from '@holdfast/engine';
import { pick } from './random-pick.js';
import { randomStreamRequest } from './random-stream-commands.js';

export const fuzzKeys: readonly string[] = [
  's',
  'n',
  'l',
  'h',
  'set',
  'ints',
  'z',
  'hll',
  'geo',
  'x',
  'y',
  'a',
  'b',
  '{t}1',
  '{t}2',
  '',
];

/** What keys hold at the start of a round, so that most commands meet their own type. */
export const preparation: readonly (readonly string[])[] = [
  ['SET', 's', 'hello world'],
  ['SET', 'n', '42'],
  ['RPUSH', 'l', 'a', 'b', 'c', '1', '2'],
  ['HSET', 'h', 'f', 'v', 'n', '1', 'd', '1.5'],
  ['SADD', 'set', 'a', 'b', 'c'],
  ['SADD', 'ints', '1', '2', '300'],
  ['ZADD', 'z', '1', 'a', '2', 'b', '2', 'c', '-inf', 'd'],
  ['PFADD', 'hll', 'a', 'b', 'c'],
  ['GEOADD', 'geo', '13.36', '38.11', 'a', '15.08', '37.5', 'b', '-180', '85', 'c'],
  ['XADD', 'x', '1', 'name', 'a', 'value', '1'],
  ['XADD', 'x', '2-1', 'name', 'b', 'value', '2'],
  ['XGROUP', 'CREATE', 'x', 'g', '0'],
];

const words =
  `NX XX GT LT CH INCR GET EX PX EXAT PXAT KEEPTTL PERSIST LIMIT COUNT MATCH TYPE WITHSCORES WITHVALUES WEIGHTS
   AGGREGATE SUM MIN MAX BYSCORE BYLEX REV LEFT RIGHT BEFORE AFTER RANK MAXLEN STORE BY ALPHA ASC DESC REPLACE DB
   ASYNC SYNC BIT BYTE AND OR XOR NOT OVERFLOW SAT WRAP FAIL SET INCRBY IDX LEN MINMATCHLEN WITHMATCHLEN FIELDS FNX
   FXX ID ADDR NOSCORES ABSTTL FREQ IDLETIME ENCODING ON OFF SKIP YES NO AUTH SETNAME u8 i64 #1 string list
   FROMMEMBER FROMLONLAT BYRADIUS BYBOX WITHCOORD WITHDIST WITHHASH ANY STOREDIST m km nosort w_* h->f GETREG
   DECODE TODENSE`
    .split(/\s+/)
    .concat('*', '?', '[ab]*', '-', '+', '[a', '(b', '(1', 'inf', '-inf', 'nan', 'a', 'b', 'f', 'd');

const numbers = [
  ...[
    '0',
    '1',
    '2',
    '3',
    '-1',
    '-2',
    '10',
    '100',
    '0.5',
    '-1.5',
    '1e3',
    '3.0e2',
    '01',
    '+1',
    ' 1',
    '1 ',
    '-0',
    '0x10',
  ],
  ...['2147483647', '2147483648', '4294967295', '4294967296', '9007199254740991', '9007199254740993'],
  ...['9223372036854775807', '-9223372036854775808', '9223372036854775808', '1e308', '1e400', '5e-324'],
];

/** Commands that answer with as many elements as they are told: the numbers given to them stay small. */
const answersAtLength = /RAND/;

/** Commands that end, stop or change the process, or hold it for long; they are tested by themselves. */
const excluded =
  /^(SHUTDOWN|DEBUG|PFSELFTEST|CONFIG\|SET|CONFIG\|REWRITE|MONITOR|CLIENT\|PAUSE|CLIENT\|KILL|CLIENT\|REPLY|ACL.*|FAILOVER)$/;

export function fuzzableCommands(commands: readonly Command[]): Command[] {
  return commands
    .flatMap((command) => [command, ...command.subcommands.values()])
    .filter(({ fullName }) => !excluded.test(fullName.toUpperCase()));
}

export function randomRequest(commands: readonly Command[], random: Random): (string | Buffer)[] {
  const command = pick(commands, random);
  if (command.group === 'stream' && randomBelow(random, 4) > 0) return randomStreamRequest(random);
  const name = command.fullName.toUpperCase();
  const args: (string | Buffer)[] = name.split('|');
  const isExact = command.arity > 0 && randomBelow(random, 10) > 0;
  const more = randomBelow(random, randomBelow(random, 3) === 0 ? 10 : 4);
  const wanted = isExact ? command.arity : Math.max(Math.abs(command.arity) + more, args.length);
  const first = args.length;
  while (args.length < wanted) {
    const isLikelyKey = args.length === first ? randomBelow(random, 8) > 0 : randomBelow(random, 4) === 0;
    args.push(isLikelyKey ? pick(fuzzKeys, random) : randomArgument(random, answersAtLength.test(name)));
  }
  return args;
}

function randomArgument(random: Random, isSmall: boolean): string | Buffer {
  switch (randomBelow(random, 8)) {
    case 0:
    case 1:
      return isSmall ? String(randomBelow(random, 20) - 10) : pick(numbers, random);
    case 2:
      return String(randomBelow(random, 12) - 3);
    case 3:
    case 4:
      return pick(words, random);
    case 5:
      return pick(fuzzKeys, random);
    case 6:
      return randomBelow(random, 20) === 0
        ? 'x'.repeat(randomBelow(random, 20_000))
        : `v${randomBelow(random, 30)}`;
    default:
      return random.fill(Buffer.alloc(randomBelow(random, 12)));
  }
}
