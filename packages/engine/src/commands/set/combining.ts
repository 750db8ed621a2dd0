/**
 * Intersections, unions and differences of sets. A key that is not there is an empty set. A result that
 * must be complete before it is seen is a set of no key, which is then stored or given back.
 */
import type { Reply } from '@holdfast/common';
import { type Database, SetValue, valueTypes } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { type Argument, key, type Repeated, repeat } from '../../grammar.js';
import { replyMember, replyMembers, storeSet, view } from './sets.js';

export type Operand = SetValue | null;

/** The keys of the sets. */
export function inputKeys(): { key: Argument<Repeated> } {
  return { key: repeat(key('RO', 'access')) };
}

/** The sets of the keys; undefined after replying that one has the wrong type. */
export function readOperands(ctx: Context, keys: Repeated): Operand[] | undefined {
  const operands: Operand[] = [];
  for (let i = 0; i < keys.count; i++) {
    const set = ctx.collection<SetValue>(keys.first + i, valueTypes.set, true);
    if (set === undefined) return undefined;
    operands.push(set);
  }
  return operands;
}

/** Replies a result of no key, and gives it back. */
export function replyResult(result: SetValue, reply: Reply): void {
  replyMembers(result, reply);
  result.release(Number.POSITIVE_INFINITY);
}

/** Stores a result of no key; an empty one is given back. */
export function storeResult(ctx: Context, i: number, result: SetValue, event: string, reply: Reply): void {
  storeSet(ctx, i, result, event, reply);
  if (result.size === 0) result.release(Number.POSITIVE_INFINITY);
}

/**
 * Calls `visit` with the entries, in the smallest of the operands, of the members that all have; `view` points
 * at the member. Stops after `limit` of them; returns how many there were.
 */
export function intersect(
  operands: readonly Operand[],
  limit: number,
  visit: (smallest: SetValue, entry: number) => void,
): number {
  const sets = operands.filter((set) => set !== null).sort((a, b) => a.size - b.size);
  if (sets.length < operands.length) return 0;
  const [smallest, ...others] = sets;
  const { table } = smallest;
  let count = 0;
  table.rewind();
  for (let entry = table.next(); entry !== 0 && count < limit; entry = table.next()) {
    table.read(entry, view);
    if (!isInAll(others)) continue;
    visit(smallest, entry);
    count++;
  }
  return count;
}

/** Replies the members that all operands have. */
export function replyIntersection(operands: readonly Operand[], reply: Reply): void {
  const entries: number[] = [];
  let source: SetValue | null = null;
  intersect(operands, Number.POSITIVE_INFINITY, (smallest, entry) => {
    source = smallest;
    entries.push(entry);
  });
  replyEntries(source, entries, reply);
}

/** The members that all operands have, encoded as Redis does it: packed, until there are too many. */
export function intersection(db: Database, operands: readonly Operand[]): SetValue {
  const smallest = operands.reduce((least, set) => (sizeOf(set) < sizeOf(least) ? set : least));
  const result = new SetValue(db, smallest?.encoding === 'intset' ? 'intset' : 'listpack');
  intersect(operands, Number.POSITIVE_INFINITY, () => addViewed(result));
  result.packIntegers();
  return result;
}

const sizeOf = (set: Operand): number => set?.size ?? 0;

/** The members that any operand has. */
export function union(db: Database, operands: readonly Operand[]): SetValue {
  const result = new SetValue(db);
  for (const set of operands) if (set !== null) addAll(result, set);
  return result;
}

/** The members of the first operand that no other one has. */
export function difference(db: Database, operands: readonly Operand[]): SetValue {
  const result = new SetValue(db);
  const [first, ...others] = operands;
  if (first === null || others.includes(first)) return result;
  if (asksOthers(first, others)) {
    subtract(first, others, () => addViewed(result));
    return result;
  }
  addAll(result, first);
  for (const other of others) if (other !== null) removeAll(result, other);
  return result;
}

/** Replies the members of the first operand that no other one has. */
export function replyDifference(db: Database, operands: readonly Operand[], reply: Reply): void {
  const [first, ...others] = operands;
  if (first !== null && !asksOthers(first, others)) {
    replyResult(difference(db, operands), reply);
    return;
  }
  const entries: number[] = [];
  if (first !== null) subtract(first, others, (entry) => entries.push(entry));
  replyEntries(first, entries, reply);
}

/**
 * Whether to ask each of the others for each member of the first, or to remove theirs from a copy of it: as
 * Redis decides it, which shows in the encoding of what is stored.
 */
function asksOthers(first: SetValue, others: readonly Operand[]): boolean {
  let asked = first.size;
  let removed = first.size;
  for (const set of others) {
    if (set === null) continue;
    asked += first.size;
    removed += set.size;
  }
  return Math.floor(asked / 2) <= removed;
}

/** Calls `visit` with the entries of the first set's members that no other one has; `view` points at them. */
function subtract(first: SetValue, others: readonly Operand[], visit: (entry: number) => void): void {
  const { table } = first;
  // The largest is the likeliest to have a member.
  const sets = others.filter((set) => set !== null).sort((a, b) => b.size - a.size);
  table.rewind();
  for (let entry = table.next(); entry !== 0; entry = table.next()) {
    table.read(entry, view);
    if (!isInAny(sets)) visit(entry);
  }
}

function isInAll(sets: readonly SetValue[]): boolean {
  for (const set of sets) if (!set.has(view.bytes, view.start, view.length)) return false;
  return true;
}

function isInAny(sets: readonly SetValue[]): boolean {
  for (const set of sets) if (set.has(view.bytes, view.start, view.length)) return true;
  return false;
}

function addViewed(result: SetValue): void {
  result.add(view.bytes, view.start, view.length);
}

function addAll(result: SetValue, { table }: SetValue): void {
  table.rewind();
  for (let entry = table.next(); entry !== 0; entry = table.next()) {
    table.read(entry, view);
    addViewed(result);
  }
}

function removeAll(result: SetValue, { table }: SetValue): void {
  table.rewind();
  for (let entry = table.next(); entry !== 0 && result.size > 0; entry = table.next()) {
    table.read(entry, view);
    result.remove(view.bytes, view.start, view.length);
  }
}

function replyEntries(set: SetValue | null, entries: readonly number[], reply: Reply): void {
  reply.set(entries.length);
  if (set === null) return;
  for (const entry of entries) replyMember(set.table, entry, reply);
}
