/**
 * What `cjson` can be told. It lies in a block of Lua's memory that belongs to the functions of one `cjson.new()`, and
 * goes with them.
 */
import { upvalueIndex } from '../lua/exports.js';
import type { LuaMachine } from '../lua/machine.js';

/** Positions in the block, and what is there at first. */
export const jsonSettings = {
  encodeSparseConvert: { at: 0, initial: 0 },
  encodeSparseRatio: { at: 1, initial: 2 },
  encodeSparseSafe: { at: 2, initial: 10 },
  encodeMaxDepth: { at: 3, initial: 1000 },
  encodeInvalidNumbers: { at: 4, initial: 0 },
  encodeNumberPrecision: { at: 5, initial: 14 },
  encodeKeepBuffer: { at: 6, initial: 1 },
  decodeInvalidNumbers: { at: 7, initial: 1 },
  decodeMaxDepth: { at: 8, initial: 1000 },
} as const;

export type JsonSetting = (typeof jsonSettings)[keyof typeof jsonSettings];

const settings = Object.values(jsonSettings);

/** Pushes a new block. */
export function pushJsonConfig(machine: LuaMachine, L: number): void {
  const block = machine.api.lua_newuserdata(L, settings.length * 4);
  for (const { at, initial } of settings) machine.i32[(block >> 2) + at] = initial;
}

/** The address of the block that belongs to the function that is running. */
export function jsonConfig(machine: LuaMachine, L: number): number {
  return machine.api.lua_touserdata(L, upvalueIndex(1));
}

export function readSetting(machine: LuaMachine, config: number, { at }: JsonSetting): number {
  return machine.i32[(config >> 2) + at];
}

export function writeSetting(machine: LuaMachine, config: number, { at }: JsonSetting, value: number): void {
  machine.i32[(config >> 2) + at] = value;
}
