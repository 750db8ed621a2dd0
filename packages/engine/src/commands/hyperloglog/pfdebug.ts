import type { Reply } from '@holdfast/common';
import type { Ref } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { bytes, key } from '../../grammar.js';
import { denseRegister, headBytes, registerCount } from './registers.js';
import { corruptSketch, findSketch, loadSketch, sketch, storeSketch } from './sketches.js';
import { runBytes, runLength, runValue } from './sparse.js';

/** The runs of the sparse sketch that was loaded: `z` and `Z` of zeros, `v` of a value. */
function decodeRuns(): string {
  const runs: string[] = [];
  for (let at = headBytes; at < sketch.length; at += runBytes(sketch.bytes[at])) {
    const run = sketch.bytes[at];
    const value = runValue(run);
    const length = runLength(sketch.bytes, at);
    if (value > 0) runs.push(`v:${value},${length}`);
    else runs.push(`${runBytes(run) === 2 ? 'Z' : 'z'}:${length}`);
  }
  return runs.join(' ');
}

/** Makes the sketch that was loaded dense, where it is stored too; false after replying that it is damaged. */
function makeDense(ctx: Context, ref: Ref, key: number): boolean {
  if (!sketch.toDense()) {
    ctx.reply.error(corruptSketch);
    return false;
  }
  storeSketch(ctx, ref, key);
  return true;
}

const subcommands: Readonly<Record<string, (ctx: Context, ref: Ref, key: number, reply: Reply) => void>> = {
  GETREG(ctx, ref, key, reply) {
    if (!makeDense(ctx, ref, key)) return;
    reply.array(registerCount);
    for (let i = 0; i < registerCount; i++) reply.integer(denseRegister(sketch.bytes, 0, i));
  },
  DECODE(_ctx, _ref, _key, reply) {
    if (sketch.isDense) reply.error('ERR HLL encoding is not sparse');
    else reply.text(decodeRuns());
  },
  ENCODING(_ctx, _ref, _key, reply) {
    reply.simple(sketch.isDense ? 'dense' : 'sparse');
  },
  TODENSE(ctx, ref, key, reply) {
    const wasDense = sketch.isDense;
    if (makeDense(ctx, ref, key)) reply.integer(wasDense ? 0 : 1);
  },
};

export const pfdebug = defineCommand({
  id: 173,
  name: 'PFDEBUG',
  group: 'hyperloglog',
  since: '2.8.9',
  complexity: 'N/A',
  summary: 'Internal commands for debugging HyperLogLog values.',
  flags: ['write', 'denyoom', 'admin'],
  args: { subcommand: bytes(), key: key('RW', 'access') },
  run(ctx, { subcommand, key }, reply) {
    const ref = findSketch(ctx, key, false);
    if (ref < 0) return;
    if (ref === 0) return reply.error('ERR The specified key does not exist');
    const name = ctx.request.text(subcommand);
    const wanted = name.toUpperCase();
    if (!Object.hasOwn(subcommands, wanted)) return reply.error(`ERR Unknown PFDEBUG subcommand '${name}'`);
    if (loadSketch(ctx)) subcommands[wanted](ctx, ref, key, reply);
  },
});
