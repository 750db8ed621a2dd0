/**
 * One Lua interpreter with its memory: calls in and out, values and strings between here and there.
 *
 * Strings are bytes on both sides. An address is valid as long as something in Lua refers to what is there (the
 * collector moves nothing); `u8`, `u16`, `i32` and `f64` are replaced when the memory grows, so they are read anew after
 * every call that may allocate.
 */
// @hot-path
import { copyBytes, textOf, utf8Of } from '@holdfast/common';
import { instantiate, type LuaHost, wrapFunction } from './binary.js';
import { gcCommands, type LuaExports, luaTypes, registryIndex } from './exports.js';
import { callOffsets, stringOffsets, threadOffsets, valueBytes, verifyLayout } from './layout.js';

const pageBytes = 65536;
/** The memory grows by half of what it is, but by no more than this at once. */
const growthBytesMax = 16 * 1024 * 1024;
/** Where bytes are put on their way into the interpreter; larger ones get a place for the moment. */
const scratchBytes = 65536;

/** A function that Lua calls: gets the thread, returns how many results it pushed. */
export type LuaFunction = (L: number) => number;

export class LuaMachine {
  readonly api: LuaExports;
  /** The main thread. Nothing runs in it. */
  readonly L: number;
  u8!: Uint8Array;
  u16!: Uint16Array;
  i32!: Int32Array;
  f64!: Float64Array;
  /** Its memory never gets larger than this. */
  bytesMax: number;
  /** What a table without fields has in their place. */
  noFields = 0;
  readonly #names = new Map<string, number>();
  readonly #scratch: number;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
    const host = {
      bytes: new Uint8Array(0),
      callables: [],
      grow: (bytes: number) => this.#grow(bytes, host),
    } as unknown as LuaHost;
    this.api = instantiate(host);
    host.exports = this.api;
    this.#view(host);
    this.api.emscripten_stack_init();
    this.api.__wasm_call_ctors();
    this.L = this.api.luaL_newstate();
    this.#scratch = this.api.malloc(scratchBytes);
    verifyLayout(this);
  }

  /** Bytes that Lua's values take. */
  get usedBytes(): number {
    const { api, L } = this;
    return api.lua_gc(L, gcCommands.countKiB, 0) * 1024 + api.lua_gc(L, gcCommands.countRest, 0);
  }

  /** Bytes that the interpreter took of the machine's memory; it gives none back. */
  get memoryBytes(): number {
    return this.u8.length;
  }

  // Functions

  /** A function's place in the interpreter's table, for `lua_pushcclosure`. */
  place(body: LuaFunction): number {
    const table = this.api.__indirect_function_table;
    const index = table.grow(1);
    table.set(index, wrapFunction(1, 1, body));
    return index;
  }

  /** As `place`, for a hook: it gets a thread and a description of what is going on there. */
  placeHook(body: (L: number, activation: number) => number): number {
    const table = this.api.__indirect_function_table;
    const index = table.grow(1);
    table.set(index, wrapFunction(2, 0, body));
    return index;
  }

  pushFunction(L: number, body: LuaFunction): void {
    this.api.lua_pushcclosure(L, this.place(body), 0);
  }

  // Pushing

  /** Pushes a value by its content, an address or a boolean. There must be room, see `layout.ts`. */
  push(L: number, content: number, type: number): void {
    const { i32 } = this;
    const top = i32[(L + threadOffsets.top) >> 2];
    i32[top >> 2] = content;
    i32[(top + 8) >> 2] = type;
    i32[(L + threadOffsets.top) >> 2] = top + valueBytes;
  }

  /** Removes all values of a thread that runs nothing. */
  clear(L: number): void {
    const { i32 } = this;
    i32[(L + threadOffsets.top) >> 2] = i32[(L + threadOffsets.base) >> 2];
  }

  pushNumber(L: number, value: number): void {
    const { i32 } = this;
    const top = i32[(L + threadOffsets.top) >> 2];
    this.f64[top >> 3] = value;
    i32[(top + 8) >> 2] = luaTypes.number;
    i32[(L + threadOffsets.top) >> 2] = top + valueBytes;
  }

  pushBytes(L: number, bytes: Uint8Array, start: number, length: number): void {
    if (length > scratchBytes) return this.#pushLong(L, bytes.subarray(start, start + length));
    copyBytes(bytes, start, this.u8, this.#scratch, length);
    this.api.lua_pushlstring(L, this.#scratch, length);
  }

  /** Pushes a byte string: one character a byte. */
  pushByteString(L: number, value: string): void {
    if (value.length > scratchBytes) return this.#pushLong(L, Buffer.from(value, 'latin1'));
    const { u8 } = this;
    const at = this.#scratch;
    for (let i = 0; i < value.length; i++) u8[at + i] = value.charCodeAt(i);
    this.api.lua_pushlstring(L, at, value.length);
  }

  /** Pushes a text as UTF-8. */
  pushText(L: number, value: string): void {
    const bytes = utf8Of(value);
    this.pushBytes(L, bytes, 0, bytes.length);
  }

  /** The address of a Lua string that is kept for good: names of fields, words. */
  constant(name: string): number {
    let address = this.#names.get(name);
    if (address !== undefined) return address;
    const { api, L } = this;
    this.pushText(L, name);
    address = this.i32[(this.i32[(L + threadOffsets.top) >> 2] - valueBytes) >> 2];
    api.luaL_ref(L, registryIndex);
    this.#names.set(name, address);
    return address;
  }

  /** The address of a constant's bytes, which end with a zero: for functions that take a C string. */
  cString(name: string): number {
    return this.constant(name) + stringOffsets.bytes;
  }

  // Reading

  /** The address of value `index` of the running function: 1 is its first argument. */
  slot(L: number, index: number): number {
    return this.i32[(L + threadOffsets.base) >> 2] + (index - 1) * valueBytes;
  }

  /** The address of the value pushed last. */
  topSlot(L: number): number {
    return this.i32[(L + threadOffsets.top) >> 2] - valueBytes;
  }

  /** How many values the running function has: its arguments, when it was just called. */
  count(L: number): number {
    const { i32 } = this;
    return (i32[(L + threadOffsets.top) >> 2] - i32[(L + threadOffsets.base) >> 2]) >> 4;
  }

  /** Whether the caller of the running function throws its results away: a call that is a statement. */
  isResultUnused(L: number): boolean {
    const { i32 } = this;
    return i32[(i32[(L + threadOffsets.call) >> 2] + callOffsets.resultsWanted) >> 2] === 0;
  }

  /** The type of the value at a slot's address. */
  typeAt(slot: number): number {
    return this.i32[(slot + 8) >> 2];
  }

  /** The bytes of the string at a slot's address, not copied. */
  bytesAt(slot: number): Uint8Array {
    const address = this.i32[slot >> 2];
    const start = address + stringOffsets.bytes;
    return this.u8.subarray(start, start + this.i32[(address + stringOffsets.length) >> 2]);
  }

  /** Argument `index` as a number, 0 when it is none. */
  number(L: number, index: number): number {
    if (index > this.count(L)) return 0;
    const slot = this.slot(L, index);
    if (this.i32[(slot + 8) >> 2] === luaTypes.number) return this.f64[slot >> 3];
    return this.api.lua_tonumber(L, index);
  }

  /** The bytes of a C string as a text. */
  cStringAt(address: number): string {
    const end = this.u8.indexOf(0, address);
    return textOf(this.u8.subarray(address, end));
  }

  /** The value at `index` as a byte string, if it is a string or a number; otherwise null. A number becomes a string there. */
  byteString(L: number, index: number): string | null {
    const bytes = this.#toBytes(L, index);
    return bytes === null ? null : bytes.toString('latin1');
  }

  /** As `byteString`, decoded as UTF-8. */
  text(L: number, index: number): string | null {
    const bytes = this.#toBytes(L, index);
    return bytes === null ? null : textOf(bytes);
  }

  // Errors

  /** Raises an error with a message, after the place in the script that called. Does not return. */
  raise(L: number, message: string): number {
    this.api.luaL_where(L, 1);
    this.pushText(L, message);
    this.api.lua_concat(L, 2);
    return this.api.lua_error(L);
  }

  /** Raises `bad argument #1 to 'name' (problem)`. Does not return. */
  raiseArgument(L: number, argument: number, problem: string): number {
    return this.api.luaL_argerror(L, argument, this.cString(problem));
  }

  #toBytes(L: number, index: number): Buffer | null {
    const start = this.api.lua_tolstring(L, index, this.#scratch);
    if (start === 0) return null;
    return Buffer.from(this.u8.buffer, start, this.i32[this.#scratch >> 2]);
  }

  #pushLong(L: number, bytes: Uint8Array): void {
    const address = this.api.malloc(bytes.length);
    if (address === 0) {
      this.pushByteString(L, 'not enough memory');
      this.api.lua_error(L);
    }
    this.u8.set(bytes, address);
    try {
      this.api.lua_pushlstring(L, address, bytes.length);
    } finally {
      this.api.free(address);
    }
  }

  #grow(bytes: number, host: LuaHost): boolean {
    if (bytes > this.bytesMax) return false;
    const { memory } = this.api;
    const current = this.u8.length;
    const wanted = Math.max(bytes, current + Math.min(current >> 1, growthBytesMax));
    try {
      memory.grow(Math.ceil((Math.min(wanted, this.bytesMax) - current) / pageBytes));
    } catch {
      return false;
    }
    this.#view(host);
    return true;
  }

  #view(host: LuaHost): void {
    const { buffer } = this.api.memory;
    this.u8 = new Uint8Array(buffer);
    this.u16 = new Uint16Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.f64 = new Float64Array(buffer);
    host.bytes = this.u8;
  }
}
