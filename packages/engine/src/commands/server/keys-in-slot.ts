/** CLUSTER COUNTKEYSINSLOT and GETKEYSINSLOT: which keys of a slot are here. Keys in memory are not kept by slots. */
import { hashSlotCount, hashSlotOf, type Reply, type Request } from '@holdfast/common';
import { type KeyNames, type NameSelection, noNames } from '@holdfast/storage';
import { type Command, defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { notAnInteger, unparsedInteger } from '../../grammar.js';
import { replyName } from '../generic/live-keys.js';

export const disabled = 'ERR This instance has cluster support disabled';

function selectionOf(request: Request): NameSelection | null {
  const slot = request.integer(2);
  if (!isSlot(slot)) return null;
  return {
    id: `slot ${slot}`,
    slot,
    matches: (key, start, length) => hashSlotOf(key, start, length) === slot,
  };
}

function isSlot(n: number): boolean {
  return n >= 0 && n < hashSlotCount;
}

const common = {
  group: 'cluster',
  since: '3.0.0',
  flags: ['stale'],
  scansKeyspace: 'names',
  selectsNames: selectionOf,
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
    if (!isSlot(slot)) return reply.error('ERR Invalid slot');
    reply.integer(residentIn(ctx, slot, Number.POSITIVE_INFINITY).length + otherNames(ctx).count);
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
    if (!isSlot(slot) || count < 0) return reply.error('ERR Invalid slot or number of keys');
    const refs = residentIn(ctx, slot, count);
    const names = otherNames(ctx);
    let left = Math.min(count - refs.length, names.count);
    reply.array(refs.length + left);
    for (const ref of refs) replyName(ctx.db, ref, reply);
    names.forEach((bytes, start, length) => {
      if (left-- > 0) reply.bulk(bytes, start, length);
    });
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

/**
 * The records of at most so many keys that are in memory; as in Redis those whose time is over count until they are
 * removed.
 */
function residentIn(ctx: Context, slot: number, countMax: number): number[] {
  ctx.dependOnAll();
  const { arena, dict } = ctx.db;
  const refs: number[] = [];
  const page: number[] = [];
  let cursor = 0;
  do {
    page.length = 0;
    cursor = dict.scan(cursor, keysPerPage, page);
    for (const ref of page) {
      if (refs.length >= countMax) break;
      if (hashSlotOf(arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref)) === slot) refs.push(ref);
    }
  } while (cursor !== 0 && refs.length < countMax);
  return refs;
}

/** The names of the slot's other keys. */
function otherNames({ request, session, storage }: Context): KeyNames {
  const selection = selectionOf(request);
  return selection === null ? noNames : storage.coldNames(session.database, selection);
}
