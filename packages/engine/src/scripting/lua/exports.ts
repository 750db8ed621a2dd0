/**
 * What the interpreter exports: the C API of Lua 5.1, to be read in its manual. Strings are addresses of bytes that end
 * with a zero, unless a length is given; `L` is the address of a thread.
 */

export const luaTypes = {
  none: -1,
  nil: 0,
  boolean: 1,
  lightUserdata: 2,
  number: 3,
  string: 4,
  table: 5,
  function: 6,
  userdata: 7,
  thread: 8,
} as const;

/** What `lua_resume` and `lua_pcall` return: ok, suspended, and kinds of errors. */
export const luaStatuses = {
  ok: 0,
  yield: 1,
  errorRun: 2,
  errorSyntax: 3,
  errorMemory: 4,
  errorError: 5,
} as const;

export const registryIndex = -10000;
export const globalsIndex = -10002;
/** Where a function finds its own value `i`. */
export const upvalueIndex = (i: number): number => globalsIndex - i;

export const hookMasks = { line: 4, count: 8 } as const;
export const gcCommands = { collect: 2, countKiB: 3, countRest: 4, step: 5 } as const;

/** Stack slots that a C function may use without asking. */
export const freeSlots = 20;

export interface LuaMemory {
  readonly buffer: ArrayBuffer;
  /** Throws when the memory can't grow by so many pages of 64 KiB. */
  grow(pages: number): number;
}

export interface FunctionTable {
  get(index: number): (...args: number[]) => number;
  set(index: number, code: unknown): void;
  /** Returns the index of the first new place. */
  grow(places: number): number;
}

export interface LuaExports {
  readonly memory: LuaMemory;
  readonly __indirect_function_table: FunctionTable;
  __wasm_call_ctors(): void;
  emscripten_stack_init(): void;
  stackSave(): number;
  stackRestore(stack: number): void;
  setThrew(threw: number, value: number): void;

  malloc(bytes: number): number;
  free(address: number): void;

  luaL_newstate(): number;
  luaL_loadbuffer(L: number, bytes: number, length: number, name: number): number;
  luaL_optinteger(L: number, argument: number, initial: number): number;
  luaL_ref(L: number, table: number): number;
  luaL_unref(L: number, table: number, reference: number): void;
  luaL_where(L: number, level: number): void;
  luaL_argerror(L: number, argument: number, message: number): number;
  luaL_typerror(L: number, argument: number, type: number): number;
  luaL_checkany(L: number, argument: number): void;
  luaL_checkstack(L: number, slots: number, message: number): void;
  luaL_checktype(L: number, argument: number, type: number): void;
  luaL_checknumber(L: number, argument: number): number;
  luaL_checkinteger(L: number, argument: number): number;
  luaL_checklstring(L: number, argument: number, length: number): number;
  luaopen_base(L: number): number;
  luaopen_math(L: number): number;
  luaopen_string(L: number): number;
  luaopen_table(L: number): number;

  lua_call(L: number, args: number, results: number): void;
  lua_checkstack(L: number, slots: number): number;
  lua_concat(L: number, count: number): void;
  lua_createtable(L: number, items: number, fields: number): void;
  lua_error(L: number): number;
  lua_gc(L: number, command: number, data: number): number;
  lua_getfield(L: number, index: number, name: number): void;
  lua_getinfo(L: number, what: number, activation: number): number;
  lua_getmetatable(L: number, index: number): number;
  lua_getstack(L: number, level: number, activation: number): number;
  lua_gettable(L: number, index: number): void;
  lua_gettop(L: number): number;
  lua_insert(L: number, index: number): void;
  lua_isnumber(L: number, index: number): number;
  lua_newthread(L: number): number;
  lua_newuserdata(L: number, bytes: number): number;
  lua_next(L: number, index: number): number;
  lua_objlen(L: number, index: number): number;
  lua_pcall(L: number, args: number, results: number, handler: number): number;
  lua_pushboolean(L: number, value: number): void;
  lua_pushcclosure(L: number, code: number, upvalues: number): void;
  lua_pushlstring(L: number, bytes: number, length: number): void;
  lua_pushnil(L: number): void;
  lua_pushnumber(L: number, value: number): void;
  lua_pushthread(L: number): number;
  lua_pushvalue(L: number, index: number): void;
  lua_rawequal(L: number, a: number, b: number): number;
  lua_rawget(L: number, index: number): void;
  lua_rawgeti(L: number, index: number, item: number): void;
  lua_rawset(L: number, index: number): void;
  lua_rawseti(L: number, index: number, item: number): void;
  lua_remove(L: number, index: number): void;
  lua_replace(L: number, index: number): void;
  lua_resume(L: number, args: number): number;
  lua_setfenv(L: number, index: number): number;
  lua_setfield(L: number, index: number, name: number): void;
  lua_sethook(L: number, hook: number, mask: number, count: number): number;
  lua_setmetatable(L: number, index: number): number;
  lua_settable(L: number, index: number): void;
  lua_settop(L: number, index: number): void;
  lua_status(L: number): number;
  lua_tocfunction(L: number, index: number): number;
  lua_tolstring(L: number, index: number, length: number): number;
  lua_tonumber(L: number, index: number): number;
  lua_topointer(L: number, index: number): number;
  lua_touserdata(L: number, index: number): number;
  lua_type(L: number, index: number): number;
  lua_typename(L: number, type: number): number;
  lua_xmove(source: number, target: number, count: number): void;
  lua_yield(L: number, results: number): number;
}
