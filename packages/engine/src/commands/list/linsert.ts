import { sides } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { bytes, key, requiredWord } from '../../grammar.js';
import { findList } from './lists.js';
import { matchesOf } from './matching.js';

export const linsert = defineCommand({
  id: 309,
  name: 'LINSERT',
  group: 'list',
  since: '2.2.0',
  complexity:
    'O(N) where N is the number of elements to traverse before seeing the value pivot. This means that inserting somewhere on the left end on the list (head) can be considered O(1) and inserting somewhere on the right end (tail) is O(N).',
  summary: 'Inserts an element before or after another element in a list.',
  flags: ['write', 'denyoom'],
  args: {
    key: key('RW', 'insert'),
    where: requiredWord('BEFORE', 'AFTER'),
    pivot: bytes(),
    element: bytes(),
  },
  run(ctx, args, reply) {
    const { request } = ctx;
    const list = findList(ctx, args.key);
    if (list === undefined) return;
    if (list === null) return reply.integer(0);
    list.expect(request.length(args.element));
    const found = matchesOf(list, request, args.pivot, { side: sides.left, matches: 1 });
    if (found.length === 0) return reply.integer(-1);
    const index = args.where === 'BEFORE' ? found[0] : found[0] + 1;
    list.insert(index, request.bytes, request.start(args.element), request.length(args.element));
    ctx.notify('l', 'linsert', args.key);
    reply.integer(list.size);
  },
});
