// @hot-path
import { defineCommand } from '../../command.js';
import { key, unparsedInteger } from '../../grammar.js';
import { patchBytes } from '../string/put-bytes.js';
import { byteOf, notAnOffset, readOffset } from './bits.js';

const notABit = 'ERR bit is not an integer or out of range';
const changed = new Uint8Array(1);

export const setbit = defineCommand({
  id: 180,
  name: 'SETBIT',
  group: 'bitmap',
  since: '2.2.0',
  complexity: 'O(1)',
  summary: "Sets or clears the bit at offset of the string value. Creates the key if it doesn't exist.",
  flags: ['write', 'denyoom'],
  args: { key: key('RW', 'access', 'update'), offset: unparsedInteger(), value: unparsedInteger() },
  /** A bit that is as wanted already is no change, unless the string has to become longer for it. */
  run(ctx, { key, offset, value }, reply) {
    const { db, request } = ctx;
    const position = readOffset(ctx, offset);
    if (position < 0) return reply.error(notAnOffset);
    const bit = request.integer(value);
    if (bit !== 0 && bit !== 1) return reply.error(notABit);
    const ref = ctx.string(key);
    if (ref < 0) return;
    const at = byteOf(position);
    const mask = 0x80 >>> (position & 7);
    let byte = 0;
    let isChange = true;
    if (ref !== 0) {
      db.readString(ref);
      if (at < db.valueLength) {
        byte = db.valueBytes[db.valueStart + at];
        isChange = ((byte & mask) !== 0) !== (bit === 1);
      }
    }
    if (isChange) {
      changed[0] = bit === 1 ? byte | mask : byte & ~mask;
      patchBytes(ctx, ref, key, at, changed, 0, 1);
      ctx.notify('$', 'setbit', key);
    } else {
      db.markRaw(ref);
    }
    reply.integer((byte & mask) === 0 ? 0 : 1);
  },
});
