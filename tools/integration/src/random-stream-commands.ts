/** Random stream commands that mean something: few ids, groups and consumers, so that they meet again and again. */
import { type Random, randomBelow } from '@holdfast/common';
import { pick } from './random-pick.js';

/** Parts of a command line; a function is asked anew each time. */
type Part = string | ((random: Random) => string | readonly string[]);

const key = (random: Random): string => pick(['x', 'x', 'x', 'y', 'a'], random);
const group = (random: Random): string => pick(['g', 'g', 'h'], random);
const consumer = (random: Random): string => pick(['c', 'd', 'e'], random);
const small = (random: Random): string => String(randomBelow(random, 12));
const idle = (random: Random): string => pick(['0', '0', '0', '50', '-1'], random);

function id(random: Random): string {
  const dice = randomBelow(random, 12);
  if (dice === 0)
    return pick(['0-0', '18446744073709551615-18446744073709551615', '9007199254740993-7'], random);
  return dice < 4 ? small(random) : `${randomBelow(random, 40)}-${randomBelow(random, 3)}`;
}

const limit = (random: Random): string => pick(['-', '+', '-', '+', id(random), `(${id(random)}`], random);
const newId = (random: Random): string => (randomBelow(random, 3) === 0 ? id(random) : '*');
const ids = (random: Random): string[] =>
  Array.from({ length: 1 + randomBelow(random, 4) }, () => id(random));

function fields(random: Random): string[] {
  const names = randomBelow(random, 3) === 0 ? ['other', String(randomBelow(random, 5))] : ['name', 'value'];
  return names.flatMap((name) => [name, pick([small(random), 'text', 'x'.repeat(300)], random)]);
}

/** Nothing, or one of several choices. */
function maybe(...choices: (readonly string[])[]): Part {
  return (random) => (randomBelow(random, 2) === 0 ? [] : pick(choices, random));
}

const trimming: Part = (random) => {
  const isById = randomBelow(random, 2) === 0;
  const operator = pick([[], ['='], ['~']], random);
  const limits = operator[0] === '~' && randomBelow(random, 2) === 0 ? ['LIMIT', small(random)] : [];
  return [isById ? 'MINID' : 'MAXLEN', ...operator, isById ? id(random) : small(random), ...limits];
};

const lines: readonly (readonly Part[])[] = [
  ['XADD', key, newId, fields],
  ['XADD', key, newId, fields],
  ['XADD', key, maybe(['NOMKSTREAM']), trimming, newId, fields],
  ['XTRIM', key, trimming],
  ['XDEL', key, ids],
  ['XLEN', key],
  ['XRANGE', key, limit, limit, maybe(['COUNT', '2'])],
  ['XREVRANGE', key, limit, limit, maybe(['COUNT', '2'])],
  ['XREAD', maybe(['COUNT', '3'], ['BLOCK', '1']), 'STREAMS', key, id],
  ['XREAD', 'BLOCK', '1', 'STREAMS', key, key, '$', '+'],
  ['XGROUP', 'CREATE', key, group, id, maybe(['MKSTREAM'], ['ENTRIESREAD', '3'])],
  ['XGROUP', 'CREATE', key, group, '0', 'MKSTREAM'],
  ['XGROUP', 'SETID', key, group, id],
  ['XGROUP', 'DESTROY', key, group],
  ['XGROUP', 'CREATECONSUMER', key, group, consumer],
  ['XGROUP', 'DELCONSUMER', key, group, consumer],
  ['XREADGROUP', 'GROUP', group, consumer, maybe(['COUNT', '3'], ['NOACK']), 'STREAMS', key, '>'],
  ['XREADGROUP', 'GROUP', group, consumer, maybe(['COUNT', '2']), 'STREAMS', key, key, '>', '>'],
  ['XREADGROUP', 'GROUP', group, consumer, 'BLOCK', '1', 'STREAMS', key, '>'],
  ['XREADGROUP', 'GROUP', group, consumer, 'STREAMS', key, id],
  ['XACK', key, group, ids],
  ['XPENDING', key, group],
  ['XPENDING', key, group, maybe(['IDLE', '5']), limit, limit, '10', maybe(['c'])],
  [
    'XCLAIM',
    key,
    group,
    consumer,
    idle,
    ids,
    maybe(['FORCE'], ['JUSTID'], ['RETRYCOUNT', '5'], ['LASTID', '20']),
  ],
  ['XAUTOCLAIM', key, group, consumer, idle, limit, maybe(['COUNT', '2'], ['JUSTID'])],
  ['XSETID', key, id, maybe(['ENTRIESADDED', '50', 'MAXDELETEDID', '3'])],
  ['XINFO', 'STREAM', key, maybe(['FULL'])],
  ['XINFO', 'GROUPS', key],
  ['XINFO', 'CONSUMERS', key, group],
];

export function randomStreamRequest(random: Random): string[] {
  return pick(lines, random).flatMap((part) => (typeof part === 'string' ? [part] : part(random)));
}
