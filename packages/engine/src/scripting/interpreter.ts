/**
 * A Lua interpreter as scripts find it: with the libraries of Redis, and nothing else. There is one for scripts and one
 * for functions, so that neither sees what the other does to it. Made when first needed, and made anew when it broke.
 */
// @hot-path
import type { Request } from '@holdfast/common';
import type { KV } from '../kv.js';
import { bitLibrary } from './libraries/bit.js';
import { JsonLibrary } from './libraries/json.js';
import { messagePackLibrary } from './libraries/message-pack.js';
import { Output } from './libraries/output.js';
import { randomFunctions, type ScriptRandom } from './libraries/random.js';
import { structLibrary } from './libraries/struct.js';
import { wideFormat, wideToNumber } from './libraries/wide-integers.js';
import { luaStatuses, luaTypes, registryIndex } from './lua/exports.js';
import { functionOffsets, tableOffsets, threadOffsets, valueBytes } from './lua/layout.js';
import { binaryMark, loadingFunctions } from './lua/loading.js';
import { LuaMachine } from './lua/machine.js';
import { Sandbox } from './lua/sandbox.js';
import { Threads } from './lua/threads.js';
import { evalFunctions, type RedisApiParts, redisFunctions } from './redis-api.js';
import { ResultWriter } from './result-writer.js';
import { ScriptCalls } from './script-calls.js';
import { errorNames } from './script-error.js';
import { ScriptReply } from './script-reply.js';
import type { ScriptRun } from './script-run.js';

/** More strings than this are put into a table one by one, not by way of the stack. */
const stackedMax = 64;

/** A function in the interpreter. */
export interface CompiledFunction {
  /** Its address, valid as long as the reference is. */
  readonly address: number;
  /** In the registry. */
  readonly reference: number;
  readonly owner: Interpreter;
}

export class Interpreter {
  readonly machine: LuaMachine;
  readonly threads: Threads;
  readonly sandbox: Sandbox;
  readonly calls: ScriptCalls;
  readonly results: ResultWriter;
  /** What `redis` needs of the server. */
  readonly apiParts: RedisApiParts;
  /** It panicked, or a script got at what it must not: to be replaced before the next one. */
  isBroken = false;
  /** The globals that scripts see, behind what they see. */
  readonly #globals: number;
  /** The strings `KEYS` and `ARGV`. */
  readonly #keys: number;
  readonly #argv: number;

  constructor(
    kv: KV,
    kind: 'eval' | 'function',
    bytesMax: number,
    random: ScriptRandom,
    run: () => ScriptRun | null,
  ) {
    const machine = new LuaMachine(bytesMax);
    const threads = new Threads(machine);
    this.machine = machine;
    this.threads = threads;
    this.calls = new ScriptCalls(kv, machine, threads, new ScriptReply(machine));
    this.results = new ResultWriter(machine);
    this.sandbox = new Sandbox(machine);
    this.apiParts = { kv, machine, calls: this.calls, run };
    this.#addLibraries(random);
    const api = redisFunctions(this.apiParts);
    this.sandbox.pushTable(kind === 'eval' ? { ...api, ...evalFunctions(machine) } : api);
    this.sandbox.add('redis');
    this.sandbox.seal();
    this.#globals = this.sandbox.tableOf(this.sandbox.globals);
    this.#keys = machine.constant('KEYS');
    this.#argv = machine.constant('ARGV');
    for (const name of errorNames) machine.constant(name);
  }

  /**
   * Compiles code, a chunk called `name`. Returns the function, or what is wrong with it; throws LuaPanic when there is
   * no memory for either.
   */
  compile(code: Uint8Array, name: string): CompiledFunction | string {
    const { machine } = this;
    const { api, L } = machine;
    const address = api.malloc(code.length + 1);
    if (address === 0) return 'not enough memory';
    // Before compiled code, which is not taken, comes a space that makes it text.
    const shift = code[0] === binaryMark ? 1 : 0;
    machine.u8[address] = 32;
    machine.u8.set(code, address + shift);
    const status = api.luaL_loadbuffer(L, address, code.length + shift, machine.cString(name));
    api.free(address);
    if (status !== luaStatuses.ok) {
      const problem = machine.text(L, -1) ?? 'unknown';
      api.lua_settop(L, 0);
      return problem;
    }
    return this.keepFunction(L);
  }

  /** Keeps the function on top of a thread, and removes it there. */
  keepFunction(L: number): CompiledFunction {
    const { api } = this.machine;
    const address = api.lua_topointer(L, -1);
    return { address, reference: api.luaL_ref(L, registryIndex), owner: this };
  }

  /** One of its own functions is not needed any more. */
  release({ reference }: CompiledFunction): void {
    if (!this.isBroken) this.machine.api.luaL_unref(this.machine.L, registryIndex, reference);
  }

  /** Pushes a function to where scripts run, with the globals that it had at first. */
  pushFunction({ address }: CompiledFunction): void {
    const { machine, sandbox, threads } = this;
    sandbox.reset(threads.script);
    machine.i32[(address + functionOffsets.environment) >> 2] = sandbox.globals;
    machine.push(threads.script, address, luaTypes.function);
  }

  /** Sets the globals KEYS and ARGV. */
  setArguments(request: Request, firstKey: number, keyCount: number): void {
    const { machine } = this;
    const { api } = machine;
    const L = this.threads.script;
    const firstArgument = firstKey + keyCount;
    machine.push(L, this.#globals, luaTypes.table);
    machine.push(L, this.#keys, luaTypes.string);
    this.pushStrings(request, firstKey, keyCount);
    api.lua_rawset(L, -3);
    machine.push(L, this.#argv, luaTypes.string);
    this.pushStrings(request, firstArgument, request.count - firstArgument);
    api.lua_rawset(L, -3);
    machine.i32[(L + threadOffsets.top) >> 2] -= valueBytes;
  }

  /**
   * Pushes a table of arguments of a request. Up to some dozens are pushed one by one, then copied into a table as it
   * is made, with nothing in between that could make the collector look at it: a third faster than setting each.
   */
  pushStrings(request: Request, first: number, count: number): void {
    const { machine } = this;
    const { api } = machine;
    const L = this.threads.script;
    if (count > stackedMax) {
      this.#pushManyStrings(request, first, count);
      return;
    }
    // The slots that are free anyway would do for some.
    if (count > 8) api.lua_checkstack(L, count + 1);
    for (let i = 0; i < count; i++) {
      machine.pushBytes(L, request.bytes, request.start(first + i), request.length(first + i));
    }
    api.lua_createtable(L, count, 0);
    if (count === 0) return;
    const { i32 } = machine;
    const top = i32[(L + threadOffsets.top) >> 2] - valueBytes;
    const table = i32[top >> 2];
    const items = i32[(table + tableOffsets.items) >> 2];
    const strings = top - count * valueBytes;
    for (let i = 0; i < count; i++) {
      i32[(items + i * valueBytes) >> 2] = i32[(strings + i * valueBytes) >> 2];
      i32[(items + i * valueBytes + 8) >> 2] = luaTypes.string;
    }
    i32[strings >> 2] = table;
    i32[(strings + 8) >> 2] = luaTypes.table;
    i32[(L + threadOffsets.top) >> 2] = strings + valueBytes;
  }

  #pushManyStrings(request: Request, first: number, count: number): void {
    const { machine } = this;
    const L = this.threads.script;
    machine.api.lua_createtable(L, count, 0);
    for (let i = 0; i < count; i++) {
      machine.pushBytes(L, request.bytes, request.start(first + i), request.length(first + i));
      machine.api.lua_rawseti(L, -2, i + 1);
    }
  }

  #addLibraries(random: ScriptRandom): void {
    const { machine, sandbox, threads } = this;
    const output = new Output(machine);
    const tableOf = (address: number): number => sandbox.tableOf(address);
    sandbox.extend('', {
      pcall: (L) => threads.protectedCall(L),
      xpcall: (L) => threads.handledCall(L),
      ...wideToNumber(machine, sandbox.native('', 'tonumber')),
      ...loadingFunctions(machine, sandbox.native('', 'loadstring')),
    });
    sandbox.extend('coroutine', { running: (L) => threads.running(L) });
    sandbox.extend('string', wideFormat(machine, sandbox.native('string', 'format')));
    sandbox.extend('math', randomFunctions(machine, random));
    new JsonLibrary(machine, output, tableOf).push(machine.L);
    sandbox.add('cjson');
    sandbox.pushTable(messagePackLibrary(machine, output, tableOf));
    sandbox.add('cmsgpack');
    sandbox.pushTable(bitLibrary(machine));
    sandbox.add('bit');
    sandbox.pushTable(structLibrary(machine, output));
    sandbox.add('struct');
  }
}
