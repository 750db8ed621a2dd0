/** The operations of BITFIELD and BITFIELD_RO: read from arguments, and carried out one after another. */
import { parseBigInteger, type Reply } from '@holdfast/common';
import type { Ref } from '@holdfast/storage';
import type { Context } from '../../context.js';
import { notAnInteger, syntaxError } from '../../grammar.js';
import { patchBytes } from '../string/put-bytes.js';
import { byteOf, notAnOffset, readFieldOffset } from './bits.js';
import {
  bytesWithField,
  type FieldType,
  fieldBytes,
  fit,
  type Overflow,
  parseFieldType,
  readField,
} from './field.js';

const notAType =
  'ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.';
const notAnOverflow = 'ERR Invalid OVERFLOW type specified';
const readOnly = 'ERR BITFIELD_RO only supports the GET subcommand';

const overflows: readonly Overflow[] = ['WRAP', 'SAT', 'FAIL'];
const kinds = ['GET', 'SET', 'INCRBY'] as const;
type Kind = (typeof kinds)[number];

interface Operation {
  readonly kind: Kind;
  readonly type: FieldType;
  readonly offset: number;
  /** What is set or added. */
  readonly value: bigint;
  readonly overflow: Overflow;
}

/** Whether all operations of a request only read, as far as can be told without looking at numbers. */
export function onlyReads(request: Context['request']): boolean {
  for (let i = 2; i < request.count; ) {
    const left = request.count - i - 1;
    if (request.is(i, 'GET') && left >= 2) i += 3;
    else if (request.is(i, 'OVERFLOW') && left >= 1) i += 2;
    else return false;
  }
  return true;
}

/** The operations of a request; null after replying what is wrong with one. */
function readOperations(ctx: Context, reply: Reply): Operation[] | null {
  const { request } = ctx;
  const operations: Operation[] = [];
  let overflow: Overflow = 'WRAP';
  for (let i = 2; i < request.count; ) {
    const left = request.count - i - 1;
    if (request.is(i, 'OVERFLOW') && left >= 1) {
      const found = overflows.find((each) => request.is(i + 1, each));
      if (found === undefined) return refuse(reply, notAnOverflow);
      overflow = found;
      i += 2;
      continue;
    }
    const kind = kinds.find((each) => request.is(i, each) && left >= (each === 'GET' ? 2 : 3));
    if (kind === undefined) return refuse(reply, syntaxError);
    const operation = readOperation(ctx, i, kind, overflow, reply);
    if (operation === null) return null;
    operations.push(operation);
    i += kind === 'GET' ? 3 : 4;
  }
  return operations;
}

function readOperation(
  ctx: Context,
  i: number,
  kind: Kind,
  overflow: Overflow,
  reply: Reply,
): Operation | null {
  const { request } = ctx;
  const type = parseFieldType(request.byteString(i + 1));
  if (type === null) return refuse(reply, notAType);
  const offset = readFieldOffset(ctx, i + 2, type.bits);
  if (offset < 0) return refuse(reply, notAnOffset);
  if (kind === 'GET') return { kind, type, offset, value: 0n, overflow };
  const value = parseBigInteger(request.bytes, request.start(i + 3), request.length(i + 3));
  if (value === null) return refuse(reply, notAnInteger);
  return { kind, type, offset, value, overflow };
}

function refuse(reply: Reply, message: string): null {
  reply.error(message);
  return null;
}

/** Runs the operations of a request on the string at argument `key`. */
export function runFieldOperations(ctx: Context, key: number, mayWrite: boolean, reply: Reply): void {
  const operations = readOperations(ctx, reply);
  if (operations === null) return;
  const writes = operations.some(({ kind }) => kind !== 'GET');
  if (writes && !mayWrite) return reply.error(readOnly);
  if (writes) ctx.admitEach(key, operations.length);
  const found = ctx.string(key, !writes);
  if (found < 0) return;
  const oldLength = found === 0 ? -1 : ctx.db.stringLength(found);
  const ref = writes ? makeRoom(ctx, found, key, operations) : found;
  const isLonger = writes && ctx.db.stringLength(ref) > oldLength;
  let isChanged = false;
  reply.array(operations.length);
  for (const operation of operations) {
    if (operation.kind === 'GET') replyField(reply, readAt(ctx, ref, operation));
    else isChanged = change(ctx, ref, key, operation, isLonger, reply) || isChanged;
  }
  if (isChanged) ctx.notify('$', 'setbit', key);
}

const zero = new Uint8Array(1);

/** Makes the string so long that it has all fields that are written, whether or not they change. Returns the record. */
function makeRoom(ctx: Context, ref: Ref, key: number, operations: readonly Operation[]): Ref {
  let end = 0;
  for (const { kind, offset, type } of operations) {
    if (kind !== 'GET') end = Math.max(end, byteOf(offset + type.bits - 1) + 1);
  }
  if (ref === 0 || ctx.db.stringLength(ref) < end) return patchBytes(ctx, ref, key, end - 1, zero, 0, 1);
  ctx.db.markRaw(ref);
  return ref;
}

/**
 * Sets or increments a field, and replies its old or its new value. Whether that is told as a change: in a string that was
 * made longer (`isLonger`) it is all that does not fail.
 */
function change(
  ctx: Context,
  ref: Ref,
  key: number,
  operation: Operation,
  isLonger: boolean,
  reply: Reply,
): boolean {
  const { kind, offset, type, value, overflow } = operation;
  const { db } = ctx;
  const old = readAt(ctx, ref, operation);
  // What is set is a number of 64 bits, without a sign if the field has none.
  const wanted = kind === 'INCRBY' ? old + value : type.isSigned ? value : BigInt.asUintN(64, value);
  const next = fit(type, wanted, overflow);
  if (next === null) {
    reply.null();
    return false;
  }
  replyField(reply, kind === 'INCRBY' ? next : old);
  if (next === old) return isLonger;
  const bytes = bytesWithField(db.valueBytes, db.valueStart, db.valueLength, offset, type, next);
  patchBytes(ctx, ref, key, byteOf(offset), bytes, 0, fieldBytes(offset, type));
  return true;
}

function readAt({ db }: Context, ref: Ref, { offset, type }: Operation): bigint {
  if (ref === 0) return 0n;
  db.readString(ref);
  return readField(db.valueBytes, db.valueStart, db.valueLength, offset, type);
}

function replyField(reply: Reply, n: bigint): void {
  const small = Number(n);
  if (Number.isSafeInteger(small)) reply.integer(small);
  else reply.bigInteger(n);
}
