/** `cjson.encode`: a value of Lua as JSON, as lua-cjson 2.1 writes it. */
// @hot-path
import { luaTypes } from '../lua/exports.js';
import { valueBytes } from '../lua/layout.js';
import type { LuaMachine } from '../lua/machine.js';
import { jsonSettings, readSetting } from './json-config.js';
import { formatGeneral } from './numbers.js';
import type { Output } from './output.js';

/** What stands for a byte of a string; empty for itself. */
const escapes = Array.from({ length: 256 }, (_, byte) => {
  const short: Readonly<Record<number, string>> = {
    8: 'b',
    9: 't',
    10: 'n',
    12: 'f',
    13: 'r',
    34: '"',
    47: '/',
    92: '\\',
  };
  if (short[byte] !== undefined) return `\\${short[byte]}`;
  return byte < 32 || byte === 127 ? `\\u${byte.toString(16).padStart(4, '0')}` : '';
});

const escapedBytesMax = 6;

export class JsonEncoder {
  readonly #machine: LuaMachine;
  readonly #output: Output;
  readonly #tableOf: (address: number) => number;
  #L = 0;
  #config = 0;

  /** `tableOf` finds the table behind a read-only one. */
  constructor(machine: LuaMachine, output: Output, tableOf: (address: number) => number) {
    this.#machine = machine;
    this.#output = output;
    this.#tableOf = tableOf;
  }

  /** Pushes the JSON of the value on top. */
  encode(L: number, config: number): void {
    this.#L = L;
    this.#config = config;
    this.#output.begin(L);
    this.#appendTop(0);
    this.#output.push();
  }

  #appendTop(depth: number): void {
    const { i32 } = this.#machine;
    const slot = this.#machine.topSlot(this.#L);
    const type = i32[(slot + 8) >> 2];
    if (type === luaTypes.string) this.#appendString(slot);
    else if (type === luaTypes.number) this.#appendNumber(slot);
    else if (type === luaTypes.table) this.#appendTable(depth + 1);
    else if (type === luaTypes.boolean) this.#output.text(i32[slot >> 2] !== 0 ? 'true' : 'false');
    else if (type === luaTypes.nil || (type === luaTypes.lightUserdata && i32[slot >> 2] === 0)) {
      this.#output.text('null');
    } else this.#fail(type, 'type not supported');
  }

  #appendString(slot: number): void {
    const bytes = this.#machine.bytesAt(slot);
    const output = this.#output;
    output.reserve(bytes.length * escapedBytesMax + 2);
    const target = output.bytes;
    let at = output.length;
    target[at++] = 34;
    for (let i = 0; i < bytes.length; i++) {
      const escaped = escapes[bytes[i]];
      if (escaped === '') target[at++] = bytes[i];
      else for (let j = 0; j < escaped.length; j++) target[at++] = escaped.charCodeAt(j);
    }
    target[at++] = 34;
    output.length = at;
  }

  #appendNumber(slot: number): void {
    const value = this.#machine.f64[slot >> 3];
    const invalid = readSetting(this.#machine, this.#config, jsonSettings.encodeInvalidNumbers);
    if (invalid !== 1 && !Number.isFinite(value)) {
      if (invalid === 0) this.#fail(luaTypes.number, 'must not be NaN or Inf');
      this.#output.text('null');
      return;
    }
    const precision = readSetting(this.#machine, this.#config, jsonSettings.encodeNumberPrecision);
    this.#output.text(formatGeneral(value, precision));
  }

  #appendTable(depth: number): void {
    const { api } = this.#machine;
    const L = this.#L;
    const depthMax = readSetting(this.#machine, this.#config, jsonSettings.encodeMaxDepth);
    if (depth > depthMax || api.lua_checkstack(L, 3) === 0) {
      this.#machine.raise(L, `Cannot serialise, excessive nesting (${depth})`);
    }
    // A read-only table is empty itself.
    const slot = this.#machine.topSlot(L);
    const { i32 } = this.#machine;
    i32[slot >> 2] = this.#tableOf(i32[slot >> 2]);
    const length = this.#arrayLength();
    if (length > 0) this.#appendArray(depth, length);
    else this.#appendObject(depth);
  }

  #appendArray(depth: number, length: number): void {
    const { api } = this.#machine;
    const L = this.#L;
    this.#output.byte(91);
    for (let i = 1; i <= length; i++) {
      if (i > 1) this.#output.byte(44);
      api.lua_rawgeti(L, -1, i);
      this.#appendTop(depth);
      api.lua_settop(L, -2);
    }
    this.#output.byte(93);
  }

  #appendObject(depth: number): void {
    const { api } = this.#machine;
    const L = this.#L;
    const output = this.#output;
    output.byte(123);
    api.lua_pushnil(L);
    for (let isFirst = true; api.lua_next(L, -2) !== 0; isFirst = false) {
      if (!isFirst) output.byte(44);
      const key = this.#machine.topSlot(L) - valueBytes;
      const type = this.#machine.typeAt(key);
      if (type === luaTypes.string) {
        this.#appendString(key);
      } else if (type === luaTypes.number) {
        output.byte(34);
        this.#appendNumber(key);
        output.byte(34);
      } else this.#fail(type, 'table key must be a number or string');
      output.byte(58);
      this.#appendTop(depth);
      api.lua_settop(L, -2);
    }
    output.byte(125);
  }

  /** The length of the array on top; -1 when it is an object. */
  #arrayLength(): number {
    const { api, f64 } = this.#machine;
    const L = this.#L;
    let highest = 0;
    let items = 0;
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      const key = this.#machine.topSlot(L) - valueBytes;
      const index = this.#machine.typeAt(key) === luaTypes.number ? f64[key >> 3] : 0;
      if (index < 1 || !Number.isInteger(index)) {
        api.lua_settop(L, -3);
        return -1;
      }
      if (index > highest) highest = index;
      items++;
      api.lua_settop(L, -2);
    }
    const ratio = readSetting(this.#machine, this.#config, jsonSettings.encodeSparseRatio);
    const safe = readSetting(this.#machine, this.#config, jsonSettings.encodeSparseSafe);
    if (ratio > 0 && highest > items * ratio && highest > safe) {
      const converts = readSetting(this.#machine, this.#config, jsonSettings.encodeSparseConvert);
      if (converts === 0) this.#fail(luaTypes.table, 'excessively sparse array');
      return -1;
    }
    return highest;
  }

  #fail(type: number, reason: string): void {
    const { api } = this.#machine;
    const name = this.#machine.cStringAt(api.lua_typename(this.#L, type));
    this.#machine.raise(this.#L, `Cannot serialise ${name}: ${reason}`);
  }
}
