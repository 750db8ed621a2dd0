/**
 * `cjson.decode`: JSON as a value of Lua, as lua-cjson 2.1 reads it. A string without escapes goes from the text to
 * Lua as it lies there; the text is an argument, so that it stays where it is.
 */
// @hot-path
import { luaTypes } from '../lua/exports.js';
import type { LuaMachine } from '../lua/machine.js';
import { jsonSettings, readSetting } from './json-config.js';
import { parsePrefix } from './numbers.js';
import type { Output } from './output.js';

const tokens = {
  objectBegin: 'T_OBJ_BEGIN',
  objectEnd: 'T_OBJ_END',
  arrayBegin: 'T_ARR_BEGIN',
  arrayEnd: 'T_ARR_END',
  string: 'T_STRING',
  number: 'T_NUMBER',
  boolean: 'T_BOOLEAN',
  null: 'T_NULL',
  colon: 'T_COLON',
  comma: 'T_COMMA',
  end: 'T_END',
} as const;

const punctuation: readonly (string | undefined)[] = Object.assign(new Array(128), {
  0: tokens.end,
  44: tokens.comma,
  58: tokens.colon,
  91: tokens.arrayBegin,
  93: tokens.arrayEnd,
  123: tokens.objectBegin,
  125: tokens.objectEnd,
});

/** What an escape stands for, by the byte after the backslash. */
const unescaped: readonly number[] = Object.assign(new Array(256).fill(0), {
  34: 34,
  47: 47,
  92: 92,
  98: 8,
  102: 12,
  110: 10,
  114: 13,
  116: 9,
  117: 117,
});

const lowerU = 117;
/** Integers with no more digits than this are exact as they are read. */
const exactDigits = 15;

/** Digits, letters (of exponents, hexadecimal numbers, infinity and the like), signs, dot. */
function isOfNumber(byte: number): boolean {
  const letter = byte | 32;
  return (byte >= 43 && byte <= 57 && byte !== 44 && byte !== 47) || (letter >= 97 && letter <= 122);
}

export class JsonDecoder {
  readonly #machine: LuaMachine;
  readonly #output: Output;
  #L = 0;
  #config = 0;
  /** Addresses: of the text, of its end, and of the next character. */
  #start = 0;
  #end = 0;
  #at = 0;
  #depth = 0;
  // The current token: one of `tokens`, or what is wrong with it.
  #token = '';
  #tokenStart = 0;
  #number = 0;
  /** Of a string: where it lies in the text, or -1 when it is in the output. */
  #stringStart = 0;
  #stringLength = 0;

  constructor(machine: LuaMachine, output: Output) {
    this.#machine = machine;
    this.#output = output;
  }

  /** Pushes the value of the JSON text at `start`, an address. */
  decode(L: number, config: number, start: number, length: number): void {
    const { u8 } = this.#machine;
    this.#L = L;
    this.#config = config;
    this.#start = start;
    this.#end = start + length;
    this.#at = start;
    this.#depth = 0;
    if (length >= 2 && (u8[start] === 0 || u8[start + 1] === 0)) {
      this.#machine.raise(L, 'JSON parser does not support UTF-16 or UTF-32');
    }
    this.#next();
    this.#pushValue();
    this.#next();
    if (this.#token !== tokens.end) this.#fail('the end');
  }

  #pushValue(): void {
    const { api } = this.#machine;
    const L = this.#L;
    if (this.#token === tokens.string) this.#pushString();
    else if (this.#token === tokens.number) this.#machine.pushNumber(L, this.#number);
    else if (this.#token === tokens.boolean) api.lua_pushboolean(L, this.#number);
    else if (this.#token === tokens.objectBegin) this.#pushObject();
    else if (this.#token === tokens.arrayBegin) this.#pushArray();
    else if (this.#token === tokens.null) this.#machine.push(L, 0, luaTypes.lightUserdata);
    else this.#fail('value');
  }

  #pushString(): void {
    if (this.#stringStart < 0) this.#output.push();
    else this.#machine.api.lua_pushlstring(this.#L, this.#stringStart, this.#stringLength);
  }

  #pushObject(): void {
    const { api } = this.#machine;
    const L = this.#L;
    this.#descend(3);
    api.lua_createtable(L, 0, 0);
    this.#next();
    if (this.#token !== tokens.objectEnd) {
      for (;;) {
        if (this.#token !== tokens.string) this.#fail('object key string');
        this.#pushString();
        this.#next();
        if (this.#token !== tokens.colon) this.#fail('colon');
        this.#next();
        this.#pushValue();
        api.lua_rawset(L, -3);
        this.#next();
        if (this.#token === tokens.objectEnd) break;
        if (this.#token !== tokens.comma) this.#fail('comma or object end');
        this.#next();
      }
    }
    this.#depth--;
  }

  #pushArray(): void {
    const { api } = this.#machine;
    const L = this.#L;
    this.#descend(2);
    api.lua_createtable(L, 0, 0);
    this.#next();
    if (this.#token !== tokens.arrayEnd) {
      for (let i = 1; ; i++) {
        this.#pushValue();
        api.lua_rawseti(L, -2, i);
        this.#next();
        if (this.#token === tokens.arrayEnd) break;
        if (this.#token !== tokens.comma) this.#fail('comma or array end');
        this.#next();
      }
    }
    this.#depth--;
  }

  #descend(slots: number): void {
    const depthMax = readSetting(this.#machine, this.#config, jsonSettings.decodeMaxDepth);
    this.#depth++;
    if (this.#depth <= depthMax && this.#machine.api.lua_checkstack(this.#L, slots) !== 0) return;
    const place = this.#at - this.#start;
    const message = `Found too many nested data structures (${this.#depth}) at character ${place}`;
    this.#machine.raise(this.#L, message);
  }

  // Tokens

  #next(): void {
    const { u8 } = this.#machine;
    let at = this.#at;
    let byte = u8[at];
    while (byte === 32 || (byte >= 9 && byte <= 13 && byte !== 11 && byte !== 12)) byte = u8[++at];
    this.#at = at;
    this.#tokenStart = at;
    const sign = punctuation[byte];
    if (sign !== undefined) {
      this.#token = sign;
      if (byte !== 0) this.#at++;
    } else if (byte === 34) this.#readString();
    else if (byte === 45 || (byte >= 48 && byte <= 57)) this.#readNumber();
    else this.#readWord();
  }

  #readWord(): void {
    const text = this.#ahead(9);
    if (text.startsWith('true')) this.#accept(tokens.boolean, 1, 4);
    else if (text.startsWith('false')) this.#accept(tokens.boolean, 0, 5);
    else if (text.startsWith('null')) this.#accept(tokens.null, 0, 4);
    else if (this.#acceptsInvalidNumbers && /^(\+|inf|nan)/i.test(text)) this.#readLongNumber();
    else this.#token = 'invalid token';
  }

  #accept(token: string, value: number, length: number): void {
    this.#token = token;
    this.#number = value;
    this.#at += length;
  }

  get #acceptsInvalidNumbers(): boolean {
    return readSetting(this.#machine, this.#config, jsonSettings.decodeInvalidNumbers) !== 0;
  }

  #readNumber(): void {
    const { u8 } = this.#machine;
    let at = this.#at;
    const isNegative = u8[at] === 45;
    if (isNegative) at++;
    const first = at;
    let value = 0;
    while (u8[at] >= 48 && u8[at] <= 57) value = value * 10 + u8[at++] - 48;
    const digits = at - first;
    const next = u8[at] | 32;
    // `.`, `e` and `x` go on, and so do the letters of infinity and nan.
    const isInteger = digits > 0 && digits <= exactDigits && u8[at] !== 46 && next !== 101 && next !== 120;
    if (!isInteger || (digits > 1 && u8[first] === 48)) return this.#readLongNumber();
    this.#accept(tokens.number, isNegative ? -value : value, at - this.#at);
  }

  #readLongNumber(): void {
    const { u8 } = this.#machine;
    let end = this.#at;
    while (isOfNumber(u8[end])) end++;
    const text = this.#ahead(end - this.#at);
    if (!this.#acceptsInvalidNumbers && /^(\+|-?(0[x\d]|inf|nan))/i.test(text)) {
      this.#token = 'invalid number';
      return;
    }
    const { value, length } = parsePrefix(text);
    if (length === 0) this.#token = 'invalid number';
    else this.#accept(tokens.number, value, length);
  }

  /** The next characters, at most so many. */
  #ahead(length: number): string {
    const end = Math.min(this.#at + length, this.#end);
    return Buffer.from(this.#machine.u8.buffer, this.#at, end - this.#at).toString('latin1');
  }

  #readString(): void {
    const { u8 } = this.#machine;
    const start = this.#at + 1;
    let at = start;
    while (u8[at] !== 34 && u8[at] !== 92 && u8[at] !== 0) at++;
    this.#at = at;
    if (u8[at] === 34) {
      this.#token = tokens.string;
      this.#stringStart = start;
      this.#stringLength = at - start;
      this.#at = at + 1;
      return;
    }
    this.#readEscapedString(start);
  }

  /** The string from `start` on, which has an escape or does not end, into the output. */
  #readEscapedString(start: number): void {
    const { u8 } = this.#machine;
    const output = this.#output;
    output.begin(this.#L);
    output.reserve(this.#end - start);
    let at = start;
    for (let byte = u8[at]; byte !== 34; byte = u8[at]) {
      this.#at = at;
      if (byte === 0) return this.#rejectString('unexpected end of string');
      if (byte !== 92) {
        output.byte(byte);
        at++;
        continue;
      }
      const meant = unescaped[u8[at + 1]];
      if (meant === 0) return this.#rejectString('invalid escape code');
      if (meant === lowerU) {
        const length = this.#appendCodePoint(at);
        if (length === 0) return this.#rejectString('invalid unicode escape code');
        at += length;
      } else {
        output.byte(meant);
        at += 2;
      }
    }
    this.#at = at + 1;
    this.#token = tokens.string;
    this.#stringStart = -1;
  }

  #rejectString(problem: string): void {
    this.#token = problem;
    this.#tokenStart = this.#at;
  }

  /** Appends what the `\uXXXX` at an address stands for, or a pair of them; returns its length, 0 when it is wrong. */
  #appendCodePoint(at: number): number {
    const { u8 } = this.#machine;
    const output = this.#output;
    let code = this.#hex4(at + 2);
    let length = 6;
    if (code < 0) return 0;
    if ((code & 0xf800) === 0xd800) {
      if ((code & 0x400) !== 0 || u8[at + 6] !== 92 || u8[at + 7] !== lowerU) return 0;
      const low = this.#hex4(at + 8);
      if (low < 0 || (low & 0xfc00) !== 0xdc00) return 0;
      code = (((code & 0x3ff) << 10) | (low & 0x3ff)) + 0x10000;
      length = 12;
    }
    if (code < 0x80) {
      output.byte(code);
      return length;
    }
    if (code < 0x800) {
      output.byte(0xc0 | (code >> 6));
    } else {
      if (code < 0x10000) {
        output.byte(0xe0 | (code >> 12));
      } else {
        output.byte(0xf0 | (code >> 18));
        output.byte(0x80 | ((code >> 12) & 0x3f));
      }
      output.byte(0x80 | ((code >> 6) & 0x3f));
    }
    output.byte(0x80 | (code & 0x3f));
    return length;
  }

  /** Four hexadecimal digits at an address; negative when they are none. */
  #hex4(at: number): number {
    const { u8 } = this.#machine;
    let value = 0;
    for (let i = 0; i < 4; i++) {
      const byte = u8[at + i];
      const letter = byte | 32;
      if (byte >= 48 && byte <= 57) value = value * 16 + byte - 48;
      else if (letter >= 97 && letter <= 102) value = value * 16 + letter - 87;
      else return -1;
    }
    return value;
  }

  #fail(expected: string): void {
    const place = this.#tokenStart - this.#start + 1;
    this.#machine.raise(this.#L, `Expected ${expected} but found ${this.#token} at character ${place}`);
  }
}
