import { byteStringOf, type Request } from '@holdfast/common';
import type { NameSelection } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { GlobPattern } from '../../glob-pattern.js';
import { pattern } from '../../grammar.js';
import { LiveKeys } from './live-keys.js';

const found = new LiveKeys();

function selectionOf(request: Request): NameSelection {
  const bytes = request.copy(1);
  const wanted = new GlobPattern(bytes);
  return {
    id: `pattern ${byteStringOf(bytes, 0, bytes.length)}`,
    slot: wanted.slot,
    matches: (key, start, length) => wanted.matches(key, start, length),
  };
}

export const keys = defineCommand({
  id: 156,
  name: 'KEYS',
  group: 'generic',
  since: '1.0.0',
  complexity: 'O(N) with N being the number of keys in the database',
  summary: 'Returns all key names that match a pattern.',
  flags: ['readonly'],
  categories: ['keyspace', 'dangerous'],
  tips: ['request_policy:all_shards', 'nondeterministic_output_order'],
  scansKeyspace: 'names',
  selectsNames: selectionOf,
  args: { pattern: pattern() },
  run(ctx, args, reply) {
    const { db, request, session, storage } = ctx;
    const wanted = new GlobPattern(request.view(args.pattern));
    found.start(ctx, wanted.isAll ? null : wanted);
    if (wanted.isLiteral) {
      const ref = ctx.find(args.pattern);
      if (ref !== 0) found.visit(ref);
    } else {
      ctx.dependOnAll();
      db.dict.forEach(found.visit);
    }
    if (!storage.isComplete(session.database))
      found.addNames(storage.coldNames(session.database, selectionOf(request)));
    found.reply(reply);
  },
});
