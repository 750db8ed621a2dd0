/** The library `bit`: operations on 32-bit integers, as Lua BitOp 1.0 has them. */
// @hot-path
import type { LuaMachine } from '../lua/machine.js';
import type { Library } from '../lua/sandbox.js';

const scratchDouble = new Float64Array(1);
const scratchIntegers = new Int32Array(scratchDouble.buffer);
/** Added to a number, it brings the number's lowest 32 bits, rounded, into those of the double. */
const shifter = 2 ** 52 + 2 ** 51;

const tohexDigits = 8;

export function bitLibrary(machine: LuaMachine): Library {
  /** Argument `i` as a 32-bit integer; raises an error when it is no number. */
  const integer = (L: number, i: number): number => {
    scratchDouble[0] = machine.number(L, i) + shifter;
    const value = scratchIntegers[0];
    if (value === 0 && (i > machine.count(L) || machine.api.lua_isnumber(L, i) === 0)) {
      machine.api.luaL_typerror(L, i, machine.cString('number'));
    }
    return value;
  };
  const give = (L: number, value: number): number => {
    machine.pushNumber(L, value | 0);
    return 1;
  };
  const fold = (combine: (a: number, b: number) => number) => {
    return (L: number): number => {
      let value = integer(L, 1);
      for (let i = machine.count(L); i > 1; i--) value = combine(value, integer(L, i));
      return give(L, value);
    };
  };
  const shift = (apply: (value: number, by: number) => number) => {
    return (L: number): number => give(L, apply(integer(L, 1), integer(L, 2) & 31));
  };
  return {
    tobit: (L) => give(L, integer(L, 1)),
    bnot: (L) => give(L, ~integer(L, 1)),
    band: fold((a, b) => a & b),
    bor: fold((a, b) => a | b),
    bxor: fold((a, b) => a ^ b),
    lshift: shift((value, by) => value << by),
    rshift: shift((value, by) => value >>> by),
    arshift: shift((value, by) => value >> by),
    rol: shift((value, by) => (value << by) | (value >>> (32 - by))),
    ror: shift((value, by) => (value >>> by) | (value << (32 - by))),
    bswap: (L) => {
      const value = integer(L, 1);
      const middle = ((value >>> 8) & 0xff00) | ((value & 0xff00) << 8);
      return give(L, (value >>> 24) | middle | (value << 24));
    },
    tohex: (L) => {
      const value = integer(L, 1) >>> 0;
      const digits = machine.count(L) < 2 ? tohexDigits : integer(L, 2);
      const text = value.toString(16).padStart(tohexDigits, '0');
      const shown = text.slice(tohexDigits - Math.min(Math.abs(digits), tohexDigits));
      machine.pushByteString(L, digits < 0 ? shown.toUpperCase() : shown);
      return 1;
    },
  };
}
