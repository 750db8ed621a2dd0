/**
 * Where Lua 5.1 keeps things, as compiled for WebAssembly: 32-bit addresses, little-endian.
 *
 *     value     | content 8 bytes | type u32 |  4 unused |        16 bytes; content: a double, a boolean or an address
 *     string    | header 8 | hash u32 | length u32 | bytes ... 0 |
 *     table     | header 8 | metatable | items at 12 | fields at 16 | ... | itemsSize at 28 |
 *               items: values 1, 2, 3 ...; fields: one place for all tables that have none
 *     function  | header 6, whether it is a C function u8 | ... | environment at 12 | ...
 *     thread    | header 6, status u8 | top at 8 | base at 12 | ... | stack at 32 | ... | nested calls u16 at 52, base of them u16 at 54
 *                 | hook mask u8 at 56 | ... | globals (a value) at 72; its current call at 20
 *     call      | base | function | top | next instruction | results wanted i32 at 16 | ... |
 *
 * Reading arguments and pushing plain values by these is what makes a short script cost a microsecond: each call of
 * the C API that is saved is worth 10 to 20 ns. Only values that need no allocation are written, only onto a thread's
 * own stack or into a table that was just made (the collector has not seen it, so it need not be told), and never
 * without room. `verifyLayout` makes sure, with each new interpreter, that it all is where we think.
 */
// @hot-path
import { KvError } from '@holdfast/common';
import { globalsIndex, luaTypes } from './exports.js';
import type { LuaMachine } from './machine.js';

export const valueBytes = 16;

export const stringOffsets = { length: 12, bytes: 16 } as const;
export const tableOffsets = { items: 12, fields: 16, itemsSize: 28 } as const;
export const functionOffsets = { isNative: 6, environment: 12 } as const;
export const threadOffsets = {
  status: 6,
  top: 8,
  base: 12,
  call: 20,
  stack: 32,
  nestedCalls: 52,
  nestedCallsBase: 54,
  globals: 72,
} as const;

export const callOffsets = { resultsWanted: 16 } as const;

/** Whether a field shows where fields are looked for, and goes with the table. */
function hasFieldsAsExpected({ api, L, i32, noFields }: LuaMachine): boolean {
  api.lua_createtable(L, 0, 1);
  const fields = i32[(api.lua_topointer(L, -1) + tableOffsets.fields) >> 2];
  api.lua_createtable(L, 0, 0);
  const none = i32[(api.lua_topointer(L, -1) + tableOffsets.fields) >> 2];
  api.lua_settop(L, -3);
  return fields !== noFields && none === noFields;
}

/** Whether a function that is called shows how many results its caller wants. */
function hasCallsAsExpected(machine: LuaMachine): boolean {
  const { api, L } = machine;
  let isUnused = false;
  const probe = machine.place(() => {
    isUnused = machine.isResultUnused(L);
    return 0;
  });
  const isUnusedOf = (wanted: number): boolean => {
    api.lua_pushcclosure(L, probe, 0);
    api.lua_pcall(L, 0, wanted, 0);
    api.lua_settop(L, -1 - wanted);
    return isUnused;
  };
  return isUnusedOf(0) && !isUnusedOf(1);
}

/** Throws KvError INVALID when this interpreter is laid out in another way. */
export function verifyLayout(machine: LuaMachine): void {
  const { api, L } = machine;
  const { i32, u8, f64 } = machine;
  const text = machine.constant('layout');
  api.lua_createtable(L, 2, 0);
  const table = api.lua_topointer(L, -1);
  api.lua_pushnumber(L, 0.5);
  api.lua_rawseti(L, -2, 2);
  api.lua_pushvalue(L, globalsIndex);
  const globals = api.lua_topointer(L, -1);
  machine.push(L, text, luaTypes.string);
  const top = i32[(L + threadOffsets.top) >> 2];
  const base = i32[(L + threadOffsets.base) >> 2];
  const items = i32[(table + tableOffsets.items) >> 2];
  machine.noFields = i32[(table + tableOffsets.fields) >> 2];
  const isAsExpected =
    top - base === 3 * valueBytes &&
    i32[(top - 8) >> 2] === luaTypes.string &&
    api.lua_topointer(L, -1) === 0 &&
    i32[(text + stringOffsets.length) >> 2] === 6 &&
    u8[text + stringOffsets.bytes] === 108 &&
    i32[(table + tableOffsets.itemsSize) >> 2] === 2 &&
    f64[(items + valueBytes) >> 3] === 0.5 &&
    i32[(items + valueBytes + 8) >> 2] === luaTypes.number &&
    i32[(L + threadOffsets.globals) >> 2] === globals &&
    hasFieldsAsExpected(machine) &&
    hasCallsAsExpected(machine) &&
    machine.text(L, -1) === 'layout';
  api.lua_settop(L, 0);
  if (!isAsExpected) throw new KvError('INVALID', 'the Lua interpreter is laid out in an unknown way');
}
