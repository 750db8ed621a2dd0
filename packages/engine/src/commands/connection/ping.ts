import { defineCommand } from '../../command.js';
import { bytes, optional } from '../../grammar.js';

export const ping = defineCommand({
  id: 1,
  name: 'PING',
  group: 'connection',
  since: '1.0.0',
  complexity: 'O(1)',
  summary: "Returns the server's liveliness response.",
  flags: ['fast'],
  tips: ['request_policy:all_shards', 'response_policy:all_succeeded'],
  arity: -1,
  surplusIsArityError: true,
  args: { message: optional(bytes()) },
  run({ request, session }, args, reply) {
    if (session.dialect === 2 && session.isSubscriber) {
      reply.array(2);
      reply.text('pong');
      if (args.message === null) reply.text('');
      else reply.bulk(request.bytes, request.start(args.message), request.length(args.message));
      return;
    }
    if (args.message === null) return reply.simple('PONG');
    reply.bulk(request.bytes, request.start(args.message), request.length(args.message));
  },
});
