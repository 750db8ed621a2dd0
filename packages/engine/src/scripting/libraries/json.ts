/** The library `cjson`. Each `cjson.new()` has settings of its own, see `json-config.ts`. */
import { luaTypes } from '../lua/exports.js';
import type { LuaFunction, LuaMachine } from '../lua/machine.js';
import {
  type JsonSetting,
  jsonConfig,
  jsonSettings,
  pushJsonConfig,
  readSetting,
  writeSetting,
} from './json-config.js';
import { JsonDecoder } from './json-decoder.js';
import { JsonEncoder } from './json-encoder.js';
import type { Output } from './output.js';

const integerMax = 0x7fffffff;
const onOff = ['off', 'on'] as const;

export class JsonLibrary {
  readonly #machine: LuaMachine;
  readonly #encoder: JsonEncoder;
  readonly #decoder: JsonDecoder;
  readonly #places: readonly (readonly [string, number])[];

  constructor(machine: LuaMachine, output: Output, tableOf: (address: number) => number) {
    this.#machine = machine;
    this.#encoder = new JsonEncoder(machine, output, tableOf);
    this.#decoder = new JsonDecoder(machine, output);
    const functions = Object.entries(this.#functions());
    this.#places = functions.map(([name, body]) => [name, machine.place(body)]);
  }

  /** Pushes the library, with new settings. */
  push(L: number): number {
    const machine = this.#machine;
    const { api } = machine;
    api.lua_createtable(L, 0, this.#places.length + 3);
    pushJsonConfig(machine, L);
    for (const [name, place] of this.#places) {
      api.lua_pushvalue(L, -1);
      api.lua_pushcclosure(L, place, 1);
      api.lua_setfield(L, -3, machine.cString(name));
    }
    api.lua_settop(L, -2);
    machine.push(L, 0, luaTypes.lightUserdata);
    api.lua_setfield(L, -2, machine.cString('null'));
    machine.pushText(L, 'cjson');
    api.lua_setfield(L, -2, machine.cString('_NAME'));
    machine.pushText(L, '2.1.0');
    api.lua_setfield(L, -2, machine.cString('_VERSION'));
    return 1;
  }

  #functions(): Record<string, LuaFunction> {
    return {
      encode: (L) => this.#encode(L),
      decode: (L) => this.#decode(L),
      new: (L) => this.push(L),
      encode_sparse_array: (L) => {
        this.#takeArguments(L, 3);
        this.#choose(L, 1, jsonSettings.encodeSparseConvert, onOff);
        this.#count(L, 2, jsonSettings.encodeSparseRatio, 0, integerMax);
        this.#count(L, 3, jsonSettings.encodeSparseSafe, 0, integerMax);
        return 3;
      },
      encode_max_depth: (L) => this.#setCount(L, jsonSettings.encodeMaxDepth, 1, integerMax),
      decode_max_depth: (L) => this.#setCount(L, jsonSettings.decodeMaxDepth, 1, integerMax),
      encode_number_precision: (L) => this.#setCount(L, jsonSettings.encodeNumberPrecision, 1, 14),
      encode_keep_buffer: (L) => this.#setChoice(L, jsonSettings.encodeKeepBuffer, onOff),
      encode_invalid_numbers: (L) =>
        this.#setChoice(L, jsonSettings.encodeInvalidNumbers, ['off', 'on', 'null']),
      decode_invalid_numbers: (L) => this.#setChoice(L, jsonSettings.decodeInvalidNumbers, onOff),
    };
  }

  #encode(L: number): number {
    const machine = this.#machine;
    if (machine.count(L) !== 1) machine.raiseArgument(L, 1, 'expected 1 argument');
    this.#encoder.encode(L, jsonConfig(machine, L));
    return 1;
  }

  #decode(L: number): number {
    const machine = this.#machine;
    if (machine.count(L) !== 1) machine.raiseArgument(L, 1, 'expected 1 argument');
    machine.api.luaL_checklstring(L, 1, 0);
    const text = machine.bytesAt(machine.slot(L, 1));
    this.#decoder.decode(L, jsonConfig(machine, L), text.byteOffset, text.length);
    return 1;
  }

  // Settings: each function returns what is set after it

  #setCount(L: number, setting: JsonSetting, min: number, max: number): number {
    this.#takeArguments(L, 1);
    this.#count(L, 1, setting, min, max);
    return 1;
  }

  #setChoice(L: number, setting: JsonSetting, words: readonly string[]): number {
    this.#takeArguments(L, 1);
    this.#choose(L, 1, setting, words);
    return 1;
  }

  #takeArguments(L: number, count: number): void {
    const { api } = this.#machine;
    if (this.#machine.count(L) > count) {
      this.#machine.raiseArgument(L, count + 1, 'found too many arguments');
    }
    api.lua_settop(L, count);
  }

  #count(L: number, argument: number, setting: JsonSetting, min: number, max: number): void {
    const machine = this.#machine;
    const config = jsonConfig(machine, L);
    if (machine.typeAt(machine.slot(L, argument)) !== luaTypes.nil) {
      const value = machine.api.luaL_checkinteger(L, argument);
      if (value < min || value > max) {
        machine.raiseArgument(L, 1, `expected integer between ${min} and ${max}`);
      }
      writeSetting(machine, config, setting, value);
    }
    machine.pushNumber(L, readSetting(machine, config, setting));
  }

  /** A setting that is a word, or true for the word after the first. */
  #choose(L: number, argument: number, setting: JsonSetting, words: readonly string[]): void {
    const machine = this.#machine;
    const config = jsonConfig(machine, L);
    const slot = machine.slot(L, argument);
    const type = machine.typeAt(slot);
    if (type === luaTypes.boolean) {
      writeSetting(machine, config, setting, machine.i32[slot >> 2] === 0 ? 0 : 1);
    } else if (type !== luaTypes.nil) {
      writeSetting(machine, config, setting, this.#checkWord(L, argument, words));
    }
    const value = readSetting(machine, config, setting);
    if (value > 1) machine.pushText(L, words[value]);
    else machine.api.lua_pushboolean(L, value);
  }

  #checkWord(L: number, argument: number, words: readonly string[]): number {
    const machine = this.#machine;
    machine.api.luaL_checklstring(L, argument, 0);
    const word = machine.text(L, argument)!;
    const index = words.indexOf(word);
    if (index < 0) {
      machine.pushText(L, `invalid option '${word}'`);
      machine.api.luaL_argerror(L, argument, machine.bytesAt(machine.topSlot(L)).byteOffset);
    }
    return index;
  }
}
