/**
 * Where scripts run: in a coroutine, so that one that takes too long can be suspended at any instruction, and resumed
 * in a later turn of the event loop.
 *
 * Lua 5.1 can't suspend across a C function that called Lua. So each protected call (`pcall`, `xpcall`) runs what it
 * protects in a coroutine of its own, and these form a chain:
 *
 *     frames    script  ->  pcall  ->  pcall          each one waits for the next
 *     thread    R           T1         T2             the last one is running
 *
 * To suspend, the last one yields, which ends the C function `pcall` that resumed it, which yields in turn. To go on,
 * the last one is resumed; when it ends, its outcome is what `pcall` returns in the one before it, and so on.
 *
 * While Lua is called from within C (a comparison of `table.sort`, a metamethod, an iterator) or runs in a coroutine of
 * the script's own, nothing can be suspended: see `canSuspend`.
 */
// @hot-path
import { freeSlots, gcCommands, hookMasks, luaStatuses, luaTypes, registryIndex } from './exports.js';
import { functionOffsets, threadOffsets, valueBytes } from './layout.js';
import type { LuaMachine } from './machine.js';

/** Instructions between two looks at the clock, as Redis has it; and while a good moment to suspend is sought. */
const hookInterval = 100_000;
const seekingInterval = 997;

const yieldAcrossCall = 'attempt to yield across metamethod/C-call boundary';
/** A handler of `xpcall` that fails is called with its own error, so often. */
const handlerCallsMax = 10;
/** In the place of a number of results: an error. */
const raising = -1;

export type Outcome = 'done' | 'failed' | 'suspended';

interface Frame {
  readonly thread: number;
  /** Of the thread in the registry. */
  readonly reference: number;
  /** Who waits for it; 0 for the script itself. */
  readonly parent: number;
  /** Its first stack slot holds the handler of `xpcall`. */
  readonly hasHandler: boolean;
  /** Called by a coroutine of the script: can't be suspended. */
  readonly isDetached: boolean;
  /** What it runs is a C function: Lua can't resume that, so what it is to return is what the frame returns. */
  isNative: boolean;
}

export class Threads {
  /** Called now and then with the thread that is running; may call `suspend`, or raise an error. */
  onHook: (L: number) => void = () => {};
  /** Errors go through protected calls as if they were none. */
  isDoomed = false;
  readonly #machine: LuaMachine;
  readonly #hook: number;
  #script: Frame;
  readonly #frames: Frame[] = [];
  readonly #idle: Frame[] = [];
  #isSuspending = false;
  /** The registry's reference of an error to be raised by the next instruction; 0 for none. */
  #pendingError = 0;
  #isOutOfMemory = false;

  constructor(machine: LuaMachine) {
    this.#machine = machine;
    this.#hook = machine.placeHook((L) => {
      if (this.#pendingError !== 0) this.#raisePending(L);
      this.onHook(L);
      return 0;
    });
    this.#script = this.#newFrame(0, false, false);
  }

  /** The thread that a script's function and arguments are to be pushed to, and where its results are found. */
  get script(): number {
    return this.#script.thread;
  }

  /** Calls what was pushed. Only its results are on the thread then, or the error on top, until `clear`. */
  start(args: number): Outcome {
    this.isDoomed = false;
    const frames = this.#frames;
    // As the script before left them, if it returned: emptying an array costs 100 ns, and more to fill it again.
    if (frames.length !== 1 || frames[0] !== this.#script) {
      frames.length = 0;
      frames.push(this.#script);
    }
    return this.#judge(this.#script.thread, this.#machine.api.lua_resume(this.#script.thread, args));
  }

  /** Forgets results, or the whole thread after an error. */
  clear(outcome: Outcome): void {
    if (outcome === 'done') this.#machine.clear(this.#script.thread);
    else this.abandon();
  }

  /** Forgets what is suspended, or failed. */
  abandon(): void {
    if (this.#isOutOfMemory) this.#releaseMemory();
    for (const frame of this.#frames) if (frame !== this.#script) this.#discard(frame);
    this.#frames.length = 0;
    this.#discard(this.#script);
    this.#script = this.#newFrame(0, false, false);
  }

  /** Nothing can be done before there is memory again, not even discarding a thread: they let go what they hold. */
  #releaseMemory(): void {
    const { api, i32, L } = this.#machine;
    for (const { thread } of this.#frames) {
      i32[(thread + threadOffsets.top) >> 2] = i32[(thread + threadOffsets.stack) >> 2] + valueBytes;
    }
    api.lua_gc(L, gcCommands.collect, 0);
    this.#isOutOfMemory = false;
  }

  // Suspending

  /** Whether `suspend` may be called in the thread that is running. */
  canSuspend(L: number): boolean {
    const frames = this.#frames;
    if (frames.length === 0 || frames[frames.length - 1].thread !== L) return false;
    const u16 = this.#machine.u16;
    for (let i = 0; i < frames.length; i++) {
      const { thread, isDetached } = frames[i];
      if (isDetached) return false;
      if (
        u16[(thread + threadOffsets.nestedCalls) >> 1] > u16[(thread + threadOffsets.nestedCallsBase) >> 1]
      ) {
        return false;
      }
    }
    return true;
  }

  /** Suspends the script: to be called by a hook, or by a C function that returns the result at once. */
  suspend(L: number): number {
    this.#isSuspending = true;
    return this.#machine.api.lua_yield(L, 0);
  }

  /** Has the hook called soon: this was no good moment to suspend. Or, later, as usual again. */
  seek(L: number, isSeeking: boolean): void {
    const interval = isSeeking ? seekingInterval : hookInterval;
    this.#setHook(L, hookMasks.count, interval);
    for (const { thread } of this.#frames) this.#setHook(thread, hookMasks.count, interval);
  }

  /** The thread that goes on with `resume`: results of a suspended C function are pushed there. */
  get last(): number {
    return this.#frames[this.#frames.length - 1].thread;
  }

  /** Goes on; `results` is what the C function returns that was suspended, 0 for a hook. */
  resume(results: number): Outcome {
    this.#isSuspending = false;
    const { api } = this.#machine;
    let count = results;
    for (;;) {
      const frame = this.#frames[this.#frames.length - 1];
      const { isNative, thread } = frame;
      let outcome: Outcome;
      if (isNative) outcome = count < 0 ? 'failed' : this.#keepResults(thread, count);
      else if (count >= 0) outcome = this.#judge(thread, api.lua_resume(thread, count));
      else outcome = this.#judge(thread, api.lua_resume(thread, this.#raiseNext(thread)));
      if (outcome === 'suspended' || frame === this.#script) return outcome;
      count = this.#endCall(frame, outcome);
    }
  }

  /** As `resume`, but the suspended function does not return: the value on top of its thread is raised as an error. */
  resumeRaising(): Outcome {
    return this.resume(raising);
  }

  /** Has the hook called with the next instruction. */
  interrupt(): void {
    this.#setHook(this.last, hookMasks.count | hookMasks.line, 1);
  }

  // What scripts call

  /** `pcall(function, ...)` */
  protectedCall(L: number): number {
    const { api } = this.#machine;
    api.luaL_checkany(L, 1);
    return this.#call(L, false, this.#machine.count(L) - 1);
  }

  /** `xpcall(function, handler)` */
  handledCall(L: number): number {
    const { api } = this.#machine;
    api.luaL_checkany(L, 2);
    api.lua_settop(L, 2);
    // The handler comes first.
    api.lua_insert(L, 1);
    return this.#call(L, true, 0);
  }

  /** `coroutine.running()`: nil in the script itself, whatever protected calls it is in. */
  running(L: number): number {
    const { api } = this.#machine;
    let thread = L;
    for (let i = this.#frames.length - 1; i >= 0; i--) {
      if (this.#frames[i].thread === thread) thread = this.#frames[i].parent;
    }
    if (thread === 0) {
      api.lua_pushnil(L);
    } else {
      api.lua_pushthread(thread);
      if (thread !== L) api.lua_xmove(thread, L, 1);
    }
    return 1;
  }

  /** Everything on the stack is moved to a thread of its own and called there. */
  #call(L: number, hasHandler: boolean, args: number): number {
    const machine = this.#machine;
    const { api } = machine;
    const frame = this.#takeFrame(L, hasHandler);
    const { thread } = frame;
    const count = machine.count(L);
    frame.isNative = this.#isNative(machine.slot(L, hasHandler ? 2 : 1));
    if (count > freeSlots && api.lua_checkstack(thread, count) === 0) {
      this.#discard(frame);
      return machine.raise(L, 'stack overflow');
    }
    api.lua_xmove(L, thread, count);
    this.#frames.push(frame);
    const outcome = this.#judge(thread, api.lua_resume(thread, args));
    if (outcome === 'suspended') return api.lua_yield(L, 0);
    const results = this.#endCall(frame, outcome);
    return results < 0 ? api.lua_error(L) : results;
  }

  #isNative(slot: number): boolean {
    const { i32, u8 } = this.#machine;
    return i32[(slot + 8) >> 2] === luaTypes.function && u8[i32[slot >> 2] + functionOffsets.isNative] !== 0;
  }

  /** What a C function returns is all that its thread has. */
  #keepResults(thread: number, results: number): Outcome {
    const { api } = this.#machine;
    for (let surplus = api.lua_gettop(thread) - results; surplus > 0; surplus--) api.lua_remove(thread, 1);
    return 'done';
  }

  /** The value on top of a suspended thread is raised as an error by its next instruction. Returns no results. */
  #raiseNext(L: number): number {
    this.#pendingError = this.#machine.api.luaL_ref(L, registryIndex);
    this.#setHook(L, hookMasks.count, 1);
    return 0;
  }

  /** What a status means. Who yields without having been told to, does so where it can't. */
  #judge(thread: number, status: number): Outcome {
    if (status === luaStatuses.ok) return 'done';
    if (status === luaStatuses.errorMemory) this.#isOutOfMemory = true;
    if (status !== luaStatuses.yield) return 'failed';
    if (this.#isSuspending) return 'suspended';
    this.#machine.pushByteString(thread, yieldAcrossCall);
    return 'failed';
  }

  /**
   * A protected call is over: moves what it returns to who waits for it, and says how much that is; `raising` when it
   * is an error that is to be raised there.
   */
  #endCall(frame: Frame, outcome: Outcome): number {
    const { api } = this.#machine;
    const { thread, parent, hasHandler } = frame;
    this.#frames.pop();
    if (outcome === 'done') {
      const results = api.lua_gettop(thread) - (hasHandler ? 1 : 0);
      if (api.lua_checkstack(parent, results + 1) === 0) {
        this.#discard(frame);
        this.#machine.pushByteString(parent, 'stack overflow');
        return raising;
      }
      api.lua_pushboolean(parent, 1);
      api.lua_xmove(thread, parent, results);
      api.lua_settop(thread, 0);
      if (api.lua_status(thread) === luaStatuses.ok) this.#idle.push(frame);
      else this.#discard(frame);
      return results + 1;
    }
    if (this.isDoomed) {
      api.lua_xmove(thread, parent, 1);
      this.#discard(frame);
      return raising;
    }
    api.lua_pushboolean(parent, 0);
    if (hasHandler) this.#handle(thread, parent);
    else this.#moveError(thread, parent);
    this.#discard(frame);
    return 2;
  }

  /** As Redis has it, what `pcall` returns of an error that is a table with the field `err` is that field. */
  #moveError(thread: number, parent: number): void {
    const { api } = this.#machine;
    api.lua_xmove(thread, parent, 1);
    if (api.lua_type(parent, -1) !== luaTypes.table) return;
    api.lua_getfield(parent, -1, this.#machine.cString('err'));
    const type = api.lua_type(parent, -1);
    if (type === luaTypes.string || type === luaTypes.number) api.lua_replace(parent, -2);
    else api.lua_settop(parent, -2);
  }

  #handle(thread: number, parent: number): void {
    const { api } = this.#machine;
    const { i32 } = this.#machine;
    // What failed left its calls on the stack: its first slot is found from the bottom only.
    const handler = i32[(thread + threadOffsets.stack) >> 2] + valueBytes;
    const type = i32[(handler + 8) >> 2];
    for (let calls = 0; calls < handlerCallsMax && type === luaTypes.function; calls++) {
      this.#machine.push(parent, this.#machine.i32[handler >> 2], type);
      api.lua_xmove(thread, parent, 1);
      if (api.lua_pcall(parent, 1, 1, 0) === luaStatuses.ok) return;
      api.lua_xmove(parent, thread, 1);
    }
    this.#machine.pushByteString(parent, 'error in error handling');
  }

  #takeFrame(parent: number, hasHandler: boolean): Frame {
    const frames = this.#frames;
    const isDetached = frames.length === 0 || frames[frames.length - 1].thread !== parent;
    const frame = this.#newFrame(parent, hasHandler, isDetached);
    const { i32, u16 } = this.#machine;
    // The child sees the globals of its parent, and continues its count of nested C calls.
    i32[(frame.thread + threadOffsets.globals) >> 2] = i32[(parent + threadOffsets.globals) >> 2];
    u16[(frame.thread + threadOffsets.nestedCalls) >> 1] = u16[(parent + threadOffsets.nestedCalls) >> 1];
    return frame;
  }

  #newFrame(parent: number, hasHandler: boolean, isDetached: boolean): Frame {
    const idle = this.#idle.pop();
    if (idle !== undefined) {
      const { thread, reference } = idle;
      return { thread, reference, parent, hasHandler, isDetached, isNative: false };
    }
    const { api, L } = this.#machine;
    const thread = api.lua_newthread(L);
    const reference = api.luaL_ref(L, registryIndex);
    this.#setHook(thread, hookMasks.count, hookInterval);
    return { thread, reference, parent, hasHandler, isDetached, isNative: false };
  }

  #discard({ reference }: Frame): void {
    const { api, L } = this.#machine;
    api.luaL_unref(L, registryIndex, reference);
  }

  #raisePending(L: number): void {
    const { api } = this.#machine;
    const reference = this.#pendingError;
    this.#pendingError = 0;
    this.#setHook(L, hookMasks.count, hookInterval);
    api.lua_rawgeti(L, registryIndex, reference);
    api.luaL_unref(L, registryIndex, reference);
    api.lua_error(L);
  }

  #setHook(L: number, mask: number, count: number): void {
    this.#machine.api.lua_sethook(L, this.#hook, mask, count);
  }
}
