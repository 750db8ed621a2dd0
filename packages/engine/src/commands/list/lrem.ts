import { sides } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { bytes, integer, key } from '../../grammar.js';
import { findList } from './lists.js';
import { matchesOf } from './matching.js';

export const lrem = defineCommand({
  id: 310,
  name: 'LREM',
  group: 'list',
  since: '1.0.0',
  complexity: 'O(N+M) where N is the length of the list and M is the number of elements removed.',
  summary: 'Removes elements from a list. Deletes the list if the last element was removed.',
  flags: ['write'],
  args: { key: key('RW', 'delete'), count: integer(), element: bytes() },
  run(ctx, { key, count, element }, reply) {
    const list = findList(ctx, key);
    if (list === undefined) return;
    if (list === null) return reply.integer(0);
    const side = count < 0 ? sides.right : sides.left;
    const matches = count === 0 ? Number.POSITIVE_INFINITY : Math.abs(count);
    const found = matchesOf(list, ctx.request, element, { side, matches });
    reply.integer(found.length);
    if (found.length === 0) return;
    const isAll = found.length === list.size;
    if (isAll) ctx.db.remove(list.ref);
    else list.remove(side === sides.right ? found.reverse() : found);
    ctx.countChanges(found.length);
    ctx.notify('l', 'lrem', key);
    if (isAll) ctx.notify('g', 'del', key);
  },
});
