import { sides } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { integer, key } from '../../grammar.js';
import { findList } from './lists.js';

export const ltrim = defineCommand({
  id: 311,
  name: 'LTRIM',
  group: 'list',
  since: '1.0.0',
  complexity: 'O(N) where N is the number of elements to be removed by the operation.',
  summary: 'Removes elements from both ends a list. Deletes the list if all elements were trimmed.',
  flags: ['write'],
  args: { key: key('RW', 'delete'), start: integer(), stop: integer() },
  run(ctx, { key, start, stop }, reply) {
    const list = findList(ctx, key);
    if (list === undefined) return;
    reply.ok();
    if (list === null) return;
    const { size } = list;
    const first = Math.max(start < 0 ? start + size : start, 0);
    const last = Math.min(stop < 0 ? stop + size : stop, size - 1);
    if (first > last) {
      ctx.countChanges(size);
      ctx.db.remove(list.ref);
      ctx.notify('l', 'ltrim', key);
      return ctx.notify('g', 'del', key);
    }
    const right = size - 1 - last;
    // Where nothing goes the list counts as written all the same, which breaks WATCH, as in Redis.
    if (first > 0 || right === 0) list.pop(sides.left, first);
    if (right > 0) list.pop(sides.right, right);
    ctx.countChanges(first + right);
    ctx.notify('l', 'ltrim', key);
  },
});
