/**
 * Scripts and functions: finds, compiles and runs them, one at a time, each as one write.
 *
 * A script that runs for longer than `busy-reply-threshold` is suspended. Whoever called it waits; from then on it runs
 * in slices, one for each turn of the event loop, and in between the host answers others with `busyError`, but for the
 * few commands that may end it. In the same way a script waits for keys that it did not declare and that are not in
 * memory. Its version, its time and its database are kept for it meanwhile.
 *
 *     start ---> done
 *       |  \                      slow, or keys are missing
 *       |   +--> suspended ---+
 *       |            ^        | resume: by the host, in a turn of its own
 *       |            +--------+
 *       +--> failed           +--> done, failed
 */
// @hot-path
import type { Reply, Request } from '@holdfast/common';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import { notAnInteger } from '../grammar.js';
import type { KV } from '../kv.js';
import { refusalOfScript } from './admission.js';
import { EvalScripts } from './eval-scripts.js';
import { FunctionCatalog } from './function-catalog.js';
import type { ScriptFunction } from './function-libraries.js';
import { type CompiledFunction, Interpreter } from './interpreter.js';
import { ScriptRandom } from './libraries/random.js';
import { collectorStepKiB, pinnedMsMax, sliceMs, tidyingPeriod } from './limits.js';
import { gcCommands } from './lua/exports.js';
import type { Outcome } from './lua/threads.js';
import type { Script } from './script-cache.js';
import { problemOf, writeScriptError } from './script-error.js';
import { ScriptRun, scriptFlags } from './script-run.js';
import { parseScriptHead } from './shebang.js';

const slowEval = 'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.';
const slowFunction =
  'BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.';
const noScript = 'NOSCRIPT No matching script. Please use EVAL.';
const notBusy = 'NOTBUSY No scripts in execution right now.';
const unkillable =
  'UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.';
const killed = 'ERR Script killed by user with SCRIPT KILL...';
const pinned =
  'ERR the script ran for too long where it can not be suspended: in a callback of table.sort or string.gsub, a metamethod, an iterator or a coroutine. It was ended; what it wrote before is kept.';

const firstKey = 3;

export class Scripting {
  readonly scripts: EvalScripts;
  readonly functions: FunctionCatalog;
  /** Commands that scripts must not call may be called (DEBUG SET-DISABLE-DENY-SCRIPTS). */
  allowsAllCommands = false;
  /** So many replicas there must be for a write (`min-replicas-to-write`). */
  replicasMin = 0;
  /** The script that runs or is suspended; null when there is none. */
  current: ScriptRun | null = null;
  /** It is to be resumed: at once when it was slow, else once the keys are there that it waits for. */
  isSuspended = false;
  /** It has been slow: others are told that the server is busy. */
  isBusy = false;
  readonly #kv: KV;
  readonly #run = new ScriptRun();
  readonly #random = new ScriptRandom();
  #bytesMax: number;
  #thresholdMs = 0;
  /** When the slice that is going on began, and since when the script can't be suspended; NaN when it was not so. */
  #sliceStartedMs = Number.NaN;
  #pinnedSinceMs = Number.NaN;
  #awaited: Promise<void> | null = null;
  /** Why what was waited for can't be had; null when it can. */
  #awaitFailure: string | null = null;
  #runsSinceTidying = 0;

  constructor(kv: KV) {
    this.#kv = kv;
    this.#bytesMax = kv.config.number('lua-memory-limit');
    this.scripts = new EvalScripts(() => this.#newInterpreter('eval'), this.#bytesMax);
    this.functions = new FunctionCatalog(kv, () => this.#newInterpreter('function'));
    kv.config.onChange('lua-memory-limit', () => this.#limitMemory());
    kv.config.onChange('min-replicas-to-write', () => {
      this.replicasMin = kv.config.number('min-replicas-to-write');
    });
    kv.config.onChange('busy-reply-threshold', () => {
      this.#thresholdMs = kv.config.number('busy-reply-threshold');
    });
  }

  // What commands do

  /** EVAL and EVAL_RO. */
  eval(ctx: Context, reply: Reply, isReadOnly: boolean): void {
    const { request } = ctx;
    this.#show(ctx);
    const keyCount = keyCountOf(request, reply);
    if (keyCount < 0) return;
    const known = this.scripts.cache.findCode(request.bytes, request.start(1), request.length(1));
    const script = known ?? this.scripts.load(request.view(1), true);
    if (typeof script === 'string') return reply.error(script);
    this.#runScript(ctx, reply, script, keyCount, isReadOnly);
  }

  /** EVALSHA and EVALSHA_RO. */
  evalSha(ctx: Context, reply: Reply, isReadOnly: boolean): void {
    const { request } = ctx;
    this.#show(ctx);
    if (request.length(1) !== 40) return reply.error(noScript);
    const keyCount = keyCountOf(request, reply);
    if (keyCount < 0) return;
    const script = this.scripts.cache.findBytes(request.bytes, request.start(1));
    if (script === null) return reply.error(noScript);
    this.#runScript(ctx, reply, script, keyCount, isReadOnly);
  }

  /** FCALL and FCALL_RO. */
  callFunction(ctx: Context, reply: Reply, isReadOnly: boolean): void {
    const { request } = ctx;
    this.#show(ctx);
    const called = this.functions.find(request.byteString(1));
    if (called === undefined) return reply.error('ERR Function not found');
    const keyCount = request.integer(2);
    if (Number.isNaN(keyCount)) return reply.error('ERR Bad number of keys provided');
    const problem = keyCountProblem(keyCount, request);
    if (problem !== '') return reply.error(problem);
    const refusal = refusalOfScript(this.#kv, called.flags, isReadOnly);
    if (refusal !== '') return reply.error(refusal);
    const run = this.#begin(
      ctx,
      reply,
      this.functions.interpreter,
      called.name,
      false,
      called.flags,
      isReadOnly,
    );
    let outcome: Outcome;
    this.#enter(run);
    try {
      outcome = this.#startFunction(run, called, keyCount);
    } catch (error) {
      outcome = this.#giveUp(run, error);
    }
    this.#leave(run, outcome);
  }

  /** SCRIPT KILL and FUNCTION KILL: ends the script when it goes on, if it has not written. */
  kill(reply: Reply, isEval: boolean): void {
    const run = this.current;
    if (run === null) return reply.error(notBusy);
    if (run.hasWritten) return reply.error(unkillable);
    if (run.isEval !== isEval) return reply.error(this.busyError);
    run.isKilled = true;
    reply.ok();
  }

  /** What others are told while a script is slow. */
  get busyError(): string {
    return this.current?.isEval === false ? slowFunction : slowEval;
  }

  /** How long the script has been running, in ms, as far as it was noticed. */
  get runningMs(): number {
    const startedMs = this.current?.startedMs ?? Number.NaN;
    return startedMs === startedMs ? Math.floor(this.#kv.env.clock.monotonic() - startedMs) : 0;
  }

  // Suspended scripts

  /** The script that is running can't go on before this is done. Called by the command that needs it. */
  awaitKeys(loading: Promise<void>): void {
    this.#awaited = loading;
  }

  /** What a suspended script waits for; null when it only has to let others have their turn. */
  takeAwaited(): Promise<void> | null {
    const awaited = this.#awaited;
    this.#awaited = null;
    return awaited;
  }

  /** What was waited for can't be had: the script is told so when it is resumed. */
  failAwaited(message: string): void {
    this.#awaitFailure = message;
  }

  /** Lets the suspended script go on. When it is done its result is in the reply, and `isSuspended` is false. */
  resume(): void {
    const run = this.current!;
    this.isSuspended = false;
    this.#kv.context.nowMs = run.nowMs;
    let outcome: Outcome;
    this.#enter(run);
    run.session.database = run.selected;
    this.#kv.storage.stamp.version = run.version;
    this.#sliceStartedMs = this.#kv.env.clock.monotonic();
    try {
      outcome = this.#continue(run);
    } catch (error) {
      outcome = this.#giveUp(run, error);
    }
    this.#leave(run, outcome);
  }

  /** The server ends, or the script's client is gone and nothing was written: forgets it. */
  abandon(): void {
    const run = this.current;
    if (run === null) return;
    run.interpreter.threads.abandon();
    this.#end();
  }

  /** Whether the script or function that a request names says of itself that it does not write (`no-writes`). */
  onlyReads({ name }: Command, request: Request): boolean {
    let flags: number | undefined;
    if (name === 'EVAL') {
      const head = parseScriptHead(request.byteString(1));
      flags = typeof head === 'string' ? undefined : head.flags;
    } else if (name === 'EVALSHA') {
      flags = this.scripts.cache.find(request.byteString(1))?.flags;
    } else if (name === 'FCALL') {
      flags = this.functions.find(request.byteString(1))?.flags;
    }
    return flags !== undefined && (flags & scriptFlags.noWrites) !== 0;
  }

  // Running

  /** Monitors see a script before the commands that it calls. */
  #show({ host, session, command, request }: Context): void {
    if (host.isMonitored) host.show(session, command, request, false);
  }

  #runScript(ctx: Context, reply: Reply, script: Script, keyCount: number, isReadOnly: boolean): void {
    const { flags } = script;
    const isPlain = (flags & scriptFlags.isPlain) !== 0;
    const refusal = isPlain ? '' : refusalOfScript(this.#kv, flags, isReadOnly);
    if (refusal !== '') return reply.error(refusal);
    const { interpreter } = this.scripts;
    if (script.compiled?.owner !== interpreter) {
      const problem = this.scripts.compile(script);
      if (problem !== '') return reply.error(problem);
    }
    this.scripts.cache.touch(script);
    const run = this.#begin(ctx, reply, interpreter, script.sha, true, flags, isReadOnly);
    let outcome: Outcome;
    this.#enter(run);
    try {
      outcome = this.#startScript(run, script.compiled!, keyCount);
    } catch (error) {
      outcome = this.#giveUp(run, error);
    }
    this.#leave(run, outcome);
  }

  #startScript({ interpreter, request }: ScriptRun, script: CompiledFunction, keyCount: number): Outcome {
    interpreter.pushFunction(script);
    interpreter.setArguments(request, firstKey, keyCount);
    return interpreter.threads.start(0);
  }

  #startFunction({ interpreter, request }: ScriptRun, called: ScriptFunction, keyCount: number): Outcome {
    interpreter.pushFunction(called.callback);
    interpreter.pushStrings(request, firstKey, keyCount);
    const firstArgument = firstKey + keyCount;
    interpreter.pushStrings(request, firstArgument, request.count - firstArgument);
    return interpreter.threads.start(2);
  }

  /** Resumes what was suspended: a command that waited for its keys, or a loop that took long. */
  #continue(run: ScriptRun): Outcome {
    const { calls, threads } = run.interpreter;
    if (run.isKilled) threads.interrupt();
    if (!run.isAwaiting) return threads.resume(0);
    const failure = this.#awaitFailure;
    this.#awaitFailure = null;
    // With the first keys it may be known which others there are.
    this.#awaited = failure === null ? calls.loadMore(run) : null;
    if (this.#awaited !== null) return 'suspended';
    run.isAwaiting = false;
    const raises =
      failure === null ? calls.resume(threads.last, run) : calls.resumeFailed(threads.last, failure);
    return raises ? threads.resumeRaising() : threads.resume(1);
  }

  /** A run that begins: what it is, and who called it. */
  #begin(
    { nowMs, session, command, request }: Context,
    reply: Reply,
    interpreter: Interpreter,
    name: string,
    isEval: boolean,
    flags: number,
    isReadOnlyCommand: boolean,
  ): ScriptRun {
    const run = this.#run;
    run.interpreter = interpreter;
    run.session = session;
    run.command = command;
    run.request = request;
    run.reply = reply;
    run.name = name;
    run.isEval = isEval;
    run.isReadOnly = isReadOnlyCommand || (flags & scriptFlags.noWrites) !== 0;
    run.allowsOom = (flags & scriptFlags.allowOom) !== 0;
    run.dialect = 2;
    run.hasWritten = false;
    run.isKilled = false;
    run.isAwaiting = false;
    run.startedMs = Number.NaN;
    run.nowMs = nowMs;
    run.database = session.database;
    this.current = run;
    return run;
  }

  /** What is executed from now on is part of the run's write. */
  #enter(run: ScriptRun): void {
    run.wasInWrite = this.#kv.enterWrite();
  }

  /** The run is over, or has to wait. */
  #leave(run: ScriptRun, outcome: Outcome): void {
    const { context, storage } = this.#kv;
    const { session } = run;
    this.#kv.leaveWrite(run.wasInWrite);
    context.session = session;
    context.command = run.command;
    context.request = run.request;
    context.reply = run.reply;
    if (outcome === 'suspended') {
      this.#suspend(run);
    } else {
      this.#writeResult(run, outcome);
      session.database = run.database;
      this.#end();
    }
    context.db = storage.database(session.database);
  }

  #suspend(run: ScriptRun): void {
    const { context, host, storage } = this.#kv;
    const { session } = run;
    const isFirst = this.#sliceStartedMs !== this.#sliceStartedMs;
    run.selected = session.database;
    run.version = storage.stamp.version;
    session.database = run.database;
    run.isAwaiting = this.#awaited !== null;
    if (!run.isAwaiting) this.isBusy = true;
    this.isSuspended = true;
    context.hasBlocked = true;
    if (!isFirst) return;
    // The one that it has belongs to its protocol, and will be used for other commands.
    run.request = run.request.toOwned();
    host.suspend(session);
  }

  #end(): void {
    this.current = null;
    this.isSuspended = false;
    this.isBusy = false;
    this.#awaited = null;
    this.#awaitFailure = null;
    this.#sliceStartedMs = Number.NaN;
    this.#pinnedSinceMs = Number.NaN;
  }

  #writeResult(run: ScriptRun, outcome: Outcome): void {
    const { interpreter, reply } = run;
    const { results, threads } = interpreter;
    if (interpreter.isBroken) return;
    const { context } = this.#kv;
    let isReplied = false;
    try {
      context.isErrorCounted =
        outcome === 'failed' ? writeScriptError(run) : results.write(threads.script, reply, run.dialect);
      isReplied = true;
      threads.clear(outcome);
      this.#tidy(interpreter);
    } catch (error) {
      // Even this takes memory.
      const problem = problemOf(error);
      if (problem === '') throw error;
      interpreter.isBroken = true;
      if (!isReplied) reply.error(`ERR Error running script ${run.name}: ${problem}`);
    }
  }

  /** From time to time a step of the collector, so that none is long; and a look at what scripts must not change. */
  #tidy(interpreter: Interpreter): void {
    if (++this.#runsSinceTidying < tidyingPeriod) return;
    this.#runsSinceTidying = 0;
    const { machine, sandbox } = interpreter;
    machine.api.lua_gc(machine.L, gcCommands.step, collectorStepKiB);
    if (sandbox.isTampered()) interpreter.isBroken = true;
  }

  /** The interpreter is of no use any more. What is not its own fault is thrown on. */
  #giveUp(run: ScriptRun, error: unknown): Outcome {
    run.interpreter.isBroken = true;
    const problem = problemOf(error);
    if (problem === '') {
      this.#kv.leaveWrite(run.wasInWrite);
      this.#end();
      throw error;
    }
    run.reply.error(`ERR Error running script ${run.name}: ${problem}`);
    return 'failed';
  }

  /** Called now and then while Lua runs. */
  #onHook(interpreter: Interpreter, L: number): void {
    const run = this.current;
    if (run === null) return this.functions.onHook(interpreter, L);
    if (run.isKilled) this.#doom(run, L, killed);
    if (this.#thresholdMs <= 0) return;
    const nowMs = this.#kv.env.clock.monotonic();
    if (run.startedMs !== run.startedMs) run.startedMs = nowMs;
    const isFirst = this.#sliceStartedMs !== this.#sliceStartedMs;
    const limitMs = isFirst ? run.startedMs + this.#thresholdMs : this.#sliceStartedMs + sliceMs;
    if (nowMs < limitMs) return;
    const { threads } = interpreter;
    if (threads.canSuspend(L)) {
      this.#pinnedSinceMs = Number.NaN;
      threads.seek(L, false);
      threads.suspend(L);
    } else if (this.#pinnedSinceMs !== this.#pinnedSinceMs) {
      this.#pinnedSinceMs = nowMs;
      threads.seek(L, true);
    } else if (nowMs - this.#pinnedSinceMs > pinnedMsMax) {
      this.#doom(run, L, pinned);
    }
  }

  /** Ends the script by an error that it can't catch. */
  #doom({ interpreter }: ScriptRun, L: number, message: string): void {
    interpreter.threads.isDoomed = true;
    interpreter.calls.pushError(L, message, false);
    interpreter.machine.api.lua_error(L);
  }

  #newInterpreter(kind: 'eval' | 'function'): Interpreter {
    const run = (): ScriptRun | null => this.current;
    const interpreter = new Interpreter(this.#kv, kind, this.#bytesMax, this.#random, run);
    interpreter.threads.onHook = (L) => this.#onHook(interpreter, L);
    return interpreter;
  }

  #limitMemory(): void {
    this.#bytesMax = this.#kv.config.number('lua-memory-limit');
    this.scripts.limitMemory(this.#bytesMax);
    this.functions.limitMemory(this.#bytesMax);
  }
}

/** How many keys EVAL is given; -1 after replying what is wrong with it. */
function keyCountOf(request: Request, reply: Reply): number {
  const count = request.integer(2);
  const problem = Number.isNaN(count) ? notAnInteger : keyCountProblem(count, request);
  if (problem === '') return count;
  reply.error(problem);
  return -1;
}

function keyCountProblem(count: number, request: Request): string {
  if (count > request.count - firstKey) return "ERR Number of keys can't be greater than number of args";
  return count < 0 ? "ERR Number of keys can't be negative" : '';
}
