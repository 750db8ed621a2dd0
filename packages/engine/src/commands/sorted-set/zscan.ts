import { formatDouble } from '@holdfast/common';
import { defineCommand } from '../../command.js';
import { readScanOptions, replyPage, scanArguments } from '../../element-scan.js';
import { key } from '../../grammar.js';
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
  args: { key: key('RO', 'access'), ...scanArguments },
  run(ctx, { key, cursor: position }, reply) {
    const zset = findZSet(ctx, key);
    if (zset === undefined) return;
    if (zset === null) return replyPage(reply, 0, 0);
    const options = readScanOptions(ctx, key + 2, false, reply);
    if (options === null) return;
    const { count, pattern } = options;
    const names: number[] = [];
    const next = zset.scan(position, count, names);
    const found = names.filter((name) => {
      zset.read(cursor, name);
      return pattern === null || pattern.matches(cursor.bytes, cursor.start, cursor.length);
    });
    replyPage(reply, next, found.length * 2);
    for (const name of found) {
      zset.read(cursor, name);
      reply.bulk(cursor.bytes, cursor.start, cursor.length);
      reply.text(formatDouble(cursor.score));
    }
  },
});
