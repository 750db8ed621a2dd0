/**
 * The one script or function that runs: from its start to its result, in one go or in slices, as one write.
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
import type { Reply } from '@holdfast/common';
import type { KV } from '../kv.js';
import type { CompiledFunction, Interpreter } from './interpreter.js';
import { collectorStepKiB, pinnedMsMax, sliceMs, tidyingPeriod } from './limits.js';
import { gcCommands } from './lua/exports.js';
import type { Outcome } from './lua/threads.js';
import { problemOf, writeScriptError } from './script-error.js';
import { ScriptRun } from './script-run.js';

const slowEval = 'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.';
const slowFunction =
  'BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.';
const notBusy = 'NOTBUSY No scripts in execution right now.';
const unkillable =
  'UNKILLABLE Sorry the script already executed write commands against the dataset. You can either wait the script termination or kill the server in a hard way using the SHUTDOWN NOSAVE command.';
const killed = 'ERR Script killed by user with SCRIPT KILL...';
const pinned =
  'ERR the script ran for too long where it can not be suspended: in a callback of table.sort or string.gsub, a metamethod, an iterator or a coroutine. It was ended; what it wrote before is kept.';

/** Where the keys begin among the arguments of EVAL and FCALL. */
export const firstKey = 3;

export class ScriptExecution {
  /** What the next one to start is, or the one that runs. */
  readonly run = new ScriptRun();
  /** The script that runs or is suspended; null when there is none. */
  current: ScriptRun | null = null;
  /** It is to be resumed: at once when it was slow, else once the keys are there that it waits for. */
  isSuspended = false;
  /** It has been slow: others are told that the server is busy. */
  isBusy = false;
  readonly #kv: KV;
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
    kv.config.onChange('busy-reply-threshold', () => {
      this.#thresholdMs = kv.config.number('busy-reply-threshold');
    });
  }

  /** Starts what `run` says. When it is done its result is in the reply; else it `isSuspended`. */
  start(body: CompiledFunction, keyCount: number): void {
    const { run } = this;
    this.current = run;
    let outcome: Outcome;
    this.#enter(run);
    try {
      outcome = this.#begin(run, body, keyCount);
    } catch (error) {
      outcome = this.#giveUp(run, error);
    }
    this.#leave(run, outcome);
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

  /** Called now and then while the Lua of the script that runs does, on thread `L`. */
  onHook(run: ScriptRun, L: number): void {
    if (run.isKilled) this.#doom(run, L, killed);
    if (this.#thresholdMs <= 0) return;
    const nowMs = this.#kv.env.clock.monotonic();
    if (run.startedMs !== run.startedMs) run.startedMs = nowMs;
    const isFirst = this.#sliceStartedMs !== this.#sliceStartedMs;
    const limitMs = isFirst ? run.startedMs + this.#thresholdMs : this.#sliceStartedMs + sliceMs;
    if (nowMs < limitMs) return;
    const { threads } = run.interpreter;
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

  /** A script finds its keys and arguments in globals, a function is given them. */
  #begin({ interpreter, request, isEval }: ScriptRun, body: CompiledFunction, keyCount: number): Outcome {
    interpreter.pushFunction(body);
    if (isEval) {
      interpreter.setArguments(request, firstKey, keyCount);
      return interpreter.threads.start(0);
    }
    const firstArgument = firstKey + keyCount;
    interpreter.pushStrings(request, firstKey, keyCount);
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

  /** A look at what scripts must not change, which no other one may see; and at times a step of the collector, so that none is long. */
  #tidy(interpreter: Interpreter): void {
    const { machine, sandbox } = interpreter;
    if (sandbox.isTampered()) interpreter.isBroken = true;
    if (++this.#runsSinceTidying < tidyingPeriod) return;
    this.#runsSinceTidying = 0;
    machine.api.lua_gc(machine.L, gcCommands.step, collectorStepKiB);
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

  /** Ends the script by an error that it can't catch. */
  #doom({ interpreter }: ScriptRun, L: number, message: string): void {
    interpreter.threads.isDoomed = true;
    interpreter.calls.pushError(L, message, false);
    interpreter.machine.api.lua_error(L);
  }
}
