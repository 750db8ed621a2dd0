/** What the HyperLogLog commands share: finding sketches, and writing back what has changed of one. */
// @hot-path
import { type Ref, stringForms, valueTypes } from '@holdfast/storage';
import { type Context, isWrongType, wrongType } from '../../context.js';
import { isSketch } from './registers.js';
import { Sketch } from './sketch.js';

export const corruptSketch = 'INVALIDOBJ Corrupted HLL object detected';
const notASketch = 'WRONGTYPE Key is not a valid HyperLogLog string value.';

/** For one call at a time. */
export const sketch = new Sketch();

/**
 * The record of the HyperLogLog at argument `i`, which the database then points at; 0 when there is none,
 * `isWrongType` after replying that it is none. For commands that read and write, whatever their flags say.
 */
export function findSketch(ctx: Context, i: number, reads: boolean): Ref {
  const { db, reply } = ctx;
  const ref = reads ? ctx.read(i) : ctx.find(i);
  if (ref === 0) return 0;
  if (db.type(ref) !== valueTypes.string) {
    reply.error(wrongType);
    return isWrongType;
  }
  db.readString(ref);
  if (isSketch(db.valueBytes, db.valueStart, db.valueLength)) return ref;
  reply.error(notASketch);
  return isWrongType;
}

/** Loads the HyperLogLog that `findSketch` found into `sketch`; false after replying that it is damaged. */
export function loadSketch({ db, reply }: Context): boolean {
  if (sketch.load(db.valueBytes, db.valueStart, db.valueLength)) return true;
  reply.error(corruptSketch);
  return false;
}

/**
 * Makes `sketch` the value of the key at argument `i`, of which `find` just returned the record. Its expiry stays.
 * `isAlways`: those who watch the key are told even if nothing changed.
 */
export function storeSketch({ db, request }: Context, ref: Ref, i: number, isAlways = false): void {
  const { bytes, length, changedFrom, changedTo } = sketch;
  if (ref === 0) {
    const { bytes: key } = request;
    db.putString(0, key, request.start(i), request.length(i), bytes, 0, length, 0, stringForms.raw);
  } else if (sketch.hasChanged) {
    db.patchString(ref, length, changedFrom, bytes, changedFrom, Math.min(changedTo, length) - changedFrom);
  } else if (isAlways) {
    db.patchString(ref, length, 0, bytes, 0, 1);
  }
}
