import { defineCommand } from '../../command.js';
import { readScanOptions, replyPage, scanArguments, scanTable } from '../../element-scan.js';
import { token, unparsed } from '../../grammar.js';
import { findHash, readKey, replyField, replyValue, view } from './hashes.js';

const found: number[] = [];

export const hscan = defineCommand({
  id: 215,
  name: 'HSCAN',
  group: 'hash',
  since: '2.8.0',
  complexity:
    'O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection.',
  summary: 'Iterates over fields and values of a hash.',
  flags: ['readonly'],
  tips: ['nondeterministic_output'],
  args: { ...readKey, ...scanArguments, novalues: unparsed(token('NOVALUES')) },
  run(ctx, { key, cursor }, reply) {
    const hash = findHash(ctx, key);
    if (hash === undefined) return;
    if (hash === null) return replyPage(reply, 0, 0);
    const options = readScanOptions(ctx, key + 2, true, reply);
    if (options === null) return;
    const { table } = hash;
    const next = scanTable(table, cursor, options, found);
    replyPage(reply, next, options.noValues ? found.length : found.length * 2);
    for (const entry of found) {
      table.read(entry, view);
      replyField(reply);
      if (!options.noValues) replyValue(reply);
    }
  },
});
