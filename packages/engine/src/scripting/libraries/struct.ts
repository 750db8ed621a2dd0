/**
 * The library `struct`: values as the bytes of C structures, and back, as Roberto Ierusalimschy's library of that name
 * has it for a 64-bit machine.
 *
 *     > <  big or little endian      !n  alignment, at most n          x    a byte of padding
 *     b B  h H  l L  T  in In        integers of 1, 2, 8, 8, n bytes; n is 4 unless given; lower case is signed
 *     f d  floats and doubles        cn  n bytes; c0 all of them, or as many as the number before says
 *     s    bytes up to a zero        and spaces in between
 */
import type { LuaMachine } from '../lua/machine.js';
import type { Library } from '../lua/sandbox.js';
import { toInt64 } from './numbers.js';
import type { Output } from './output.js';

const integerBytesMax = 32;
const alignmentDefault = 8;
const integerMax = 0x7fffffff;
const sizes: Readonly<Record<string, number>> = {
  b: 1,
  B: 1,
  h: 2,
  H: 2,
  l: 8,
  L: 8,
  T: 8,
  f: 4,
  d: 8,
  x: 1,
};

/** Reads a format option by option. */
class Format {
  readonly text: string;
  isLittle = true;
  /** The current option, its size, and how much padding comes before it. */
  option = '';
  size = 0;
  readonly #machine: LuaMachine;
  readonly #L: number;
  #at = 0;
  #alignment = 1;

  constructor(machine: LuaMachine, L: number) {
    this.#machine = machine;
    this.#L = L;
    machine.api.luaL_checklstring(L, 1, 0);
    const text = machine.byteString(L, 1)!;
    const end = text.indexOf('\0');
    this.text = end < 0 ? text : text.slice(0, end);
  }

  /** Moves to the next option; false at the end. */
  next(): boolean {
    if (this.#at === this.text.length) return false;
    this.option = this.text[this.#at++];
    this.size = this.#sizeOf(this.option);
    return true;
  }

  /** How many bytes of padding the current option needs at a position. */
  padding(position: number): number {
    if (this.size === 0 || this.option === 'c') return 0;
    const size = Math.min(this.size, this.#alignment);
    return (size - (position & (size - 1))) & (size - 1);
  }

  /** An option that is no value: sets what it says. */
  control(): void {
    switch (this.option) {
      case ' ':
        return;
      case '>':
        this.isLittle = false;
        return;
      case '<':
        this.isLittle = true;
        return;
      case '!': {
        const alignment = this.#number(alignmentDefault);
        if (alignment <= 0 || (alignment & (alignment - 1)) !== 0) {
          this.#machine.raise(this.#L, `alignment ${alignment} is not a power of 2`);
        }
        this.#alignment = alignment;
        return;
      }
      default:
        this.#machine.raiseArgument(this.#L, 1, `invalid format option '${this.option}'`);
    }
  }

  #sizeOf(option: string): number {
    if (option === 'c') return this.#number(1);
    if (option !== 'i' && option !== 'I') return sizes[option] ?? 0;
    const size = this.#number(4);
    if (size > integerBytesMax) {
      this.#machine.raise(this.#L, `integral size ${size} is larger than limit of ${integerBytesMax}`);
    }
    return size;
  }

  #number(initial: number): number {
    const start = this.#at;
    let value = 0;
    for (; this.text[this.#at] >= '0' && this.text[this.#at] <= '9'; this.#at++) {
      value = value * 10 + Number(this.text[this.#at]);
      if (value > integerMax) this.#machine.raise(this.#L, 'integral size overflow');
    }
    return this.#at === start ? initial : value;
  }
}

function isInteger(option: string): boolean {
  return 'bBhHlLTiI'.includes(option);
}

/** The 64 bits that C has of a double: those of a negative one as a signed integer, of others as unsigned. */
function bitsOf(value: number): bigint {
  if (value < 0) return BigInt.asUintN(64, toInt64(value));
  return value < 2 ** 64 ? BigInt(Math.trunc(value || 0)) : 0n;
}

class Packer {
  readonly #machine: LuaMachine;
  readonly #output: Output;
  readonly #L: number;
  #argument = 2;

  constructor(machine: LuaMachine, output: Output, L: number) {
    this.#machine = machine;
    this.#output = output;
    this.#L = L;
  }

  pack(): number {
    const format = new Format(this.#machine, this.#L);
    const output = this.#output;
    output.begin(this.#L);
    // As in Redis, where the first argument that is missing is found to be nil.
    this.#machine.api.lua_pushnil(this.#L);
    while (format.next()) {
      this.#pad(format.padding(output.length));
      if (isInteger(format.option)) this.#putInteger(format);
      else if (format.option === 'x') output.byte(0);
      else if (format.option === 'f' || format.option === 'd') this.#putFloat(format);
      else if (format.option === 'c' || format.option === 's') this.#putBytes(format);
      else format.control();
    }
    output.push();
    return 1;
  }

  #pad(count: number): void {
    for (let i = 0; i < count; i++) this.#output.byte(0);
  }

  #putInteger({ isLittle, size }: Format): void {
    const bits = bitsOf(this.#machine.api.luaL_checknumber(this.#L, this.#argument++));
    for (let i = 0; i < size; i++) {
      const shift = BigInt(8 * (isLittle ? i : size - 1 - i));
      this.#output.byte(Number((bits >> shift) & 0xffn));
    }
  }

  #putFloat({ isLittle, size }: Format): void {
    const value = this.#machine.api.luaL_checknumber(this.#L, this.#argument++);
    const output = this.#output;
    output.reserve(size);
    const view = new DataView(output.bytes.buffer, output.bytes.byteOffset + output.length, size);
    if (size === 4) view.setFloat32(0, value, isLittle);
    else view.setFloat64(0, value, isLittle);
    output.length += size;
  }

  #putBytes({ option, size }: Format): void {
    const machine = this.#machine;
    const argument = this.#argument++;
    machine.api.luaL_checklstring(this.#L, argument, 0);
    const bytes = machine.bytesAt(machine.slot(this.#L, argument));
    const wanted = size === 0 ? bytes.length : size;
    // As there, the position in the message is one too far.
    if (bytes.length < wanted) machine.raiseArgument(this.#L, argument + 1, 'string too short');
    const output = this.#output;
    output.reserve(wanted + 1);
    output.bytes.set(bytes.subarray(0, wanted), output.length);
    output.length += wanted;
    if (option === 's') output.byte(0);
  }
}

class Unpacker {
  readonly #machine: LuaMachine;
  readonly #L: number;
  #bytes = new Uint8Array(0);
  #position = 0;
  #results = 0;

  constructor(machine: LuaMachine, L: number) {
    this.#machine = machine;
    this.#L = L;
  }

  unpack(): number {
    const machine = this.#machine;
    const L = this.#L;
    const format = new Format(machine, L);
    machine.api.luaL_checklstring(L, 2, 0);
    const offset = machine.api.luaL_optinteger(L, 3, 1);
    if (offset === 0) machine.raiseArgument(L, 3, 'offset must be 1 or greater');
    // A copy: what is pushed may move the memory.
    this.#bytes = machine.bytesAt(machine.slot(L, 2)).slice();
    // As in C, where it is unsigned, a negative one is beyond all data.
    this.#position = offset > 0 ? offset - 1 : Number.MAX_SAFE_INTEGER;
    while (format.next()) {
      this.#position += format.padding(this.#position);
      this.#check(format.size);
      machine.api.luaL_checkstack(L, 2, machine.cString('too many results'));
      this.#take(format);
    }
    machine.pushNumber(L, this.#position + 1);
    return this.#results + 1;
  }

  #take(format: Format): void {
    const { option } = format;
    let { size } = format;
    if (isInteger(option)) this.#pushNumber(this.#integer(format));
    else if (option === 'f' || option === 'd') this.#pushNumber(this.#float(format));
    else if (option === 'c') size = this.#takeBytes(size);
    else if (option === 's') size = this.#takeText();
    else if (option !== 'x') format.control();
    this.#position += size;
  }

  #check(size: number): void {
    const { length } = this.#bytes;
    if (size <= length && this.#position <= length - size) return;
    this.#machine.raiseArgument(this.#L, 2, 'data string too short');
  }

  #pushNumber(value: number): void {
    this.#machine.pushNumber(this.#L, value);
    this.#results++;
  }

  #integer({ isLittle, option, size }: Format): number {
    let value = 0n;
    for (let i = 0; i < size; i++) {
      const byte = this.#bytes[this.#position + (isLittle ? size - 1 - i : i)];
      value = BigInt.asUintN(64, (value << 8n) | BigInt(byte));
    }
    const isSigned = option === option.toLowerCase();
    return Number(isSigned ? BigInt.asIntN(size < 8 ? size * 8 : 64, value) : value);
  }

  #float({ isLittle, size }: Format): number {
    const view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset + this.#position, size);
    return size === 4 ? view.getFloat32(0, isLittle) : view.getFloat64(0, isLittle);
  }

  /** `c0` takes as many bytes as the number before it says, and takes that number away. */
  #takeBytes(size: number): number {
    const machine = this.#machine;
    let wanted = size;
    if (size === 0) {
      if (this.#results === 0 || machine.api.lua_isnumber(this.#L, -1) === 0) {
        machine.raise(this.#L, "format 'c0' needs a previous size");
      }
      wanted = Math.trunc(machine.api.lua_tonumber(this.#L, -1));
      machine.api.lua_settop(this.#L, -2);
      this.#results--;
      // A negative size is a huge one in C.
      this.#check(wanted < 0 || Number.isNaN(wanted) ? Number.POSITIVE_INFINITY : wanted);
    }
    machine.pushBytes(this.#L, this.#bytes, this.#position, wanted);
    this.#results++;
    return wanted;
  }

  #takeText(): number {
    const end = this.#bytes.indexOf(0, this.#position);
    if (end < 0) this.#machine.raise(this.#L, 'unfinished string in data');
    this.#machine.pushBytes(this.#L, this.#bytes, this.#position, end - this.#position);
    this.#results++;
    return end - this.#position + 1;
  }
}

/** `struct.size`: of a format whose options all have a fixed size. */
function sizeOf(machine: LuaMachine, L: number): number {
  const format = new Format(machine, L);
  let position = 0;
  while (format.next()) {
    const { option, size } = format;
    position += format.padding(position);
    if (option === 's') machine.raiseArgument(L, 1, "option 's' has no fixed size");
    if (option === 'c' && size === 0) machine.raiseArgument(L, 1, "option 'c0' has no fixed size");
    if (!/[a-z0-9]/i.test(option)) format.control();
    position += size;
  }
  machine.pushNumber(L, position);
  return 1;
}

export function structLibrary(machine: LuaMachine, output: Output): Library {
  return {
    pack: (L) => new Packer(machine, output, L).pack(),
    unpack: (L) => new Unpacker(machine, L).unpack(),
    size: (L) => sizeOf(machine, L),
  };
}
