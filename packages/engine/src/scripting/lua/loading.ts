/**
 * `load` and `loadstring`, which take no compiled code: with that a script could break the interpreter. What looks like
 * it is compiled as text, and so is refused.
 */
import { luaStatuses, luaTypes } from './exports.js';
import type { LuaFunction, LuaMachine } from './machine.js';
import type { Library } from './sandbox.js';

/** The first byte of compiled code. */
export const binaryMark = 27;

/** `loadString` is Lua's own `loadstring`. */
export function loadingFunctions(machine: LuaMachine, loadString: LuaFunction): Library {
  return {
    loadstring: (L) => {
      machine.api.luaL_checklstring(L, 1, 0);
      blur(machine, L);
      return loadString(L);
    },
    load: (L) => load(machine, L, loadString),
  };
}

/** Puts a space before compiled code that is the first argument; it keeps its name. */
function blur(machine: LuaMachine, L: number): void {
  const { api } = machine;
  const code = machine.bytesAt(machine.slot(L, 1));
  if (code[0] !== binaryMark) return;
  if (machine.count(L) < 2) api.lua_pushvalue(L, 1);
  machine.pushByteString(L, ` ${Buffer.from(code).toString('latin1')}`);
  api.lua_replace(L, 1);
}

/** `load(function, name)`: the function returns the code, piece by piece. */
function load(machine: LuaMachine, L: number, loadString: LuaFunction): number {
  const { api } = machine;
  api.luaL_checktype(L, 1, luaTypes.function);
  if (machine.count(L) < 2 || machine.typeAt(machine.slot(L, 2)) === luaTypes.nil) {
    api.lua_settop(L, 1);
    machine.pushByteString(L, '=(load)');
  }
  api.lua_settop(L, 2);
  machine.pushByteString(L, '');
  for (;;) {
    api.lua_pushvalue(L, 1);
    if (api.lua_pcall(L, 0, 1, 0) !== luaStatuses.ok) return fail(machine, L);
    const slot = machine.topSlot(L);
    const type = machine.typeAt(slot);
    if (type === luaTypes.nil) break;
    if (type !== luaTypes.string && type !== luaTypes.number) {
      machine.pushByteString(L, 'reader function must return a string');
      return fail(machine, L);
    }
    if (type === luaTypes.string && machine.bytesAt(slot).length === 0) break;
    api.lua_concat(L, 2);
  }
  api.lua_settop(L, 3);
  api.lua_replace(L, 1);
  blur(machine, L);
  return loadString(L);
}

/** Returns nil and the error on top. */
function fail({ api }: LuaMachine, L: number): number {
  api.lua_pushnil(L);
  api.lua_insert(L, -2);
  return 2;
}
