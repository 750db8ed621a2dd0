import { defineCommand } from '../../command.js';
import { key, repeat } from '../../grammar.js';
import { encodingAt, encodings, registerCount } from './registers.js';
import { mergeInto } from './sketch.js';
import { corruptSketch, findSketch, loadSketch, sketch, storeSketch } from './sketches.js';

const registers = new Uint8Array(registerCount);
/** Those that the target has already. */
const present = new Uint8Array(registerCount);

export const pfmerge = defineCommand({
  id: 172,
  name: 'PFMERGE',
  group: 'hyperloglog',
  since: '2.8.9',
  complexity: 'O(N) to merge N HyperLogLogs, but with high constant times.',
  summary: 'Merges one or more HyperLogLog values into a single key.',
  flags: ['write', 'denyoom'],
  args: {
    destkey: key('RW', 'access', 'insert'),
    sourcekey: repeat(key('RO', 'access'), { mayBeEmpty: true }),
  },
  /** The target is merged with itself too. It becomes dense if one of the sketches is. */
  run(ctx, { destkey, sourcekey }, reply) {
    const { db, kv } = ctx;
    registers.fill(0);
    let isDense = false;
    for (let i = destkey; i <= destkey + sourcekey.count; i++) {
      const ref = findSketch(ctx, i, true);
      if (ref < 0) return;
      if (ref === 0) continue;
      if (db.valueBytes[db.valueStart + encodingAt] === encodings.dense) isDense = true;
      if (!mergeInto(registers, db.valueBytes, db.valueStart, db.valueLength)) {
        return reply.error(corruptSketch);
      }
    }
    const ref = findSketch(ctx, destkey, false);
    if (ref === 0) sketch.create();
    else if (!loadSketch(ctx)) return;
    present.fill(0);
    mergeInto(present, sketch.bytes, 0, sketch.length);
    if (isDense) sketch.toDense();
    const sparseMaxBytes = kv.config.number('hll-sparse-max-bytes');
    for (let i = 0; i < registerCount; i++) {
      if (registers[i] > present[i]) sketch.raise(i, registers[i], sparseMaxBytes);
    }
    sketch.invalidate();
    storeSketch(ctx, ref, destkey, true);
    ctx.notify('$', 'pfadd', destkey);
    reply.ok();
  },
});
