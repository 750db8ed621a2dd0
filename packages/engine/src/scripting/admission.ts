/** Whether a command may run in a script now: the one place that decides it. */
// @hot-path
import type { Request } from '@holdfast/common';
import type { Command } from '../command.js';
import { outOfMemory } from '../eviction.js';
import type { KV } from '../kv.js';
import { type ScriptRun, scriptFlags } from './script-run.js';

const unknown = 'ERR Unknown Redis command called from script';
const wrongArity = 'ERR Wrong number of args calling Redis command from script';
const notAllowed = 'ERR This Redis command is not allowed from script';
const readOnly = 'ERR Write commands are not allowed from read-only scripts.';
const staleNotAllowed = 'ERR Can not execute the command on a stale replica';
const noReplicas = 'NOREPLICAS Not enough good replicas to write.';

/** Why a command of a script is refused, as an error; '' when it may run. */
export function refusalInScript(kv: KV, run: ScriptRun, command: Command | null, request: Request): string {
  if (command === null) return unknown;
  const { count } = request;
  const { arity } = command;
  if (arity > 0 ? count !== arity : count < -arity) return wrongArity;
  if (command.isNoScript && !kv.scripting.allowsAllCommands) return notAllowed;
  if (!command.flags.has('stale') && kv.host.staleness !== null) return staleNotAllowed;
  const { session } = run;
  const denied = session.isUnlimited ? null : kv.access.refusalInScript(session, command, request);
  if (denied !== null) return denied;
  const elsewhere = kv.shardKeys === null ? '' : kv.shardKeys.refusalInScript(command, request);
  if (elsewhere !== '') return elsewhere;
  if (run.isReadOnly && (command.isWrite || command.mayReplicate)) return readOnly;
  // What a script has begun it may end.
  if (run.hasWritten) return '';
  if (kv.eviction.isOutOfMemory && !run.allowsOom && command.flags.has('denyoom')) return outOfMemory;
  return command.isWrite ? writeRefusal(kv) : '';
}

/** Why no script may write now; '' when it may. */
function writeRefusal(kv: KV): string {
  const { refusal } = kv.host;
  if (refusal !== null) return refusal;
  const { replicasMin } = kv.scripting;
  return replicasMin > 0 && replicasMin > kv.host.replicaCount() ? noReplicas : '';
}

/**
 * Why a script can't begin, as an error; '' when it can. One that says what it does is taken for a command that does
 * this, any other one for a command that reads. `flags` are `scriptFlags`.
 */
export function refusalOfScript(kv: KV, flags: number, isReadOnlyCommand: boolean): string {
  const isPlain = (flags & scriptFlags.isPlain) !== 0;
  const mayWrite = !isPlain && (flags & scriptFlags.noWrites) === 0;
  if (mayWrite) {
    if (kv.eviction.isOutOfMemory && (flags & scriptFlags.allowOom) === 0) return outOfMemory;
    const refusal = writeRefusal(kv);
    if (refusal !== '') return refusal;
  }
  if ((flags & scriptFlags.allowStale) === 0 && kv.host.staleness !== null) return kv.host.staleness;
  return mayWrite && isReadOnlyCommand
    ? 'ERR Can not execute a script with write flag using *_ro command.'
    : '';
}
