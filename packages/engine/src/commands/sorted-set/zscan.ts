import { byteStringOf, formatDouble } from '@holdfast/common';
import { defineCommand } from '../../command.js';
import { globMatch } from '../../glob.js';
import { integer, key, option, pattern, syntaxError } from '../../grammar.js';
import { cursor, findZSet } from './zsets.js';

export const zscan = defineCommand({
  id: 434,
  name: 'ZSCAN',
  group: 'sorted-set',
  since: '2.8.0',
  complexity:
    'O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.',
  summary: 'Iterates over members and scores of a sorted set.',
  flags: ['readonly'],
  tips: ['nondeterministic_output'],
  args: {
    key: key('RO', 'access'),
    cursor: integer({ min: 0, error: 'ERR invalid cursor' }),
    match: option('MATCH', { pattern: pattern() }),
    count: option('COUNT', { count: integer({ min: 1, rangeError: syntaxError }) }),
  },
  run(ctx, { key, cursor: position, match, count }, reply) {
    const zset = findZSet(ctx, key);
    if (zset === undefined) return;
    const wanted = match.present ? ctx.request.byteString(match.pattern) : '*';
    const names: number[] = [];
    const next = zset === null ? 0 : zset.scan(position, count.present ? count.count : 10, names);
    const found = names.filter((name) => {
      zset?.read(cursor, name);
      return wanted === '*' || globMatch(wanted, byteStringOf(cursor.bytes, cursor.start, cursor.length));
    });
    reply.array(2);
    reply.text(String(next));
    reply.array(found.length * 2);
    for (const name of found) {
      zset?.read(cursor, name);
      reply.bulk(cursor.bytes, cursor.start, cursor.length);
      reply.text(formatDouble(cursor.score));
    }
  },
});
