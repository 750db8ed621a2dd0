/** `cmsgpack.unpack` and its kin: MessagePack as values of Lua, as lua-cmsgpack 0.4 reads it. */
// @hot-path
import { luaTypes } from '../lua/exports.js';
import type { LuaMachine } from '../lua/machine.js';

const missing = 'Missing bytes in input.';
const malformed = 'Bad data format in input.';

export class MessagePackReader {
  readonly #machine: LuaMachine;
  #L = 0;
  /** Addresses: of the next byte, and of the end. */
  #at = 0;
  #end = 0;

  constructor(machine: LuaMachine) {
    this.#machine = machine;
  }

  /** `unpack(bytes)`: all values. */
  unpack(L: number): number {
    return this.#unpackSome(L, 0, 0);
  }

  /** `unpack_one(bytes, offset)`: where to go on, and the value there. */
  unpackOne(L: number): number {
    return this.#unpackSome(L, 1, this.#offset(L, 2));
  }

  /** `unpack_limit(bytes, limit, offset)`: where to go on, and at most so many values. */
  unpackLimit(L: number): number {
    const limit = this.#machine.api.luaL_checkinteger(L, 2);
    return this.#unpackSome(L, limit, this.#offset(L, 3));
  }

  #offset(L: number, argument: number): number {
    return this.#machine.api.luaL_optinteger(L, argument, 0);
  }

  #unpackSome(L: number, limit: number, offset: number): number {
    const machine = this.#machine;
    const { api } = machine;
    const isAll = limit === 0 && offset === 0;
    api.luaL_checklstring(L, 1, 0);
    api.lua_settop(L, 1);
    const bytes = machine.bytesAt(machine.slot(L, 1));
    if (offset < 0 || limit < 0) {
      return machine.raise(
        L,
        `Invalid request to unpack with offset of ${offset} and limit of ${bytes.length}.`,
      );
    }
    if (offset > bytes.length) {
      return machine.raise(L, `Start offset ${offset} greater than input length ${bytes.length}.`);
    }
    const start = bytes.byteOffset;
    this.#L = L;
    this.#at = start + offset;
    this.#end = start + bytes.length;
    let count = 0;
    while (this.#at < this.#end && (isAll || count < limit)) {
      this.#pushValue();
      count++;
    }
    if (isAll) return count;
    api.luaL_checkstack(L, 1, machine.cString('in function mp_unpack_full'));
    machine.pushNumber(L, this.#at === this.#end ? -1 : this.#at - start);
    api.lua_insert(L, 2);
    return count + 1;
  }

  #pushValue(): void {
    const machine = this.#machine;
    this.#need(1);
    const tooMany = 'too many return values at once; use unpack_one or unpack_limit instead.';
    machine.api.luaL_checkstack(this.#L, 1, machine.cString(tooMany));
    const code = machine.u8[this.#at++];
    if (code < 0x80) machine.pushNumber(this.#L, code);
    else if (code < 0x90) this.#pushMap(code & 0xf);
    else if (code < 0xa0) this.#pushArray(code & 0xf);
    else if (code < 0xc0) this.#pushBytes(code & 0x1f);
    else if (code >= 0xe0) machine.pushNumber(this.#L, code - 256);
    else this.#pushCoded(code);
  }

  #pushCoded(code: number): void {
    const machine = this.#machine;
    if (code === 0xc0) machine.push(this.#L, 0, luaTypes.nil);
    else if (code === 0xc2 || code === 0xc3) machine.push(this.#L, code & 1, luaTypes.boolean);
    else if (code >= 0xca && code <= 0xd3) machine.pushNumber(this.#L, this.#number(code));
    else if (code >= 0xd9 && code <= 0xdb) this.#pushBytes(this.#unsigned(1 << (code - 0xd9)));
    else if (code === 0xdc || code === 0xdd) this.#pushArray(this.#unsigned(code === 0xdc ? 2 : 4));
    else if (code === 0xde || code === 0xdf) this.#pushMap(this.#unsigned(code === 0xde ? 2 : 4));
    else machine.raise(this.#L, malformed);
  }

  #number(code: number): number {
    const size = code < 0xcc ? 4 << (code - 0xca) : 1 << ((code - 0xcc) & 3);
    this.#need(size);
    const view = new DataView(this.#machine.u8.buffer, this.#at, size);
    this.#at += size;
    switch (code) {
      case 0xca:
        return view.getFloat32(0);
      case 0xcb:
        return view.getFloat64(0);
      case 0xd0:
        return view.getInt8(0);
      case 0xd1:
        return view.getInt16(0);
      case 0xd2:
        return view.getInt32(0);
      // Unsigned ones of 64 bits are taken as signed, too.
      case 0xcf:
      case 0xd3:
        return Number(view.getBigInt64(0));
      default:
        this.#at -= size;
        return this.#unsigned(size);
    }
  }

  /** An unsigned integer of at most four bytes. */
  #unsigned(size: number): number {
    this.#need(size);
    const { u8 } = this.#machine;
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + u8[this.#at++];
    return value;
  }

  #pushBytes(length: number): void {
    this.#need(length);
    this.#machine.api.lua_pushlstring(this.#L, this.#at, length);
    this.#at += length;
  }

  #pushArray(length: number): void {
    const { api } = this.#machine;
    api.lua_createtable(this.#L, 0, 0);
    api.luaL_checkstack(this.#L, 2, this.#machine.cString('in function mp_decode_to_lua_array'));
    for (let i = 1; i <= length; i++) {
      this.#pushValue();
      api.lua_rawseti(this.#L, -2, i);
    }
  }

  #pushMap(count: number): void {
    const { api } = this.#machine;
    api.lua_createtable(this.#L, 0, 0);
    api.luaL_checkstack(this.#L, 3, this.#machine.cString('in function mp_decode_to_lua_hash'));
    for (let i = 0; i < count; i++) {
      this.#pushValue();
      this.#pushValue();
      api.lua_settable(this.#L, -3);
    }
  }

  #need(bytes: number): void {
    if (this.#end - this.#at < bytes) this.#machine.raise(this.#L, missing);
  }
}
