import { defineCommand } from '../../command.js';
import { readScanOptions, replyPage, scanArguments, scanTable } from '../../element-scan.js';
import { key } from '../../grammar.js';
import { findSet, replyMember } from './sets.js';

const found: number[] = [];

export const sscan = defineCommand({
  id: 266,
  name: 'SSCAN',
  group: 'set',
  since: '2.8.0',
  complexity:
    'O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.',
  summary: 'Iterates over members of a set.',
  flags: ['readonly'],
  tips: ['nondeterministic_output'],
  args: { key: key('RO', 'access'), ...scanArguments },
  run(ctx, { key, cursor }, reply) {
    const set = findSet(ctx, key);
    if (set === undefined) return;
    if (set === null) return replyPage(reply, 0, 0);
    const options = readScanOptions(ctx, key + 2, false, reply);
    if (options === null) return;
    const next = scanTable(set.table, cursor, options, found);
    replyPage(reply, next, found.length);
    for (const entry of found) replyMember(set.table, entry, reply);
  },
});
