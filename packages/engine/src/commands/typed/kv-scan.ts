import type { Ref } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import { integer } from '../../grammar.js';
import { isInRange, keyRangeOptions } from './key-range.js';

const found: Ref[] = [];

/**
 * One page of a pass over the key space, in the order of the index, not of the keys. Replies the next
 * cursor (0 at the end), and type, version and key of the page's keys within the range, one after the
 * other. A key that is there during a whole pass is in exactly one of its pages.
 */
export const kvScan = defineCommand({
  id: 904,
  name: 'KV.SCAN',
  group: 'generic',
  since: '0.1.0',
  complexity: 'O(COUNT) for every call.',
  summary: 'Iterates over the keys of a range, with their types and versions.',
  flags: ['readonly'],
  scansKeyspace: 'page',
  args: { cursor: integer({ min: 0, error: 'ERR invalid cursor' }), ...keyRangeOptions },
  run(ctx, args, reply) {
    const { db, nowMs, request, session, storage } = ctx;
    const count = args.count.present ? args.count.keys : 10;
    found.length = 0;
    let newest = db.removalVersion;
    const next = storage.scanPage(db.index, args.cursor, count, (ref) => {
      const expiryMs = db.expiry(ref);
      if (expiryMs !== 0 && expiryMs <= nowMs) return;
      if (!isInRange(db, ref, request, args)) return;
      found.push(ref);
      const version = db.version(ref);
      if (version > newest) newest = version;
    });
    if (newest > session.dependsOn) session.dependsOn = newest;
    reply.array(2);
    reply.integer(next);
    reply.array(found.length * 3);
    const { dict, arena } = db;
    for (const ref of found) {
      reply.integer(dict.type(ref));
      reply.integer(dict.stamp(ref));
      reply.bulk(arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref));
    }
  },
});
