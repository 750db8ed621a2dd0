// @hot-path
import { defineCommand } from '../../command.js';
import { key, unparsedInteger } from '../../grammar.js';
import { byteOf, notAnOffset, readOffset } from './bits.js';

export const getbit = defineCommand({
  id: 181,
  name: 'GETBIT',
  group: 'bitmap',
  since: '2.2.0',
  complexity: 'O(1)',
  summary: 'Returns a bit value by offset.',
  flags: ['readonly', 'fast'],
  args: { key: key('RO', 'access'), offset: unparsedInteger() },
  run(ctx, { key, offset }, reply) {
    const { db } = ctx;
    const position = readOffset(ctx, offset);
    if (position < 0) return reply.error(notAnOffset);
    const ref = ctx.string(key);
    if (ref < 0) return;
    if (ref === 0) return reply.integer(0);
    db.readString(ref);
    const at = byteOf(position);
    const byte = at < db.valueLength ? db.valueBytes[db.valueStart + at] : 0;
    reply.integer((byte >>> (7 - (position & 7))) & 1);
  },
});
