import { keyBytesMax, type Reply } from '@holdfast/common';
import type { SetValue } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { key, optional, unparsedInteger } from '../../grammar.js';
import { findSet, replyMember, replyMembers, view } from './sets.js';

/** What is logged of a member beside its bytes. */
const lengthBytes = 4;

export const spop = defineCommand({
  id: 256,
  name: 'SPOP',
  group: 'set',
  since: '1.0.0',
  complexity: 'Without the count argument O(1), otherwise O(N) where N is the value of the passed count.',
  summary:
    'Returns one or more random members from a set after removing them. Deletes the set if the last member was popped.',
  flags: ['write', 'fast'],
  tips: ['nondeterministic_output'],
  surplusIsArityError: false,
  args: { key: key('RW', 'access', 'delete'), count: optional(unparsedInteger()) },
  run(ctx, { key, count }, reply) {
    const wanted = count === null ? 1 : ctx.request.integer(count);
    if (!(wanted >= 0)) return reply.error('ERR value is out of range, must be positive');
    const set = findSet(ctx, key);
    if (set === undefined) return;
    if (count === null) {
      if (set === null) return reply.null();
      popSome(ctx, key, set, 1, reply);
    } else if (set === null || wanted === 0) {
      reply.set(0);
    } else if (wanted >= set.size) {
      popAll(ctx, key, set, reply);
    } else {
      admitPop(ctx, key, set, wanted);
      reply.set(wanted);
      popSome(ctx, key, set, wanted, reply);
    }
  },
});

/** Removes `count` random members, one by one, and replies them. */
function popSome(ctx: Context, key: number, set: SetValue, count: number, reply: Reply): void {
  const { propagation, request } = ctx;
  const removed: Uint8Array[] = [];
  for (let i = 0; i < count; i++) {
    replyMember(set.table, set.table.random(ctx.draw), reply);
    if (propagation !== null)
      removed.push(Buffer.from(view.bytes.subarray(view.start, view.start + view.length)));
    set.remove(view.bytes, view.start, view.length);
  }
  propagation?.instead('SREM', request.view(key), ...removed);
  ctx.notify('s', 'spop', key);
  ctx.removeIfEmpty(key, set);
}

/** Throws KvError LIMIT when the log does not take so many members. It is looked into where members of any length are too much. */
function admitPop(ctx: Context, key: number, set: SetValue, count: number): void {
  const { journal } = ctx.storage;
  if (journal === null || journal.takes(count * keyBytesMax)) return;
  const { table } = set;
  let longest = 0;
  let all = 0;
  table.rewind();
  for (let entry = table.next(); entry !== 0; entry = table.next()) {
    table.read(entry, view);
    longest = Math.max(longest, view.length);
    all += view.length;
  }
  journal.admit(Math.min(all, count * longest) + count * lengthBytes + ctx.request.length(key));
}

/** Removes the key, which was looked up last, and replies all its members. */
function popAll(ctx: Context, key: number, set: SetValue, reply: Reply): void {
  replyMembers(set, reply);
  ctx.db.remove(set.ref);
  ctx.propagation?.insteadRemoved(ctx.request.view(key), 'lazyfree-lazy-server-del');
  ctx.notify('s', 'spop', key);
  ctx.notify('g', 'del', key);
}
