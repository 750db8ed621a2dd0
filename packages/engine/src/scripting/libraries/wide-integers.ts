/**
 * `string.format` and `tonumber` with integers of 64 bits, as they have them where Redis runs. To the interpreter, which
 * is compiled for a machine of 32 bits, a C `long` has no more; so what goes beyond is done here.
 */
import { luaTypes } from '../lua/exports.js';
import type { LuaFunction, LuaMachine } from '../lua/machine.js';
import type { Library } from '../lua/sandbox.js';
import { toInt64 } from './numbers.js';

const percent = 37;
/** Between these a C `long` is the same on both machines, signed or not. */
const narrowMax = 0x7fffffff;

/** What has more of anything Lua refuses. Without bounds a zero is a flag or a digit, and a row of them is tried each way. */
const specification = /%([-+ #0]{0,6})(\d{0,3})(?:\.(\d{0,3}))?([a-zA-Z%])/g;

/** Whether a format has a conversion of an integer. */
function hasInteger(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i] !== percent) continue;
    // Flags, width and precision come first.
    do i++;
    while (i < bytes.length && bytes[i] < 65 && bytes[i] !== percent);
    const letter = bytes[i] | 32;
    if (letter === 100 || letter === 105 || letter === 111 || letter === 117 || letter === 120) return true;
  }
  return false;
}

/** Whether any number among the arguments is beyond what both machines print alike. */
function hasWideNumber(machine: LuaMachine, L: number): boolean {
  const count = machine.count(L);
  for (let i = 2; i <= count; i++) {
    const slot = machine.slot(L, i);
    const type = machine.typeAt(slot);
    const value = type === luaTypes.string ? machine.number(L, i) : machine.f64[slot >> 3];
    const isNumber = type === luaTypes.number || type === luaTypes.string;
    if (isNumber && !(value >= 0 && value <= narrowMax)) return true;
  }
  return false;
}

/** An integer as printf writes it with these flags, width and precision. */
function formatInteger(
  value: number,
  conversion: string,
  flags: string,
  width: number,
  precision: number,
): string {
  const isSigned = conversion === 'd' || conversion === 'i';
  const bits = toInt64(value);
  const isNegative = isSigned && bits < 0n;
  const magnitude = isSigned ? (isNegative ? -bits : bits) : BigInt.asUintN(64, bits);
  const radix = conversion === 'o' ? 8 : conversion === 'x' || conversion === 'X' ? 16 : 10;
  let digits = magnitude === 0n && precision === 0 ? '' : magnitude.toString(radix);
  if (conversion === 'X') digits = digits.toUpperCase();
  if (precision >= 0) digits = digits.padStart(precision, '0');
  if (flags.includes('#') && conversion === 'o' && digits[0] !== '0') digits = `0${digits}`;
  let sign = '';
  if (isNegative) sign = '-';
  else if (isSigned) sign = flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  if (flags.includes('#') && radix === 16 && magnitude !== 0n) sign = `0${conversion}`;
  if (flags.includes('-')) return (sign + digits).padEnd(width);
  if (flags.includes('0') && precision < 0) return sign + digits.padStart(width - sign.length, '0');
  return (sign + digits).padStart(width);
}

/** Replaces each conversion of an integer, and its argument, by one of a string that is what it stands for. */
function widen(machine: LuaMachine, L: number): void {
  const { api } = machine;
  let argument = 1;
  const format = machine
    .byteString(L, 1)!
    .replace(
      specification,
      (whole, flags: string, width: string, precision: string | undefined, conversion: string) => {
        if (conversion === '%') return whole;
        argument++;
        if (!'diouxX'.includes(conversion) || argument > machine.count(L)) return whole;
        // What Lua refuses, it shall refuse.
        if (flags.length > 5 || width.length > 2 || (precision ?? '').length > 2) return whole;
        const value = api.luaL_checknumber(L, argument);
        const digits = precision === undefined ? -1 : Number(precision);
        machine.pushByteString(L, formatInteger(value, conversion, flags, Number(width), digits));
        api.lua_replace(L, argument);
        return '%s';
      },
    );
  machine.pushByteString(L, format);
  api.lua_replace(L, 1);
}

/** What `strtoul` makes of a text in a base, as a double; NaN when it is no number. */
export function parseUnsigned(text: string, base: number): number {
  const match = /^[ \t\n\v\f\r]*([+-]?)(0x)?([\da-z]+)[ \t\n\v\f\r]*$/i.exec(text);
  if (match === null) return Number.NaN;
  const digits = base === 16 ? match[3] : (match[2] ?? '') + match[3];
  const end = 2n ** 64n;
  let value = 0n;
  for (const letter of digits.toLowerCase()) {
    const digit = Number.parseInt(letter, 36);
    if (digit >= base) return Number.NaN;
    // What is too large stays so: with each of a million digits the number would take longer to be made.
    if (value < end) value = value * BigInt(base) + BigInt(digit);
  }
  if (value >= end) return Number(end - 1n);
  return Number(match[1] === '-' ? BigInt.asUintN(64, -value) : value);
}

/** `native` calls a function of Lua's own in the place of the one that is running. */
export function wideFormat(machine: LuaMachine, native: LuaFunction): Library {
  return {
    format: (L) => {
      const slot = machine.slot(L, 1);
      if (machine.count(L) > 1 && machine.typeAt(slot) === luaTypes.string) {
        if (hasInteger(machine.bytesAt(slot)) && hasWideNumber(machine, L)) widen(machine, L);
      }
      return native(L);
    },
  };
}

export function wideToNumber(machine: LuaMachine, native: LuaFunction): Library {
  return {
    tonumber: (L) => {
      if (machine.count(L) < 2) return native(L);
      const base = machine.number(L, 2);
      if (!(base >= 2 && base <= 36 && base !== 10)) return native(L);
      machine.api.luaL_checklstring(L, 1, 0);
      const value = parseUnsigned(machine.byteString(L, 1)!, Math.trunc(base));
      if (Number.isNaN(value)) machine.api.lua_pushnil(L);
      else machine.pushNumber(L, value);
      return 1;
    },
  };
}
