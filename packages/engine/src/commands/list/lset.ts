import { defineCommand } from '../../command.js';
import { bytes, key, notAnInteger, unparsedInteger } from '../../grammar.js';
import { findList } from './lists.js';

export const lset = defineCommand({
  id: 308,
  name: 'LSET',
  group: 'list',
  since: '1.0.0',
  complexity:
    'O(N) where N is the length of the list. Setting either the first or the last element of the list is O(1).',
  summary: 'Sets the value of an element in a list by its index.',
  flags: ['write', 'denyoom'],
  args: { key: key('RW', 'update'), index: unparsedInteger(), element: bytes() },
  run(ctx, args, reply) {
    const { request } = ctx;
    const list = findList(ctx, args.key);
    if (list === undefined) return;
    if (list === null) return reply.error('ERR no such key');
    let index = request.integer(args.index);
    if (Number.isNaN(index)) return reply.error(notAnInteger);
    list.expect(request.length(args.element));
    if (index < 0) index += list.size;
    if (index < 0 || index >= list.size) return reply.error('ERR index out of range');
    list.set(index, request.bytes, request.start(args.element), request.length(args.element));
    ctx.notify('l', 'lset', args.key);
    reply.ok();
  },
});
