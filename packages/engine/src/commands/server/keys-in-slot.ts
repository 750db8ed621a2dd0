/** CLUSTER COUNTKEYSINSLOT and GETKEYSINSLOT: which keys of a slot are here. Keys in memory are not kept by slots. */
import { hashSlotCount, hashSlotOf, type Reply } from '@holdfast/common';
import { type Command, defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { notAnInteger, unparsedInteger } from '../../grammar.js';
import { replyName } from '../generic/live-keys.js';

export const disabled = 'ERR This instance has cluster support disabled';

const common = {
  group: 'cluster',
  since: '3.0.0',
  flags: ['stale'],
  scansKeyspace: 'all',
} as const;

const keysPerPage = 4096;

export const countKeysInSlot: Command = defineCommand({
  ...common,
  id: 907,
  name: 'COUNTKEYSINSLOT',
  complexity: 'O(N) with N being the number of keys in the database',
  summary: 'Returns the number of keys in a hash slot.',
  args: { slot: unparsedInteger() },
  run(ctx, args, reply) {
    const slot = integerOf(ctx, args.slot, reply);
    if (slot === null) return;
    if (slot < 0 || slot >= hashSlotCount) return reply.error('ERR Invalid slot');
    reply.integer(keysIn(ctx, slot, Number.POSITIVE_INFINITY).length);
  },
});

export const getKeysInSlot: Command = defineCommand({
  ...common,
  id: 908,
  name: 'GETKEYSINSLOT',
  complexity: 'O(N) with N being the number of keys in the database',
  summary: 'Returns the key names in a hash slot.',
  tips: ['nondeterministic_output'],
  args: { slot: unparsedInteger(), count: unparsedInteger() },
  run(ctx, args, reply) {
    const slot = integerOf(ctx, args.slot, reply);
    const count = slot === null ? null : integerOf(ctx, args.count, reply);
    if (slot === null || count === null) return;
    if (slot < 0 || slot >= hashSlotCount || count < 0) {
      return reply.error('ERR Invalid slot or number of keys');
    }
    const refs = keysIn(ctx, slot, count);
    reply.array(refs.length);
    for (const ref of refs) replyName(ctx.db, ref, reply);
  },
});

/** Null when the server is none of a cluster, or the argument no integer: then it has said so. */
function integerOf({ kv, request }: Context, i: number, reply: Reply): number | null {
  if (!kv.isClusterNode) {
    reply.error(disabled);
    return null;
  }
  const n = request.integer(i);
  if (!Number.isNaN(n)) return n;
  reply.error(notAnInteger);
  return null;
}

/** The records of at most so many keys; as in Redis those whose time is over count until they are removed. */
function keysIn(ctx: Context, slot: number, countMax: number): number[] {
  ctx.dependOnAll();
  const { arena, dict } = ctx.db;
  const refs: number[] = [];
  const visit = (ref: number): void => {
    if (refs.length >= countMax) return;
    if (hashSlotOf(arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref)) === slot) refs.push(ref);
  };
  let cursor = 0;
  do cursor = ctx.storage.scanPage(ctx.session.database, cursor, keysPerPage, visit);
  while (cursor !== 0 && refs.length < countMax);
  return refs;
}
