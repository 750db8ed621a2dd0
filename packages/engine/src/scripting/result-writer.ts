/**
 * What a script returns, as a reply. Tables are read as they lie in memory as far as possible: nothing that a script
 * could have put into a metatable is called.
 *
 * | Lua                                       | reply                                                  |
 * |-------------------------------------------|--------------------------------------------------------|
 * | string, number                            | bulk, integer (cut off)                                |
 * | true, false, nil                          | 1, null, null; booleans after `redis.setresp(3)`       |
 * | table with `err`, `ok`                    | error, status                                          |
 * | `double`, `big_number`, `verbatim_string` | the same                                               |
 * | `map`, `set`                              | the same, of their tables' fields                      |
 * | any other table                           | array of its items up to the first nil                 |
 */
// @hot-path
import { type Reply, textOf } from '@holdfast/common';
import { luaTypes } from './lua/exports.js';
import { stringOffsets, tableOffsets, valueBytes } from './lua/layout.js';
import type { LuaMachine } from './lua/machine.js';

/** Tables within so many others are not replied. */
const nestingMax = 1000;
/** Stack slots that one level takes at most. */
const slotsPerLevel = 6;
const int64End = 2 ** 63;
const leastInt64 = -(2n ** 63n);

const fieldNames = ['err', 'ok', 'double', 'big_number', 'verbatim_string', 'map', 'set'] as const;

export class ResultWriter {
  readonly #machine: LuaMachine;
  /** The addresses of `fieldNames`. */
  readonly #fields: readonly number[];
  #L = 0;
  #reply!: Reply;
  #dialect: 2 | 3 = 2;
  #depth = 0;
  #isErrorCounted = false;

  constructor(machine: LuaMachine) {
    this.#machine = machine;
    this.#fields = fieldNames.map((name) => machine.constant(name));
  }

  /**
   * Writes the first value of a thread, as Redis: null when there is none. `dialect` is what the script asked for. Whether it is an error that the
   * statistics have already.
   */
  write(L: number, reply: Reply, dialect: 2 | 3): boolean {
    this.#L = L;
    this.#reply = reply;
    this.#dialect = dialect;
    this.#depth = 0;
    this.#isErrorCounted = false;
    if (this.#machine.count(L) === 0) reply.null();
    else this.#writeSlot(this.#machine.slot(L, 1));
    return this.#isErrorCounted;
  }

  #writeSlot(slot: number): void {
    const { i32, f64 } = this.#machine;
    const reply = this.#reply;
    switch (i32[(slot + 8) >> 2]) {
      case luaTypes.string:
        this.#writeString(slot);
        return;
      case luaTypes.number:
        this.#writeInteger(f64[slot >> 3]);
        return;
      case luaTypes.boolean: {
        const value = i32[slot >> 2] !== 0;
        if (this.#dialect === 3) reply.boolean(value);
        else if (value) reply.integer(1);
        else reply.null();
        return;
      }
      case luaTypes.table:
        this.#writeTable(slot);
        return;
      default:
        reply.null();
    }
  }

  #writeString(slot: number): void {
    const { i32, u8 } = this.#machine;
    const address = i32[slot >> 2];
    this.#reply.bulk(u8, address + stringOffsets.bytes, i32[(address + stringOffsets.length) >> 2]);
  }

  #writeInteger(value: number): void {
    const whole = Math.trunc(value);
    if (Number.isSafeInteger(whole)) this.#reply.integer(whole + 0);
    else if (whole > -int64End && whole < int64End) this.#reply.bigInteger(BigInt(whole));
    else this.#reply.bigInteger(leastInt64);
  }

  #writeTable(slot: number): void {
    const machine = this.#machine;
    const { api } = machine;
    const L = this.#L;
    const table = machine.i32[slot >> 2];
    // Making room may move the stack, and with it what lies at the slot, and the memory.
    if (this.#depth >= nestingMax || api.lua_checkstack(L, slotsPerLevel) === 0) {
      this.#reply.error('ERR reached lua stack limit');
      return;
    }
    this.#depth++;
    machine.push(L, table, luaTypes.table);
    const hasFields = machine.i32[(table + tableOffsets.fields) >> 2] !== machine.noFields;
    if (!hasFields || !this.#writeByField()) this.#writeArray(table);
    api.lua_settop(L, -2);
    this.#depth--;
  }

  /** Writes the table on top by the field that says what it is; false when it has none. */
  #writeByField(): boolean {
    const machine = this.#machine;
    const { api } = machine;
    const L = this.#L;
    for (let i = 0; i < fieldNames.length; i++) {
      machine.push(L, this.#fields[i], luaTypes.string);
      api.lua_rawget(L, -2);
      const slot = machine.topSlot(L);
      const isWritten = this.#writeNamed(fieldNames[i], slot, machine.typeAt(slot));
      api.lua_settop(L, -2);
      if (isWritten) return true;
    }
    return false;
  }

  #writeNamed(name: (typeof fieldNames)[number], slot: number, type: number): boolean {
    const reply = this.#reply;
    if (type === luaTypes.string) {
      if (name === 'err') this.#writeError(slot);
      else if (name === 'ok') reply.simple(this.#status(slot));
      else if (name === 'big_number') reply.bigNumber(this.#line(this.#text(slot)));
      else return false;
      return true;
    }
    if (type === luaTypes.number && name === 'double') {
      reply.double(this.#machine.f64[slot >> 3]);
      return true;
    }
    if (type !== luaTypes.table) return false;
    if (name === 'map') this.#writeMap();
    else if (name === 'set') this.#writeSet();
    else return name === 'verbatim_string' && this.#writeVerbatim();
    return true;
  }

  #writeError(slot: number): void {
    const machine = this.#machine;
    const message = this.#cText(slot);
    machine.push(this.#L, machine.constant('ignore_error_stats_update'), luaTypes.string);
    machine.api.lua_rawget(this.#L, -3);
    const flag = machine.topSlot(this.#L);
    this.#isErrorCounted = machine.typeAt(flag) === luaTypes.boolean && machine.i32[flag >> 2] !== 0;
    machine.api.lua_settop(this.#L, -2);
    this.#reply.error(message);
  }

  #writeVerbatim(): boolean {
    const machine = this.#machine;
    const { api } = machine;
    const L = this.#L;
    machine.push(L, machine.constant('format'), luaTypes.string);
    api.lua_rawget(L, -2);
    machine.push(L, machine.constant('string'), luaTypes.string);
    api.lua_rawget(L, -3);
    const text = machine.topSlot(L);
    const format = text - valueBytes;
    const isComplete = machine.typeAt(text) === luaTypes.string && machine.typeAt(format) === luaTypes.string;
    if (isComplete) this.#reply.verbatim(this.#text(format).slice(0, 3).padEnd(3), this.#text(text));
    api.lua_settop(L, -3);
    return isComplete;
  }

  /** The fields of the table on top. */
  #writeMap(): void {
    const { api } = this.#machine;
    const L = this.#L;
    this.#reply.map(this.#countFields());
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      const value = this.#machine.topSlot(L);
      // Writing a table may move the stack.
      this.#writeSlot(value - valueBytes);
      this.#writeSlot(this.#machine.topSlot(L));
      api.lua_settop(L, -2);
    }
  }

  #writeSet(): void {
    const { api } = this.#machine;
    const L = this.#L;
    this.#reply.set(this.#countFields());
    api.lua_pushnil(L);
    while (api.lua_next(L, -2) !== 0) {
      this.#writeSlot(this.#machine.topSlot(L) - valueBytes);
      api.lua_settop(L, -2);
    }
  }

  #countFields(): number {
    const { api } = this.#machine;
    const L = this.#L;
    let count = 0;
    api.lua_pushnil(L);
    for (; api.lua_next(L, -2) !== 0; count++) api.lua_settop(L, -2);
    return count;
  }

  /** The items of the table on top, whose address is given. */
  #writeArray(table: number): void {
    const { api, i32 } = this.#machine;
    const L = this.#L;
    const items = i32[(table + tableOffsets.items) >> 2];
    const itemsSize = i32[(table + tableOffsets.itemsSize) >> 2];
    let count = 0;
    while (count < itemsSize && i32[(items + count * valueBytes + 8) >> 2] !== luaTypes.nil) count++;
    const listed = count;
    if (count === itemsSize) count += this.#countFurther(count);
    this.#reply.array(count);
    for (let i = 0; i < listed; i++) this.#writeSlot(items + i * valueBytes);
    for (let i = listed + 1; i <= count; i++) {
      api.lua_rawgeti(L, -1, i);
      this.#writeSlot(this.#machine.topSlot(L));
      api.lua_settop(L, -2);
    }
  }

  /** How many items there are after the first `listed` ones, which are those that lie in a row. */
  #countFurther(listed: number): number {
    const machine = this.#machine;
    let more = 0;
    for (;;) {
      machine.api.lua_rawgeti(this.#L, -1, listed + more + 1);
      const isNil = machine.typeAt(machine.topSlot(this.#L)) === luaTypes.nil;
      machine.api.lua_settop(this.#L, -2);
      if (isNil) return more;
      more++;
    }
  }

  #text(slot: number): string {
    return textOf(this.#machine.bytesAt(slot));
  }

  /** Up to the first zero, as C has it. */
  #cText(slot: number): string {
    const text = this.#text(slot);
    const end = text.indexOf('\0');
    return end < 0 ? text : text.slice(0, end);
  }

  /** A status is written byte by byte. */
  #status(slot: number): string {
    const bytes = this.#machine.bytesAt(slot);
    const end = bytes.indexOf(0);
    return this.#line(Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString('latin1'));
  }

  #line(text: string): string {
    return text.replace(/[\r\n]/g, ' ');
  }
}
