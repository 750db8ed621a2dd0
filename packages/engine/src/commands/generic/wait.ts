import { defineCommand } from '../../command.js';
import { integer } from '../../grammar.js';

export const wait = defineCommand({
  id: 159,
  name: 'WAIT',
  group: 'generic',
  since: '3.0.0',
  complexity: 'O(1)',
  summary:
    'Blocks until the asynchronous replication of all preceding write commands sent by the connection is completed.',
  flags: ['noscript'],
  tips: ['request_policy:all_shards', 'response_policy:agg_min'],
  args: {
    replicas: integer(),
    timeout: integer({
      min: 0,
      error: 'ERR timeout is not an integer or out of range',
      rangeError: 'ERR timeout is negative',
    }),
  },
  /** A server that stands alone has no replicas to wait for. */
  run({ host }, _args, reply) {
    reply.integer(host.replicaCount());
  },
});
