/**
 * `redis.call` and `redis.pcall`: commands that a script runs.
 *
 * The arguments are copied out of the interpreter's memory, since that may move while the command runs. The command
 * runs as any other, but within the script's write; what it replies is pushed afterwards.
 */
// @hot-path
import { copyBytes, formatDouble, Request, writeInteger } from '@holdfast/common';
import type { Command } from '../command.js';
import type { KV } from '../kv.js';
import { refusalInScript } from './admission.js';
import { luaTypes } from './lua/exports.js';
import { stringOffsets, valueBytes } from './lua/layout.js';
import type { LuaMachine } from './lua/machine.js';
import type { Threads } from './lua/threads.js';
import type { ScriptReply } from './script-reply.js';
import type { ScriptRun } from './script-run.js';

const startBytes = 1024;
/** A larger buffer is given back after use. */
const keptBytesMax = 1024 * 1024;
/** No number is longer as text. */
const numberBytesMax = 64;

export class ScriptCalls {
  readonly #kv: KV;
  readonly #machine: LuaMachine;
  readonly #threads: Threads;
  readonly #reply: ScriptReply;
  readonly #request = new Request();
  /** A command is running: another one can't be called, not by a function of the script that Lua itself calls. */
  #isBusy = false;
  /** The command that waits for its keys, and whether its error is to be raised. */
  #pending: Command | null = null;
  #pendingRaises = false;

  constructor(kv: KV, machine: LuaMachine, threads: Threads, reply: ScriptReply) {
    this.#kv = kv;
    this.#machine = machine;
    this.#threads = threads;
    this.#reply = reply;
    this.#request.bytes = Buffer.allocUnsafeSlow(startBytes);
  }

  /** `redis.call(command, ...)`, and with `raises` false `redis.pcall`. */
  call(L: number, run: ScriptRun | null, raises: boolean): number {
    if (run === null)
      return this.#fail(L, raises, 'ERR redis.call can only be called from a running script', false);
    if (this.#isBusy)
      return this.#fail(L, false, 'ERR a command was called while another one is running', false);
    const problem = this.readArguments(L);
    if (problem !== '') return this.#fail(L, raises, problem, false);
    const request = this.#request;
    const { registry } = this.#kv;
    // A container that is called without a subcommand lacks an argument.
    const command = registry.resolve(request) ?? (request.count === 1 ? registry.find(request) : null);
    const refusal = refusalInScript(this.#kv, run, command, request);
    if (refusal !== '') {
      this.#kv.stats.countError(refusal);
      if (command !== null) registry.figuresOf(command).rejectedCalls++;
      return this.#fail(L, raises, refusal, true);
    }
    if (command!.isWrite) run.hasWritten = true;
    if (!this.#kv.storage.isAllResident) {
      const loading = this.#kv.host.load(run.session, command!, request);
      if (loading !== null) return this.#await(L, command!, raises, loading);
    }
    return this.#execute(L, run, command!, raises);
  }

  /** What the command that waits needs besides the keys that are there by now; null when that is all. */
  loadMore(run: ScriptRun): Promise<void> | null {
    return this.#kv.host.load(run.session, this.#pending!, this.#request);
  }

  /** The keys that the script waited for are there: pushes the command's reply. Whether it is an error to be raised. */
  resume(L: number, run: ScriptRun): boolean {
    const command = this.#pending!;
    this.#pending = null;
    this.#run(run, command);
    this.#reply.pushTo(L);
    return this.#reply.failed && this.#pendingRaises;
  }

  /** As `resume`, when they could not be had. */
  resumeFailed(L: number, message: string): boolean {
    this.#pending = null;
    this.pushError(L, `ERR the key could not be loaded: ${message}`, false);
    return this.#pendingRaises;
  }

  /** Copies the arguments of the running function into the request; what is wrong with them, or ''. */
  readArguments(L: number): string {
    const { i32, u8 } = this.#machine;
    const request = this.#request;
    const count = this.#machine.count(L);
    if (count === 0) return 'ERR Please specify at least one argument for this redis lib call';
    request.reserve(count);
    request.count = count;
    const first = this.#machine.slot(L, 1);
    let at = 0;
    for (let i = 0; i < count; i++) {
      const slot = first + i * valueBytes;
      const type = i32[(slot + 8) >> 2];
      const start = at;
      if (type === luaTypes.string) {
        const address = i32[slot >> 2];
        const length = i32[(address + stringOffsets.length) >> 2];
        if (at + length > request.bytes.length) this.#grow(at, length);
        copyBytes(u8, address + stringOffsets.bytes, request.bytes, at, length);
        at += length;
      } else if (type === luaTypes.number) {
        if (at + numberBytesMax > request.bytes.length) this.#grow(at, numberBytesMax);
        at = this.#writeNumber(at, this.#machine.f64[slot >> 3]);
      } else {
        return 'ERR Lua redis lib command arguments must be strings or integers';
      }
      request.offsets[2 * i] = start;
      request.offsets[2 * i + 1] = at - start;
    }
    return '';
  }

  get request(): Request {
    return this.#request;
  }

  /** Pushes an error as scripts get it. `isCounted` when the statistics have it already. */
  pushError(L: number, message: string, isCounted: boolean): void {
    const machine = this.#machine;
    const { api } = machine;
    api.lua_createtable(L, 0, 2);
    machine.pushText(L, message);
    api.lua_setfield(L, -2, machine.cString('err'));
    if (!isCounted) return;
    machine.push(L, 1, luaTypes.boolean);
    api.lua_setfield(L, -2, machine.cString('ignore_error_stats_update'));
  }

  #fail(L: number, raises: boolean, message: string, isCounted: boolean): number {
    this.pushError(L, message, isCounted);
    return raises ? this.#machine.api.lua_error(L) : 1;
  }

  #execute(L: number, run: ScriptRun, command: Command, raises: boolean): number {
    this.#run(run, command);
    const { failed } = this.#reply;
    // Most writes are called for their effect: a tenth of a script of three calls is in replies that nobody looks at.
    if (!failed && this.#machine.isResultUnused(L)) return 0;
    this.#reply.pushTo(L);
    return raises && failed ? this.#machine.api.lua_error(L) : 1;
  }

  #run(run: ScriptRun, command: Command): void {
    const reply = this.#reply;
    const request = this.#request;
    reply.clear();
    reply.dialect = run.dialect;
    this.#isBusy = true;
    try {
      this.#kv.execute(run.session, command, request, reply);
    } finally {
      this.#isBusy = false;
    }
    const { host } = this.#kv;
    if (host.isMonitored) host.show(run.session, command, request, true);
    if (request.bytes.length > keptBytesMax) request.bytes = Buffer.allocUnsafeSlow(startBytes);
  }

  /** The script goes on when the keys that it did not declare are in memory. */
  #await(L: number, command: Command, raises: boolean, loading: Promise<void>): number {
    if (!this.#threads.canSuspend(L)) {
      // Nobody waits for them.
      loading.catch(() => {});
      const message =
        'ERR a key is not in memory, and the script can not wait for it here: declare it as a key of the script';
      return this.#fail(L, raises, message, false);
    }
    this.#pending = command;
    this.#pendingRaises = raises;
    this.#kv.scripting.execution.awaitKeys(loading);
    return this.#threads.suspend(L);
  }

  #writeNumber(at: number, value: number): number {
    const { bytes } = this.#request;
    if (Number.isSafeInteger(value)) return writeInteger(bytes, at, value + 0);
    const text = formatDouble(value);
    for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
    return at + text.length;
  }

  #grow(used: number, more: number): void {
    const request = this.#request;
    const grown = Buffer.allocUnsafeSlow(Math.max(used + more, request.bytes.length * 2));
    copyBytes(request.bytes, 0, grown, 0, used);
    request.bytes = grown;
  }
}
