import { defineCommand } from '../../command.js';
import { integer, key } from '../../grammar.js';
import { cursor, findList, replyElement } from './lists.js';

export const lrange = defineCommand({
  id: 312,
  name: 'LRANGE',
  group: 'list',
  since: '1.0.0',
  complexity:
    'O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest end (HEAD or TAIL) for large lists; and N is the number of elements in the specified range.',
  summary: 'Returns a range of elements from a list.',
  flags: ['readonly'],
  args: { key: key('RO', 'access'), start: integer(), stop: integer() },
  run(ctx, { key, start, stop }, reply) {
    const list = findList(ctx, key);
    if (list === undefined) return;
    if (list === null) return reply.array(0);
    const { size } = list;
    const first = Math.max(start < 0 ? start + size : start, 0);
    const last = Math.min(stop < 0 ? stop + size : stop, size - 1);
    if (first > last) return reply.array(0);
    reply.array(last - first + 1);
    cursor.seek(list, first);
    for (let i = first; i <= last; i++) {
      replyElement(reply);
      cursor.next();
    }
  },
});
