// @hot-path
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { bytes, key, type Repeated, repeat } from '../../grammar.js';
import { denseRegister, encodingAt, encodings, locate, place } from './registers.js';
import { addOutcomes } from './sketch.js';
import { corruptSketch, findSketch, loadSketch, sketch, storeSketch } from './sketches.js';

/**
 * How many elements at the beginning change nothing in a dense sketch, which lies where `findSketch` found it: most
 * elements are such once a sketch has seen many, and then it is not even copied.
 */
function countKnown({ db, request }: Context, { first, count }: Repeated): number {
  const { valueBytes, valueStart } = db;
  if (valueBytes[valueStart + encodingAt] !== encodings.dense) return 0;
  for (let i = 0; i < count; i++) {
    locate(request.bytes, request.start(first + i), request.length(first + i));
    if (denseRegister(valueBytes, valueStart, place.register) < place.count) return i;
  }
  return count;
}

export const pfadd = defineCommand({
  id: 170,
  name: 'PFADD',
  group: 'hyperloglog',
  since: '2.8.9',
  complexity: 'O(1) to add every element.',
  summary: "Adds elements to a HyperLogLog key. Creates the key if it doesn't exist.",
  flags: ['write', 'denyoom', 'fast'],
  args: { key: key('RW', 'insert'), element: repeat(bytes(), { mayBeEmpty: true }) },
  run(ctx, { key, element }, reply) {
    const { kv, request } = ctx;
    const ref = findSketch(ctx, key, false);
    if (ref < 0) return;
    // As in Redis, which takes a string for its own before it looks whether it changes.
    if (ref !== 0) ctx.db.markRaw(ref);
    const known = ref === 0 ? 0 : countKnown(ctx, element);
    if (ref !== 0 && known === element.count) return reply.integer(0);
    if (ref === 0) sketch.create();
    else if (!loadSketch(ctx)) return;
    const sparseMaxBytes = kv.config.number('hll-sparse-max-bytes');
    let isChanged = ref === 0;
    for (let i = element.first + known; i < element.first + element.count; i++) {
      const outcome = sketch.add(request.bytes, request.start(i), request.length(i), sparseMaxBytes);
      if (outcome === addOutcomes.corrupt) return reply.error(corruptSketch);
      if (outcome === addOutcomes.changed) isChanged = true;
    }
    if (isChanged) {
      sketch.invalidate();
      storeSketch(ctx, ref, key);
      ctx.notify('$', 'pfadd', key);
    }
    reply.integer(isChanged ? 1 : 0);
  },
});
