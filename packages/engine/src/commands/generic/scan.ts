import { valueTypeNames } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { GlobPattern } from '../../glob-pattern.js';
import { bytes, cursor, integer, option, pattern, syntaxError } from '../../grammar.js';
import { LiveKeys } from './live-keys.js';

const countDefault = 10;
/** No value has it: as in Redis 7.2, an unknown type is no error and matches nothing. */
const unknownType = 255;
const found = new LiveKeys();

/**
 * A key that is there from the first call to the one that returns cursor 0 is returned at least once,
 * whatever comes and goes meanwhile. The cursor is a position in the order of hashes. Expired keys that it
 * comes across are removed, as any access does it.
 */
export const scan = defineCommand({
  id: 157,
  name: 'SCAN',
  group: 'generic',
  since: '2.8.0',
  complexity: 'O(1) for every call. O(N) for a complete iteration.',
  summary: 'Iterates over the key names in the database.',
  flags: ['readonly'],
  tips: ['nondeterministic_output', 'request_policy:special', 'response_policy:special'],
  scansKeyspace: 'page',
  args: {
    cursor: cursor(),
    match: option('MATCH', { pattern: pattern() }),
    count: option('COUNT', { count: integer({ min: 1, rangeError: syntaxError }) }),
    type: option('TYPE', { name: bytes() }),
  },
  run(ctx, args, reply) {
    const { request, session, storage } = ctx;
    const count = args.count.present ? args.count.count : countDefault;
    const wanted = args.match.present ? new GlobPattern(request.view(args.match.pattern)) : null;
    found.start(ctx, wanted, args.type.present ? typeOf(request.text(args.type.name)) : -1);
    ctx.dependOnAll();
    const next = storage.scanPage(session.database, args.cursor, count, found.visit);
    reply.array(2);
    reply.text(String(next));
    found.reply(reply);
    found.removeExpired(ctx);
  },
});

function typeOf(name: string): number {
  const type = valueTypeNames.indexOf(name.toLowerCase());
  return type > 0 ? type : unknownType;
}
