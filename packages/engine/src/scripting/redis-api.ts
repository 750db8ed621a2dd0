/** The table `redis` that scripts and functions find, but for `redis.call`, `redis.pcall` and what loads functions. */
import { createHash } from 'node:crypto';
import { type Request, withoutLineEnds } from '@holdfast/common';
import type { Command } from '../command.js';
import type { LogLevel } from '../host.js';
import type { KV } from '../kv.js';
import type { Session } from '../session.js';
import { luaTypes } from './lua/exports.js';
import type { LuaMachine } from './lua/machine.js';
import type { Library } from './lua/sandbox.js';
import type { ScriptCalls } from './script-calls.js';
import type { ScriptRun } from './script-run.js';

const logLevels: readonly LogLevel[] = ['debug', 'verbose', 'notice', 'warning'];

/** Where a write of a script may go, as bits: it always goes everywhere. */
const replication = { none: 0, aof: 1, replica: 2, all: 3 } as const;

export interface RedisApiParts {
  readonly kv: KV;
  readonly machine: LuaMachine;
  readonly calls: ScriptCalls;
  /** The script that is running; null while none is. */
  readonly run: () => ScriptRun | null;
}

/** What a library can use while it is loaded, too. */
export function commonFunctions({ kv, machine, calls }: RedisApiParts): Library {
  return {
    log: (L) => log(kv, machine, calls, L),
    LOG_DEBUG: 0,
    LOG_VERBOSE: 1,
    LOG_NOTICE: 2,
    LOG_WARNING: 3,
    REDIS_VERSION: kv.redisVersion.text,
    REDIS_VERSION_NUM: kv.redisVersion.number,
  };
}

export function redisFunctions(parts: RedisApiParts): Library {
  const { machine, calls, run } = parts;
  const raise = (L: number, message: string): number => {
    calls.pushError(L, message, false);
    return machine.api.lua_error(L);
  };
  return {
    ...commonFunctions(parts),
    call: (L) => calls.call(L, run(), true),
    pcall: (L) => calls.call(L, run(), false),
    error_reply: (L) => errorReply(machine, calls, L),
    status_reply: (L) => statusReply(machine, calls, L),
    sha1hex: (L) => {
      if (machine.count(L) !== 1) return raise(L, 'ERR wrong number of arguments');
      const text = machine.byteString(L, 1) ?? '';
      machine.pushByteString(L, createHash('sha1').update(text, 'latin1').digest('hex'));
      return 1;
    },
    setresp: (L) => {
      if (machine.count(L) !== 1) return raise(L, 'ERR redis.setresp() requires one argument.');
      const version = Math.trunc(machine.number(L, 1));
      if (version !== 2 && version !== 3) return raise(L, 'ERR RESP version must be 2 or 3.');
      const current = run();
      if (current !== null) current.dialect = version;
      return 0;
    },
    set_repl: (L) => {
      if (machine.count(L) !== 1) return raise(L, 'ERR redis.set_repl() requires one argument.');
      if ((Math.trunc(machine.number(L, 1)) & ~replication.all) === 0) return 0;
      const names = 'REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE';
      return raise(L, `ERR Invalid replication flags. Use ${names}.`);
    },
    acl_check_cmd: (L) => aclCheck(parts, L),
    REPL_NONE: replication.none,
    REPL_AOF: replication.aof,
    REPL_SLAVE: replication.replica,
    REPL_REPLICA: replication.replica,
    REPL_ALL: replication.all,
  };
}

/** What only scripts of EVAL find. There is no debugger to be reached by the first two. */
export function evalFunctions(machine: LuaMachine): Library {
  const pushBoolean = (L: number, value: number): number => {
    machine.api.lua_pushboolean(L, value);
    return 1;
  };
  return {
    breakpoint: (L) => pushBoolean(L, 0),
    debug: () => 0,
    replicate_commands: (L) => pushBoolean(L, 1),
  };
}

/** Whether the only argument is a string. */
function isGivenString(machine: LuaMachine, L: number): boolean {
  return machine.count(L) === 1 && machine.typeAt(machine.slot(L, 1)) === luaTypes.string;
}

/** `redis.error_reply('CODE message')`: the code is `ERR` where there is only one word. */
function errorReply(machine: LuaMachine, calls: ScriptCalls, L: number): number {
  if (!isGivenString(machine, L)) {
    calls.pushError(L, 'ERR wrong number or type of arguments', false);
    return 1;
  }
  const text = machine.text(L, 1)!.split('\0', 1)[0].replace(/^-/, '');
  const space = text.indexOf(' ');
  const [code, message] = space < 0 ? ['ERR', text] : [text.slice(0, space), text.slice(space + 1)];
  calls.pushError(L, `${code} ${withoutLineEnds(message)}`, false);
  return 1;
}

function statusReply(machine: LuaMachine, calls: ScriptCalls, L: number): number {
  const { api } = machine;
  if (!isGivenString(machine, L)) {
    calls.pushError(L, 'ERR wrong number or type of arguments', false);
    return 1;
  }
  api.lua_createtable(L, 0, 1);
  api.lua_pushvalue(L, 1);
  api.lua_setfield(L, -2, machine.cString('ok'));
  return 1;
}

/** `redis.log(level, text, ...)` */
function log(kv: KV, machine: LuaMachine, calls: ScriptCalls, L: number): number {
  const { api } = machine;
  const raise = (message: string): number => {
    calls.pushError(L, message, false);
    return api.lua_error(L);
  };
  const count = machine.count(L);
  if (count < 2) return raise('ERR redis.log() requires two arguments or more.');
  if (api.lua_isnumber(L, 1) === 0) return raise('ERR First argument must be a number (log level).');
  const level = Math.trunc(machine.number(L, 1));
  if (!(level >= 0 && level < logLevels.length)) return raise('ERR Invalid debug level.');
  const texts: string[] = [];
  for (let i = 2; i <= count; i++) {
    const text = machine.text(L, i);
    if (text !== null) texts.push(text);
  }
  kv.host.log(logLevels[level], texts.join(' '));
  return 0;
}

function isDenied({ account }: Session, command: Command, request: Request): boolean {
  return account !== null && account.denial(command, request) !== null;
}

/** `redis.acl_check_cmd(command, ...)`: whether the user who called the script may run it. */
function aclCheck({ kv, machine, calls, run }: RedisApiParts, L: number): number {
  const raise = (message: string): number => {
    calls.pushError(L, message, false);
    return machine.api.lua_error(L);
  };
  const problem = calls.readArguments(L);
  if (problem !== '') return raise(problem);
  const command = kv.registry.resolve(calls.request);
  if (command === null) return raise('ERR Invalid command passed to redis.acl_check_cmd()');
  const current = run();
  const isAllowed = current === null || !isDenied(current.session, command, calls.request);
  machine.api.lua_pushboolean(L, isAllowed ? 1 : 0);
  return 1;
}
