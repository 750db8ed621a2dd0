/** An input of ZUNION and its kin: a sorted set, or a set, whose members all have the score 1. */
import { EntryView, type SetValue, valueTypes, ZSetCursor, type ZSetValue } from '@holdfast/storage';
import { type Context, wrongType } from '../../context.js';
import type { Repeated } from '../../grammar.js';

export abstract class Operand {
  weight = 1;
  /** The member that `next` came to is `bytes[start, start + length)`. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  length = 0;
  score = 1;

  abstract readonly collection: ZSetValue | SetValue | null;
  abstract readonly size: number;
  /** NaN when the member is not there. May be called between calls of another operand's `next`. */
  abstract scoreOf(bytes: Uint8Array, start: number, length: number): number;
  /** Before the first call of `next`. */
  abstract rewind(): void;
  /** Comes to the next member; false when there is none. The collection must not change meanwhile. */
  abstract next(): boolean;

  /** The score times the weight, by which no number becomes 0. */
  get weighted(): number {
    const product = this.score * this.weight;
    return product === product ? product : 0;
  }
}

class ZSetOperand extends Operand {
  readonly collection: ZSetValue;
  readonly #cursor = new ZSetCursor();
  #left = 0;

  constructor(zset: ZSetValue) {
    super();
    this.collection = zset;
  }

  get size(): number {
    return this.collection.size;
  }

  scoreOf(bytes: Uint8Array, start: number, length: number): number {
    return this.collection.score(bytes, start, length);
  }

  rewind(): void {
    this.#left = this.size;
  }

  next(): boolean {
    if (this.#left === 0) return false;
    const cursor = this.#cursor;
    if (this.#left === this.size) this.collection.seek(cursor, 0);
    else this.collection.stepForward(cursor);
    this.#left--;
    this.bytes = cursor.bytes;
    this.start = cursor.start;
    this.length = cursor.length;
    this.score = cursor.score;
    return true;
  }
}

class SetOperand extends Operand {
  readonly collection: SetValue;
  readonly #view = new EntryView();

  constructor(set: SetValue) {
    super();
    this.collection = set;
  }

  get size(): number {
    return this.collection.size;
  }

  scoreOf(bytes: Uint8Array, start: number, length: number): number {
    return this.collection.has(bytes, start, length) ? 1 : Number.NaN;
  }

  rewind(): void {
    this.collection.table.rewind();
  }

  next(): boolean {
    const { table } = this.collection;
    const entry = table.next();
    if (entry === 0) return false;
    const view = this.#view;
    table.read(entry, view);
    this.bytes = view.bytes;
    this.start = view.start;
    this.length = view.length;
    return true;
  }
}

/** A key that is not there. */
class EmptyOperand extends Operand {
  readonly collection = null;
  readonly size = 0;

  scoreOf(): number {
    return Number.NaN;
  }

  rewind(): void {}

  next(): boolean {
    return false;
  }
}

/** The collections of the keys; null after replying that one has the wrong type. */
export function readOperands(ctx: Context, keys: Repeated): Operand[] | null {
  const operands: Operand[] = [];
  for (let i = 0; i < keys.count; i++) {
    const operand = readOperand(ctx, keys.first + i);
    if (operand === null) {
      ctx.reply.error(wrongType);
      return null;
    }
    operands.push(operand);
  }
  return operands;
}

function readOperand(ctx: Context, i: number): Operand | null {
  const { db } = ctx;
  const ref = ctx.read(i);
  if (ref === 0) return new EmptyOperand();
  switch (db.type(ref)) {
    case valueTypes.zset:
      return new ZSetOperand(db.collection(ref) as ZSetValue);
    case valueTypes.set:
      return new SetOperand(db.collection(ref) as SetValue);
    default:
      return null;
  }
}
