/**
 * Loads libraries: runs their code once, which registers functions and can do nothing else.
 *
 * While it runs its globals are `redis` alone, with `register_function`, `log` and the versions. All functions of a
 * library are known when its code is through, or none.
 */
import { textOfByteString } from '@holdfast/common';
import type { KV } from '../kv.js';
import type { FunctionLibrary } from './function-libraries.js';
import { FunctionRegistration } from './function-registration.js';
import type { Interpreter } from './interpreter.js';
import { loadMsMax } from './limits.js';
import { luaTypes, registryIndex } from './lua/exports.js';
import { commonFunctions } from './redis-api.js';
import { fieldOf } from './script-error.js';
import { parseLibraryHead } from './shebang.js';

const notLoading = 'ERR redis.register_function can only be called on FUNCTION LOAD command';
const timedOut = 'ERR FUNCTION LOAD timeout';

export class LibraryLoader {
  readonly #kv: KV;
  readonly #interpreter: () => Interpreter;
  /** Where the globals are that libraries see while they load, in the registry of the interpreter. */
  readonly #globals = new WeakMap<Interpreter, number>();
  #registration: FunctionRegistration | null = null;
  #deadlineMs = 0;

  constructor(kv: KV, interpreter: () => Interpreter) {
    this.#kv = kv;
    this.#interpreter = interpreter;
  }

  /** Runs the code of a library, a byte string. The library, linked nowhere yet; or what is wrong with it, as an error. */
  load(code: string): FunctionLibrary | string {
    const head = parseLibraryHead(code);
    if (typeof head === 'string') return textOfByteString(head);
    const interpreter = this.#interpreter();
    const registration = new FunctionRegistration(interpreter);
    const problem = this.#run(interpreter, registration, Buffer.from(code.slice(head.length), 'latin1'));
    const { functions } = registration;
    if (problem === '' && functions.length > 0) return { name: head.name, code, functions };
    registration.releaseAll();
    return problem === '' ? 'ERR No functions registered' : problem;
  }

  /** Functions of a library that is not needed any more. */
  release({ functions }: FunctionLibrary): void {
    for (const { callback } of functions) callback.owner.release(callback);
  }

  /** Called now and then while a library is loading. */
  onHook({ calls, machine, threads }: Interpreter, L: number): void {
    if (this.#kv.env.clock.monotonic() < this.#deadlineMs) return;
    threads.isDoomed = true;
    calls.pushError(L, timedOut, false);
    machine.api.lua_error(L);
  }

  #run(interpreter: Interpreter, registration: FunctionRegistration, code: Uint8Array): string {
    const { sandbox, threads } = interpreter;
    try {
      const compiled = interpreter.compile(code, '@user_function');
      if (typeof compiled === 'string') return `ERR Error compiling function: ${compiled}`;
      sandbox.show(this.#globalsOf(interpreter));
      this.#registration = registration;
      this.#deadlineMs = this.#kv.env.clock.monotonic() + loadMsMax;
      interpreter.pushFunction(compiled);
      const outcome = threads.start(0);
      const message = outcome === 'failed' ? this.#messageOf(interpreter) : '';
      threads.clear(outcome);
      interpreter.release(compiled);
      sandbox.show(0);
      if (sandbox.isTampered()) interpreter.isBroken = true;
      return message === '' ? '' : `ERR Error registering functions: ${message}`;
    } catch (error) {
      interpreter.isBroken = true;
      return `ERR Error registering functions: ${error instanceof Error ? error.message : error}`;
    } finally {
      this.#registration = null;
    }
  }

  /** The error on top of the script's thread. */
  #messageOf({ machine, threads }: Interpreter): string {
    const L = threads.script;
    const text = machine.text(L, -1);
    if (text !== null) return `ERR ${text}`;
    if (machine.typeAt(machine.topSlot(L)) !== luaTypes.table) return 'ERR unknown error';
    return fieldOf(machine, L, 'err') ?? 'ERR unknown error';
  }

  #globalsOf(interpreter: Interpreter): number {
    const known = this.#globals.get(interpreter);
    if (known !== undefined) return known;
    const { apiParts, machine, sandbox } = interpreter;
    const { api, L } = machine;
    api.lua_createtable(L, 0, 1);
    sandbox.pushTable({
      ...commonFunctions(apiParts),
      register_function: (thread) => this.#register(interpreter, thread),
    });
    sandbox.guard();
    sandbox.freeze();
    api.lua_setfield(L, -2, machine.cString('redis'));
    sandbox.guard();
    const reference = api.luaL_ref(L, registryIndex);
    this.#globals.set(interpreter, reference);
    return reference;
  }

  #register({ calls, machine }: Interpreter, L: number): number {
    const problem = this.#registration === null ? notLoading : this.#registration.register(L);
    if (problem === '') return 0;
    calls.pushError(L, problem, false);
    return machine.api.lua_error(L);
  }
}
