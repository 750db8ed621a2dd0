import { valueTypeNames } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { globMatch } from '../../glob.js';
import { bytes, integer, option, pattern, syntaxError } from '../../grammar.js';
import { liveName } from './live-keys.js';

export const scan = defineCommand({
  id: 157,
  name: 'SCAN',
  group: 'generic',
  since: '2.8.0',
  complexity: 'O(1) for every call. O(N) for a complete iteration.',
  summary: 'Iterates over the key names in the database.',
  flags: ['readonly'],
  tips: ['nondeterministic_output', 'request_policy:special'],
  scansKeyspace: 'page',
  args: {
    cursor: integer({ min: 0, error: 'ERR invalid cursor' }),
    match: option('MATCH', { pattern: pattern() }),
    count: option('COUNT', { count: integer() }),
    type: option('TYPE', { name: bytes() }),
  },
  run(ctx, args, reply) {
    const { db, request, session, storage } = ctx;
    const count = args.count.present ? args.count.count : 10;
    if (count < 1) return reply.error(syntaxError);
    const wanted = args.match.present ? request.byteString(args.match.pattern) : null;
    const type = args.type.present ? request.byteString(args.type.name).toLowerCase() : null;
    const found: string[] = [];
    const next = storage.scanPage(session.database, args.cursor, count, (ref) => {
      if (type !== null && valueTypeNames[db.type(ref)] !== type) return;
      const name = liveName(ctx, ref);
      if (name !== null && (wanted === null || globMatch(wanted, name))) found.push(name);
    });
    reply.array(2);
    reply.text(String(next));
    reply.array(found.length);
    for (const name of found) reply.byteString(name);
  },
});
