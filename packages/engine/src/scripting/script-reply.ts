/**
 * What a command replies to a script: recorded while the command runs, and turned into a Lua value when it is done.
 *
 *     values   kind, number | kind, number | ...     in order; the number is the value, a length, or a count
 *     bytes    of bulks and texts, one after another, in the interpreter's memory
 *
 * Not at once: pushing may run out of memory, which ends the script by a jump through whatever is running, and a
 * command must not be left in the middle. So what can fail comes after it.
 */
// @hot-path
import { copyBytes, formatDouble, Reply, utf8Of } from '@holdfast/common';
import { luaTypes } from './lua/exports.js';
import type { LuaMachine } from './lua/machine.js';

const kinds = {
  ok: 0,
  status: 1,
  error: 2,
  integer: 3,
  bulk: 4,
  false: 5,
  nil: 6,
  true: 7,
  array: 8,
  map: 9,
  set: 10,
  double: 11,
  bigNumber: 12,
  verbatim: 13,
} as const;

const startBytes = 16 * 1024;
/** A larger buffer is given back after use. */
const keptBytesMax = 1024 * 1024;
const formatLength = 3;

export class ScriptReply extends Reply {
  dialect: 2 | 3 = 2;
  readonly #machine: LuaMachine;
  /** The strings `ok` and `OK`. */
  readonly #okField: number;
  readonly #okValue: number;
  /** Pairs of kind and number. */
  #values = new Float64Array(64);
  #count = 0;
  /** Where the bytes are, how many, and room for how many; and where those of the next value to be pushed are. */
  #bytes: number;
  #bytesLength = 0;
  #bytesRoom = startBytes;
  #bytesAt = 0;
  #next = 0;
  /** Bytes were left out, since the interpreter has no room for them. */
  #isCut = false;

  constructor(machine: LuaMachine) {
    super();
    this.#machine = machine;
    this.#bytes = machine.api.malloc(startBytes);
    this.#okField = machine.constant('ok');
    this.#okValue = machine.constant('OK');
  }

  /** Forgets what was recorded. */
  clear(): void {
    this.#count = 0;
    this.#bytesLength = 0;
    this.#isCut = false;
    if (this.#bytesRoom <= keptBytesMax) return;
    const { api } = this.#machine;
    api.free(this.#bytes);
    this.#bytes = api.malloc(startBytes);
    this.#bytesRoom = this.#bytes === 0 ? 0 : startBytes;
  }

  /** Pushes what was recorded as one value. Raises an error when there is no room for it. */
  pushTo(L: number): void {
    if (this.#isCut) {
      this.#machine.pushByteString(L, 'not enough memory');
      this.#machine.api.lua_error(L);
    }
    this.#next = 0;
    this.#bytesAt = this.#bytes;
    this.#pushNext(L);
  }

  simple(text: string): void {
    this.#record(kinds.status, text.length);
    this.#latin1(text);
  }

  ok(): void {
    this.#record(kinds.ok, 0);
  }

  error(message: string): void {
    this.failed = true;
    this.lastError = message;
    this.#utf8(kinds.error, message);
  }

  integer(n: number): void {
    this.#record(kinds.integer, n);
  }

  bigInteger(n: bigint): void {
    this.#record(kinds.integer, Number(n));
  }

  double(n: number): void {
    if (this.dialect === 3) this.#record(kinds.double, n);
    else this.byteString(formatDouble(n));
  }

  override doubleAs(n: number, digits: string): void {
    if (this.dialect === 3) this.double(n);
    else this.byteString(digits);
  }

  bulk(bytes: Uint8Array, start: number, length: number): void {
    this.#record(kinds.bulk, length);
    if (!this.#reserve(length)) return;
    copyBytes(bytes, start, this.#machine.u8, this.#bytes + this.#bytesLength, length);
    this.#bytesLength += length;
  }

  byteString(value: string): void {
    this.#record(kinds.bulk, value.length);
    this.#latin1(value);
  }

  text(value: string): void {
    this.#utf8(kinds.bulk, value);
  }

  null(): void {
    this.#record(this.dialect === 3 ? kinds.nil : kinds.false, 0);
  }

  nullArray(): void {
    this.null();
  }

  array(count: number): void {
    this.#record(kinds.array, count);
  }

  map(count: number): void {
    if (this.dialect === 3) this.#record(kinds.map, count);
    else this.#record(kinds.array, count * 2);
  }

  set(count: number): void {
    this.#record(this.dialect === 3 ? kinds.set : kinds.array, count);
  }

  push(count: number): void {
    this.#record(kinds.array, count);
  }

  boolean(value: boolean): void {
    if (this.dialect === 3) this.#record(value ? kinds.true : kinds.false, 0);
    else this.#record(kinds.integer, value ? 1 : 0);
  }

  bigNumber(digits: string): void {
    this.#record(this.dialect === 3 ? kinds.bigNumber : kinds.bulk, digits.length);
    this.#latin1(digits);
  }

  verbatim(format: string, text: string): void {
    if (this.dialect === 3) this.#utf8(kinds.verbatim, format + text);
    else this.text(text);
  }

  // Recording

  #record(kind: number, number: number): void {
    const at = this.#count * 2;
    if (at === this.#values.length) this.#grow();
    this.#values[at] = kind;
    this.#values[at + 1] = number;
    this.#count++;
  }

  #grow(): void {
    const grown = new Float64Array(this.#values.length * 2);
    grown.set(this.#values);
    this.#values = grown;
  }

  #latin1(text: string): void {
    if (!this.#reserve(text.length)) return;
    const { u8 } = this.#machine;
    const at = this.#bytes + this.#bytesLength;
    for (let i = 0; i < text.length; i++) u8[at + i] = text.charCodeAt(i);
    this.#bytesLength += text.length;
  }

  #utf8(kind: number, text: string): void {
    const bytes = utf8Of(text);
    this.#record(kind, bytes.length);
    if (!this.#reserve(bytes.length)) return;
    this.#machine.u8.set(bytes, this.#bytes + this.#bytesLength);
    this.#bytesLength += bytes.length;
  }

  /** Makes room for `more` bytes; false when there is none to be had. */
  #reserve(more: number): boolean {
    const needed = this.#bytesLength + more;
    if (needed <= this.#bytesRoom) return true;
    if (this.#isCut) return false;
    const { api } = this.#machine;
    const room = Math.max(needed, this.#bytesRoom * 2);
    const bytes = api.malloc(room);
    if (bytes === 0) {
      this.#isCut = true;
      return false;
    }
    this.#machine.u8.copyWithin(bytes, this.#bytes, this.#bytes + this.#bytesLength);
    api.free(this.#bytes);
    this.#bytes = bytes;
    this.#bytesRoom = room;
    return true;
  }

  // Pushing: conversions as Redis documents them

  #pushNext(L: number): void {
    const at = this.#next * 2;
    const kind = this.#values[at];
    const number = this.#values[at + 1];
    this.#next++;
    if (kind === kinds.bulk) this.#pushBytes(L, number);
    else if (kind === kinds.integer) this.#machine.pushNumber(L, number);
    else if (kind === kinds.ok) this.#pushOk(L);
    else if (kind === kinds.false) this.#machine.push(L, 0, luaTypes.boolean);
    else if (kind === kinds.array) this.#pushArray(L, number);
    else this.#pushOther(L, kind, number);
  }

  #pushOther(L: number, kind: number, number: number): void {
    const machine = this.#machine;
    switch (kind) {
      case kinds.nil:
        machine.push(L, 0, luaTypes.nil);
        return;
      case kinds.true:
        machine.push(L, 1, luaTypes.boolean);
        return;
      case kinds.status:
        this.#pushField(L, 'ok', number);
        return;
      case kinds.error:
        this.#pushError(L, number);
        return;
      case kinds.bigNumber:
        this.#pushField(L, 'big_number', number);
        return;
      case kinds.double:
        machine.api.lua_createtable(L, 0, 1);
        machine.pushNumber(L, number);
        machine.api.lua_setfield(L, -2, machine.cString('double'));
        return;
      case kinds.map:
        this.#pushMap(L, number);
        return;
      case kinds.set:
        this.#pushSet(L, number);
        return;
      default:
        this.#pushVerbatim(L, number);
    }
  }

  #pushBytes(L: number, length: number): void {
    this.#machine.api.lua_pushlstring(L, this.#bytesAt, length);
    this.#bytesAt += length;
  }

  #pushOk(L: number): void {
    const machine = this.#machine;
    const { api } = machine;
    api.lua_createtable(L, 0, 1);
    machine.push(L, this.#okField, luaTypes.string);
    machine.push(L, this.#okValue, luaTypes.string);
    api.lua_rawset(L, -3);
  }

  /** A table with one field. */
  #pushField(L: number, name: string, length: number): void {
    const machine = this.#machine;
    machine.api.lua_createtable(L, 0, 1);
    this.#pushBytes(L, length);
    machine.api.lua_setfield(L, -2, machine.cString(name));
  }

  /** The statistics have it already, when the command that failed is done. */
  #pushError(L: number, length: number): void {
    const machine = this.#machine;
    this.#pushField(L, 'err', length);
    machine.push(L, 1, luaTypes.boolean);
    machine.api.lua_setfield(L, -2, machine.cString('ignore_error_stats_update'));
  }

  #pushArray(L: number, count: number): void {
    const { api } = this.#machine;
    this.#needSlots(L, 2);
    api.lua_createtable(L, count, 0);
    for (let i = 1; i <= count; i++) {
      this.#pushNext(L);
      api.lua_rawseti(L, -2, i);
    }
  }

  #pushMap(L: number, count: number): void {
    const { api } = this.#machine;
    this.#needSlots(L, 4);
    api.lua_createtable(L, 0, 1);
    api.lua_createtable(L, 0, count);
    for (let i = 0; i < count; i++) {
      this.#pushNext(L);
      this.#pushNext(L);
      api.lua_settable(L, -3);
    }
    api.lua_setfield(L, -2, this.#machine.cString('map'));
  }

  #pushSet(L: number, count: number): void {
    const { api } = this.#machine;
    this.#needSlots(L, 4);
    api.lua_createtable(L, 0, 1);
    api.lua_createtable(L, 0, count);
    for (let i = 0; i < count; i++) {
      this.#pushNext(L);
      this.#machine.push(L, 1, luaTypes.boolean);
      api.lua_settable(L, -3);
    }
    api.lua_setfield(L, -2, this.#machine.cString('set'));
  }

  #pushVerbatim(L: number, length: number): void {
    const machine = this.#machine;
    const { api } = machine;
    this.#needSlots(L, 4);
    api.lua_createtable(L, 0, 1);
    api.lua_createtable(L, 0, 2);
    this.#pushBytes(L, formatLength);
    api.lua_setfield(L, -2, machine.cString('format'));
    this.#pushBytes(L, length - formatLength);
    api.lua_setfield(L, -2, machine.cString('string'));
    api.lua_setfield(L, -2, machine.cString('verbatim_string'));
  }

  #needSlots(L: number, count: number): void {
    const { api } = this.#machine;
    api.luaL_checkstack(L, count, this.#machine.cString('the reply of a command is nested too deep'));
  }
}
