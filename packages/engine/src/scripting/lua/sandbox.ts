/**
 * What a script may reach: the globals, and the libraries in them, which it can read but not change.
 *
 * Redis builds Lua with a flag that makes a table read-only. Here such a table is seen through another one that stays
 * empty, so that every access goes through its metatable, and every change is refused:
 *
 *     what scripts see     proxy, empty  --- __index ---->  the table itself
 *                              |                             of the globals: --- __index ---> an error
 *                              +--- __newindex ---> "Attempt to modify a readonly table"
 *
 * Functions that pass metatables by (`next`, `pairs`, `rawget`, `rawset`, `getmetatable`, `setmetatable`) are replaced
 * by such that know of proxies. `table.insert` is not, since it is called too often: what it may have put into a proxy
 * is noticed afterwards, see `isTampered`.
 */
import { globalsIndex, luaTypes, registryIndex } from './exports.js';
import { tableOffsets, threadOffsets } from './layout.js';
import type { LuaFunction, LuaMachine } from './machine.js';

const modifiesReadonly = 'Attempt to modify a readonly table';

/** Of the functions that Lua's own libraries would add: not for scripts. `newproxy` would give them finalizers. */
const removedGlobals = ['dofile', 'loadfile', 'print', 'newproxy'] as const;
const luaLibraries = ['string', 'table', 'math', 'coroutine'] as const;

export type Library = Readonly<Record<string, LuaFunction | number | string>>;

export class Sandbox {
  /** The address of the table that scripts have as their globals. */
  globals = 0;
  readonly #machine: LuaMachine;
  /** The tables behind proxies, by the proxies' addresses. */
  readonly #tables = new Map<number, number>();
  readonly #proxies: number[] = [];
  readonly #libraries: string[] = [...luaLibraries];
  /** Lua's own `next`, in the registry. */
  readonly #next: number;
  readonly #refuse: number;
  readonly #miss: number;
  /** References of what `getmetatable` shows of a proxy of globals, and of strings. */
  #globalsMetatable = 0;
  #stringMetatable = 0;
  #stringMetatableAddress = 0;

  /** Has Lua's own libraries. Others are added, then it is to be sealed. */
  constructor(machine: LuaMachine) {
    this.#machine = machine;
    const { api, L } = machine;
    this.#refuse = machine.place((thread) => machine.raise(thread, modifiesReadonly));
    this.#miss = machine.place((thread) => this.#raiseMissing(thread));
    api.luaopen_base(L);
    api.luaopen_string(L);
    api.luaopen_table(L);
    api.luaopen_math(L);
    api.lua_getfield(L, globalsIndex, machine.cString('next'));
    this.#next = api.luaL_ref(L, registryIndex);
    api.lua_settop(L, 0);
    for (const name of removedGlobals) {
      api.lua_pushnil(L);
      api.lua_setfield(L, globalsIndex, machine.cString(name));
    }
    this.extend('', this.#readers());
  }

  /** A function of Lua's own, to be called in the place of the one that stands in for it; '' names the globals. */
  native(library: string, name: string): LuaFunction {
    const { api, L } = this.#machine;
    this.#pushLibrary(library);
    api.lua_getfield(L, -1, this.#machine.cString(name));
    const code = api.__indirect_function_table.get(api.lua_tocfunction(L, -1));
    api.lua_settop(L, 0);
    return code;
  }

  /** Adds functions to a library that is there; '' names the globals. */
  extend(library: string, functions: Library): void {
    this.#pushLibrary(library);
    this.#fill(functions);
    this.#machine.api.lua_settop(this.#machine.L, 0);
  }

  /** Adds a library: a table that was pushed to the main thread. */
  add(name: string): void {
    this.#machine.api.lua_setfield(this.#machine.L, globalsIndex, this.#machine.cString(name));
    this.#libraries.push(name);
  }

  /** From now on nothing of it can be changed. */
  seal(): void {
    const { api, L } = this.#machine;
    for (const name of this.#libraries) {
      api.lua_getfield(L, globalsIndex, this.#machine.cString(name));
      this.freeze();
      api.lua_setfield(L, globalsIndex, this.#machine.cString(name));
    }
    this.globals = this.#freezeGlobals();
    this.#hideMetatables();
  }

  /** Pushes a table of functions and values to the main thread. */
  pushTable(library: Library): void {
    const { api, L } = this.#machine;
    api.lua_createtable(L, 0, Object.keys(library).length);
    this.#fill(library);
  }

  /** Puts a proxy of the table on top of the main thread in its place; returns the proxy's address. */
  freeze(): number {
    const { api, L } = this.#machine;
    const table = api.lua_topointer(L, -1);
    api.lua_createtable(L, 0, 0);
    const proxy = api.lua_topointer(L, -1);
    api.lua_createtable(L, 0, 2);
    api.lua_pushvalue(L, -3);
    api.lua_setfield(L, -2, this.#machine.cString('__index'));
    api.lua_pushcclosure(L, this.#refuse, 0);
    api.lua_setfield(L, -2, this.#machine.cString('__newindex'));
    api.lua_setmetatable(L, -2);
    api.lua_remove(L, -2);
    this.#tables.set(proxy, table);
    this.#proxies.push(proxy);
    // Kept for good: its address must not be given to another table.
    api.lua_pushvalue(L, -1);
    api.luaL_ref(L, registryIndex);
    return proxy;
  }

  /** Makes reading what is not in the table on top of the main thread an error. */
  guard(): void {
    const { api, L } = this.#machine;
    api.lua_createtable(L, 0, 1);
    api.lua_pushcclosure(L, this.#miss, 0);
    api.lua_setfield(L, -2, this.#machine.cString('__index'));
    api.lua_setmetatable(L, -2);
  }

  /** The table behind a proxy; the table itself when it is none. */
  tableOf(address: number): number {
    return this.#tables.get(address) ?? address;
  }

  /**
   * Has scripts see other globals than their own: what a reference in the registry stands for, which nothing else shows;
   * with 0 their own again.
   */
  show(reference: number): void {
    const { api, L } = this.#machine;
    this.#machine.push(L, this.globals, luaTypes.table);
    api.lua_getmetatable(L, -1);
    if (reference === 0) this.#machine.push(L, this.tableOf(this.globals), luaTypes.table);
    else api.lua_rawgeti(L, registryIndex, reference);
    api.lua_setfield(L, -2, this.#machine.cString('__index'));
    api.lua_settop(L, 0);
  }

  /** A thread begins to run a script: with the globals as they should be, whatever the one before set. */
  reset(thread: number): void {
    this.#machine.i32[(thread + threadOffsets.globals) >> 2] = this.globals;
  }

  /** Whether something was put into a proxy without asking: the interpreter is to be used no more. */
  isTampered(): boolean {
    const { i32, noFields } = this.#machine;
    const proxies = this.#proxies;
    for (let i = 0; i < proxies.length; i++) {
      const proxy = proxies[i];
      const hasItems = i32[(proxy + tableOffsets.itemsSize) >> 2] !== 0;
      const hasFields = i32[(proxy + tableOffsets.fields) >> 2] !== noFields;
      // An attempt to assign leaves room for the field, but no value.
      if ((hasItems || hasFields) && this.#hasValue(proxy)) return true;
    }
    return false;
  }

  #hasValue(proxy: number): boolean {
    const { api, L } = this.#machine;
    this.#machine.push(L, proxy, luaTypes.table);
    api.lua_pushnil(L);
    const hasValue = api.lua_next(L, -2) !== 0;
    api.lua_settop(L, 0);
    return hasValue;
  }

  // Functions that know of proxies

  #readers(): Library {
    const isTable = (L: number): boolean => this.#machine.api.lua_type(L, 1) === luaTypes.table;
    const isProxy = (L: number): boolean => isTable(L) && this.#tables.has(this.#addressOf(L));
    const see = (native: LuaFunction): LuaFunction => {
      return (L) => {
        if (isProxy(L)) this.#showTable(L);
        return native(L);
      };
    };
    const refuse = (native: LuaFunction): LuaFunction => {
      return (L) => (isTable(L) && this.#isReadonly(L) ? this.#raise(L, modifiesReadonly) : native(L));
    };
    const getMetatable = this.native('', 'getmetatable');
    return {
      next: see(this.native('', 'next')),
      rawget: see(this.native('', 'rawget')),
      rawset: refuse(this.native('', 'rawset')),
      setmetatable: refuse(this.native('', 'setmetatable')),
      pairs: (L) => {
        if (isProxy(L)) this.#showCopy(L);
        return this.#pairs(L);
      },
      getmetatable: (L) => (isProxy(L) ? this.#pushMetatable(L) : this.#hideMetatable(L, getMetatable(L))),
    };
  }

  /** The address of the table that is the first argument. */
  #addressOf(L: number): number {
    return this.#machine.i32[this.#machine.slot(L, 1) >> 2];
  }

  #isReadonly(L: number): boolean {
    const address = this.#addressOf(L);
    return this.#tables.has(address) || address === this.#stringMetatableAddress;
  }

  /** Replaces a proxy that is the first argument by its table: for a function that only reads it. */
  #showTable(L: number): void {
    const { i32 } = this.#machine;
    const slot = this.#machine.slot(L, 1);
    i32[slot >> 2] = this.#tables.get(i32[slot >> 2])!;
  }

  /** Replaces a proxy that is the first argument by a copy of its table, which the script may keep. */
  #showCopy(L: number): void {
    const { api } = this.#machine;
    this.#showTable(L);
    api.lua_settop(L, 1);
    api.lua_createtable(L, 0, 0);
    api.lua_pushnil(L);
    while (api.lua_next(L, 1) !== 0) {
      api.lua_pushvalue(L, -2);
      api.lua_insert(L, -2);
      api.lua_rawset(L, 2);
    }
    api.lua_replace(L, 1);
  }

  /** What `pairs` returns: `next`, the table, nil. */
  #pairs(L: number): number {
    const { api } = this.#machine;
    api.luaL_checktype(L, 1, luaTypes.table);
    api.lua_rawgeti(L, registryIndex, this.#next);
    api.lua_pushvalue(L, 1);
    api.lua_pushnil(L);
    return 3;
  }

  /** The metatable that Redis' globals have; other proxies look as if they had none. */
  #pushMetatable(L: number): number {
    const { api } = this.#machine;
    if (this.#addressOf(L) === this.globals) api.lua_rawgeti(L, registryIndex, this.#globalsMetatable);
    else api.lua_pushnil(L);
    return 1;
  }

  /** The metatable of strings is shown as a proxy. */
  #hideMetatable(L: number, results: number): number {
    const { api } = this.#machine;
    if (api.lua_topointer(L, -1) !== this.#stringMetatableAddress) return results;
    api.lua_rawgeti(L, registryIndex, this.#stringMetatable);
    return 1;
  }

  #raise(L: number, message: string): number {
    this.#machine.pushByteString(L, message);
    return this.#machine.api.lua_error(L);
  }

  #raiseMissing(L: number): number {
    const name = this.#machine.text(L, 2);
    if (name !== null) {
      return this.#machine.raise(L, `Script attempted to access nonexistent global variable '${name}'`);
    }
    return this.#machine.raise(L, 'Second argument to luaProtectedTableError must be a string or number');
  }

  // Building

  #pushLibrary(name: string): void {
    const { api, L } = this.#machine;
    if (name === '') api.lua_pushvalue(L, globalsIndex);
    else api.lua_getfield(L, globalsIndex, this.#machine.cString(name));
  }

  #fill(library: Library): void {
    const { api, L } = this.#machine;
    for (const [name, value] of Object.entries(library)) {
      if (typeof value === 'function') this.#machine.pushFunction(L, value);
      else if (typeof value === 'number') api.lua_pushnumber(L, value);
      else this.#machine.pushText(L, value);
      api.lua_setfield(L, -2, this.#machine.cString(name));
    }
  }

  #freezeGlobals(): number {
    const { api, L } = this.#machine;
    api.lua_pushvalue(L, globalsIndex);
    this.guard();
    const proxy = this.freeze();
    api.lua_pushvalue(L, -1);
    api.lua_setfield(L, globalsIndex, this.#machine.cString('_G'));
    api.lua_replace(L, globalsIndex);
    return proxy;
  }

  /** What scripts see as metatables holds nothing that they could change others by. */
  #hideMetatables(): void {
    const { api, L } = this.#machine;
    this.#machine.pushByteString(L, '');
    api.lua_getmetatable(L, -1);
    this.#stringMetatableAddress = api.lua_topointer(L, -1);
    api.lua_createtable(L, 0, 1);
    api.lua_getfield(L, globalsIndex, this.#machine.cString('string'));
    api.lua_setfield(L, -2, this.#machine.cString('__index'));
    this.freeze();
    this.#stringMetatable = api.luaL_ref(L, registryIndex);
    api.lua_createtable(L, 0, 1);
    api.lua_pushcclosure(L, this.#miss, 0);
    api.lua_setfield(L, -2, this.#machine.cString('__index'));
    this.freeze();
    this.#globalsMetatable = api.luaL_ref(L, registryIndex);
    api.lua_settop(L, 0);
  }
}
