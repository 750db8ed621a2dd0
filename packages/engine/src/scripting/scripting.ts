/**
 * Scripts and functions as commands ask for them: finds, compiles and judges them, and has them run, one at a time, by
 * ScriptExecution.
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
import { Interpreter } from './interpreter.js';
import { ScriptRandom } from './libraries/random.js';
import type { Script } from './script-cache.js';
import { firstKey, ScriptExecution } from './script-execution.js';
import { type ScriptRun, scriptFlags } from './script-run.js';
import { parseScriptHead } from './shebang.js';

const noScript = 'NOSCRIPT No matching script. Please use EVAL.';

export class Scripting {
  readonly scripts: EvalScripts;
  readonly functions: FunctionCatalog;
  readonly execution: ScriptExecution;
  /** Commands that scripts must not call may be called (DEBUG SET-DISABLE-DENY-SCRIPTS). */
  allowsAllCommands = false;
  /** So many replicas there must be for a write (`min-replicas-to-write`). */
  replicasMin = 0;
  readonly #kv: KV;
  readonly #random = new ScriptRandom();
  #bytesMax: number;

  constructor(kv: KV) {
    this.#kv = kv;
    this.#bytesMax = kv.config.number('lua-memory-limit');
    this.execution = new ScriptExecution(kv);
    this.scripts = new EvalScripts(() => this.#newInterpreter('eval'), this.#bytesMax);
    this.functions = new FunctionCatalog(kv, () => this.#newInterpreter('function'));
    kv.config.onChange('lua-memory-limit', () => this.#limitMemory());
    kv.config.onChange('min-replicas-to-write', () => {
      this.replicasMin = kv.config.number('min-replicas-to-write');
    });
  }

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
    const { run } = this.execution;
    run.prepare(this.functions.interpreter, called.name, false, called.flags, isReadOnly);
    run.calledBy(ctx, reply);
    this.execution.start(called.callback, keyCount);
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

  /** Monitors see a script before the commands that it calls. */
  #show({ host, session, command, request }: Context): void {
    if (host.isMonitored) host.show(session, command, request, false);
  }

  #runScript(ctx: Context, reply: Reply, script: Script, keyCount: number, isReadOnly: boolean): void {
    const { flags } = script;
    const refusal = refusalOfScript(this.#kv, flags, isReadOnly);
    if (refusal !== '') return reply.error(refusal);
    const { interpreter } = this.scripts;
    if (script.compiled?.owner !== interpreter) {
      const problem = this.scripts.compile(script);
      if (problem !== '') return reply.error(problem);
    }
    this.scripts.cache.touch(script);
    const { run } = this.execution;
    run.prepare(interpreter, script.sha, true, flags, isReadOnly);
    run.calledBy(ctx, reply);
    this.execution.start(script.compiled!, keyCount);
  }

  #newInterpreter(kind: 'eval' | 'function'): Interpreter {
    const { execution } = this;
    const run = (): ScriptRun | null => execution.current;
    const interpreter = new Interpreter(this.#kv, kind, this.#bytesMax, this.#random, run);
    interpreter.threads.onHook = (L) => {
      // Without a run it is a library that is loaded.
      if (execution.current === null) this.functions.onHook(interpreter, L);
      else execution.onHook(execution.current, L);
    };
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
