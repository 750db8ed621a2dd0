import { defineCommand } from '../../command.js';
import { key, notAnInteger, unparsedInteger } from '../../grammar.js';
import { cursor, findList, replyElement } from './lists.js';

export const lindex = defineCommand({
  id: 307,
  name: 'LINDEX',
  group: 'list',
  since: '1.0.0',
  complexity:
    'O(N) where N is the number of elements to traverse to get to the element at index. This makes asking for the first or the last element of the list O(1).',
  summary: 'Returns an element from a list by its index.',
  flags: ['readonly'],
  args: { key: key('RO', 'access'), index: unparsedInteger() },
  run(ctx, args, reply) {
    const list = findList(ctx, args.key);
    if (list === undefined) return;
    if (list === null) return reply.null();
    let index = ctx.request.integer(args.index);
    if (Number.isNaN(index)) return reply.error(notAnInteger);
    if (index < 0) index += list.size;
    if (index < 0 || index >= list.size) return reply.null();
    cursor.seek(list, index);
    replyElement(reply);
  },
});
