/** `redis.register_function`: collects the functions of the library that is being loaded. */
import type { ScriptFunction } from './function-libraries.js';
import type { CompiledFunction, Interpreter } from './interpreter.js';
import { luaTypes } from './lua/exports.js';
import type { LuaMachine } from './lua/machine.js';
import { scriptFlagNames } from './script-run.js';
import { nameProblem } from './shebang.js';

const call = 'redis.register_function';

/** What has been read of the arguments so far. */
interface Draft {
  name: string | null;
  description: string | null;
  flags: number;
  callback: CompiledFunction | null;
}

export class FunctionRegistration {
  readonly functions: ScriptFunction[] = [];
  readonly #interpreter: Interpreter;
  readonly #machine: LuaMachine;

  constructor(interpreter: Interpreter) {
    this.#interpreter = interpreter;
    this.#machine = interpreter.machine;
  }

  /** Registers a function as the arguments say. What is wrong with them, or ''. */
  register(L: number): string {
    const count = this.#machine.count(L);
    if (count < 1 || count > 2) return `ERR wrong number of arguments to ${call}`;
    const draft: Draft = { name: null, description: null, flags: 0, callback: null };
    const problem = (count === 1 ? this.#readNamed(L, draft) : this.#readTwo(L, draft)) || this.#add(draft);
    if (problem !== '' && draft.callback !== null) this.#interpreter.release(draft.callback);
    return problem;
  }

  /** The library is not loaded after all. */
  releaseAll(): void {
    for (const { callback } of this.functions) this.#interpreter.release(callback);
  }

  #add({ name, description, flags, callback }: Draft): string {
    if (name === null) return `ERR ${call} must get a function name argument`;
    if (callback === null) return `ERR ${call} must get a callback argument`;
    const problem = nameProblem(name);
    if (problem !== '') return problem;
    if (this.functions.some((each) => each.name === name))
      return 'ERR Function already exists in the library';
    this.functions.push({ name, description, flags, callback });
    return '';
  }

  /** `register_function(name, callback)` */
  #readTwo(L: number, draft: Draft): string {
    draft.name = this.#string(L, 1);
    if (draft.name === null) return `ERR first argument to ${call} must be a string`;
    if (this.#machine.typeAt(this.#machine.slot(L, 2)) !== luaTypes.function) {
      return `ERR second argument to ${call} must be a function`;
    }
    this.#keepCallback(L, draft);
    return '';
  }

  /** `register_function{function_name = ..., callback = ..., description = ..., flags = ...}` */
  #readNamed(L: number, draft: Draft): string {
    const { api } = this.#machine;
    if (this.#machine.typeAt(this.#machine.slot(L, 1)) !== luaTypes.table) {
      return `ERR calling ${call} with a single argument is only applicable to Lua table (representing named arguments).`;
    }
    api.lua_pushnil(L);
    while (api.lua_next(L, 1) !== 0) {
      const key = this.#machine.typeAt(this.#machine.slot(L, 2));
      // A number would become a string in the table's own place.
      if (key === luaTypes.number) return `ERR unknown argument given to ${call}`;
      const name = this.#string(L, 2);
      if (name === null) return `ERR named argument key given to ${call} is not a string`;
      const problem = this.#readField(L, name.toLowerCase(), draft);
      if (problem !== '') return problem;
      api.lua_settop(L, 2);
    }
    return '';
  }

  /** The value on top is that of a named argument. */
  #readField(L: number, name: string, draft: Draft): string {
    const { api } = this.#machine;
    switch (name) {
      case 'function_name':
        draft.name = this.#string(L, 3);
        return draft.name === null ? `ERR function_name argument given to ${call} must be a string` : '';
      case 'description':
        draft.description = this.#string(L, 3);
        return draft.description === null ? `ERR description argument given to ${call} must be a string` : '';
      case 'callback':
        if (api.lua_type(L, 3) !== luaTypes.function) {
          return `ERR callback argument given to ${call} must be a function`;
        }
        if (draft.callback !== null) this.#interpreter.release(draft.callback);
        this.#keepCallback(L, draft);
        return '';
      case 'flags':
        if (api.lua_type(L, 3) !== luaTypes.table) {
          return `ERR flags argument to ${call} must be a table representing function flags`;
        }
        return this.#readFlags(L, draft);
      default:
        return `ERR unknown argument given to ${call}`;
    }
  }

  /** The items of the table on top. */
  #readFlags(L: number, draft: Draft): string {
    const { api } = this.#machine;
    for (let i = 1; ; i++) {
      api.lua_rawgeti(L, 3, i);
      if (api.lua_type(L, -1) === luaTypes.nil) return '';
      const name = this.#string(L, 4)?.toLowerCase();
      const known = scriptFlagNames.find(([each]) => each === name);
      if (known === undefined) return 'ERR unknown flag given';
      draft.flags |= known[1];
      api.lua_settop(L, 3);
    }
  }

  #keepCallback(L: number, draft: Draft): void {
    draft.callback = this.#interpreter.keepFunction(L);
  }

  /** The value at an index as a byte string; null when it is neither string nor number. */
  #string(L: number, index: number): string | null {
    return this.#machine.byteString(L, index);
  }
}
