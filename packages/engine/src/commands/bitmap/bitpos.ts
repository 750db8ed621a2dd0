import { defineCommand } from '../../command.js';
import { described, integer, key } from '../../grammar.js';
import { findBit } from './bit-words.js';
import { bitRange } from './bits.js';
import { openRangeDoc } from './range-docs.js';

const bitRules = { min: 0, max: 1, rangeError: 'ERR The bit argument must be 1 or 0.' };

export const bitpos = defineCommand({
  id: 183,
  name: 'BITPOS',
  group: 'bitmap',
  since: '2.8.7',
  complexity: 'O(N)',
  summary: 'Finds the first set (1) or clear (0) bit in a string.',
  flags: ['readonly'],
  args: { key: key('RO', 'access'), bit: integer(bitRules), range: described(openRangeDoc) },
  /** After its end a string is thought to go on with clear bits, unless the range has an end of its own. */
  run(ctx, { key, bit }, reply) {
    const { db, request } = ctx;
    const ref = ctx.string(key);
    if (ref < 0) return;
    if (ref === 0) return reply.integer(bit === 1 ? -1 : 0);
    db.readString(ref);
    const length = db.valueLength;
    const problem = bitRange.parse(request, 3, length);
    if (problem !== null) return reply.error(problem);
    const { first, last } = bitRange;
    if (bitRange.isEmpty) return reply.integer(-1);
    const found = findBit(db.valueBytes, db.valueStart, bit, first, last);
    const hasEnd = request.count > 4;
    reply.integer(found < 0 && bit === 0 && !hasEnd ? length * 8 : found);
  },
});
