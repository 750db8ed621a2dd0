/** `cmsgpack.pack`: values of Lua as MessagePack, as lua-cmsgpack 0.4 writes them. */
// @hot-path
import { luaTypes } from '../lua/exports.js';
import { valueBytes } from '../lua/layout.js';
import type { LuaMachine } from '../lua/machine.js';
import type { Output } from './output.js';

/** Tables within so many others are written as nil, so that references in a circle end. */
const nestingMax = 16;
const int64End = 2 ** 63;

export class MessagePackWriter {
  readonly #machine: LuaMachine;
  readonly #output: Output;
  readonly #tableOf: (address: number) => number;
  #L = 0;

  /** `tableOf` finds the table behind a read-only one. */
  constructor(machine: LuaMachine, output: Output, tableOf: (address: number) => number) {
    this.#machine = machine;
    this.#output = output;
    this.#tableOf = tableOf;
  }

  /** Pushes one string for all arguments. */
  pack(L: number): number {
    const { api } = this.#machine;
    const count = this.#machine.count(L);
    if (count === 0) return this.#machine.raiseArgument(L, 0, 'MessagePack pack needs input.');
    this.#L = L;
    this.#output.begin(L);
    for (let i = 1; i <= count; i++) {
      api.luaL_checkstack(L, 1, this.#machine.cString('in function mp_check'));
      api.lua_pushvalue(L, i);
      this.#writeTop(0);
    }
    this.#output.push();
    return 1;
  }

  /** Writes the value on top, and removes it. */
  #writeTop(level: number): void {
    const { api, i32, f64 } = this.#machine;
    const slot = this.#machine.topSlot(this.#L);
    const type = i32[(slot + 8) >> 2];
    if (type === luaTypes.string) this.#writeString(slot);
    else if (type === luaTypes.number) this.#writeNumber(f64[slot >> 3]);
    else if (type === luaTypes.boolean) this.#output.byte(i32[slot >> 2] !== 0 ? 0xc3 : 0xc2);
    else if (type === luaTypes.table && level < nestingMax) this.#writeTable(slot, level);
    else this.#output.byte(0xc0);
    api.lua_settop(this.#L, -2);
  }

  #writeString(slot: number): void {
    const bytes = this.#machine.bytesAt(slot);
    const { length } = bytes;
    const output = this.#output;
    if (length < 32) output.byte(0xa0 | length);
    else if (length <= 0xff) {
      output.byte(0xd9);
      output.byte(length);
    } else this.#writeLength(length, 0xda);
    output.reserve(length);
    output.bytes.set(bytes, output.length);
    output.length += length;
  }

  /** A length of 16 bits after `code`, or of 32 after the next one. */
  #writeLength(length: number, code: number): void {
    if (length <= 0xffff) {
      this.#output.byte(code);
      this.#writeBytes(length, 2);
    } else {
      this.#output.byte(code + 1);
      this.#writeBytes(length, 4);
    }
  }

  #writeNumber(value: number): void {
    if (Number.isInteger(value) && value >= -int64End && value < int64End) {
      this.#writeInteger(value);
    } else if (Math.fround(value) === value) {
      this.#output.byte(0xca);
      this.#output.reserve(4);
      this.#output.length = this.#output.bytes.writeFloatBE(value, this.#output.length);
    } else {
      this.#output.byte(0xcb);
      this.#output.reserve(8);
      this.#output.length = this.#output.bytes.writeDoubleBE(value, this.#output.length);
    }
  }

  #writeInteger(value: number): void {
    const output = this.#output;
    if (value >= -32 && value <= 127) return output.byte(value & 0xff);
    const isNegative = value < 0;
    const magnitude = isNegative ? -value - 1 : value;
    // A negative number needs one bit for its sign.
    const bits = isNegative ? magnitude * 2 : magnitude;
    const sizeLog = bits <= 0xff ? 0 : bits <= 0xffff ? 1 : bits <= 0xffffffff ? 2 : 3;
    output.byte((isNegative ? 0xd0 : 0xcc) + sizeLog);
    if (sizeLog < 3) return this.#writeBytes(value, 1 << sizeLog);
    output.reserve(8);
    output.length = output.bytes.writeBigInt64BE(BigInt(value), output.length);
  }

  /** The low bytes of an integer, highest first. */
  #writeBytes(value: number, count: number): void {
    for (let shift = (count - 1) * 8; shift >= 0; shift -= 8) this.#output.byte((value >>> shift) & 0xff);
  }

  #writeTable(slot: number, level: number): void {
    const { api, i32 } = this.#machine;
    const L = this.#L;
    i32[slot >> 2] = this.#tableOf(i32[slot >> 2]);
    api.luaL_checkstack(L, 3, this.#machine.cString('in function mp_encode_lua_table_as_map'));
    const { count, isArray } = this.#survey();
    if (isArray) this.#writeArray(level);
    else this.#writeMap(count, level);
  }

  #writeArray(level: number): void {
    const { api } = this.#machine;
    const L = this.#L;
    const length = api.lua_objlen(L, -1);
    if (length <= 15) this.#output.byte(0x90 | length);
    else this.#writeLength(length, 0xdc);
    for (let i = 1; i <= length; i++) {
      this.#machine.pushNumber(L, i);
      api.lua_gettable(L, -2);
      this.#writeTop(level + 1);
    }
  }

  #writeMap(count: number, level: number): void {
    const { api } = this.#machine;
    const L = this.#L;
    if (count <= 15) this.#output.byte(0x80 | count);
    else this.#writeLength(count, 0xde);
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      api.lua_pushvalue(L, -2);
      this.#writeTop(level + 1);
      this.#writeTop(level + 1);
    }
  }

  /** How many fields the table on top has, and whether these are the integers from 1 on, without a gap. */
  #survey(): { count: number; isArray: boolean } {
    const { api, f64 } = this.#machine;
    const L = this.#L;
    let count = 0;
    let highest = 0;
    let isArray = true;
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      const key = this.#machine.topSlot(L) - valueBytes;
      const index = this.#machine.typeAt(key) === luaTypes.number ? f64[key >> 3] : 0;
      if (index > 0 && Number.isInteger(index)) highest = Math.max(highest, index);
      else isArray = false;
      count++;
      api.lua_settop(L, -2);
    }
    return { count, isArray: isArray && highest === count };
  }
}
