import { defineCommand } from '../../command.js';
import { described, key, notAnInteger, syntaxError } from '../../grammar.js';
import { countBitsBetween } from './bit-words.js';
import { bitRange } from './bits.js';
import { rangeDoc } from './range-docs.js';

export const bitcount = defineCommand({
  id: 182,
  name: 'BITCOUNT',
  group: 'bitmap',
  since: '2.6.0',
  complexity: 'O(N)',
  summary: 'Counts the number of set bits (population counting) in a string.',
  flags: ['readonly'],
  args: { key: key('RO', 'access'), range: described(rangeDoc) },
  run(ctx, { key }, reply) {
    const { db, request } = ctx;
    const ref = ctx.string(key);
    if (ref < 0) return;
    if (ref === 0) return reply.integer(0);
    const { count } = request;
    if (count === 3 || count > 5) return reply.error(syntaxError);
    if (count > 3) {
      const [start, end] = [request.integer(2), request.integer(3)];
      if (start !== start || end !== end) return reply.error(notAnInteger);
      if (start < 0 && end < 0 && start > end) return reply.integer(0);
    }
    db.readString(ref);
    const problem = bitRange.parse(request, 2, db.valueLength);
    if (problem !== null) return reply.error(problem);
    if (bitRange.isEmpty) reply.integer(0);
    else reply.integer(countBitsBetween(db.valueBytes, db.valueStart, bitRange.first, bitRange.last));
  },
});
