/** What is known of the script that runs, or that waits to go on: there is at most one. */
import type { Reply, Request } from '@holdfast/common';
import type { Command } from '../command.js';
import type { Context } from '../context.js';
import type { Session } from '../session.js';
import type { Interpreter } from './interpreter.js';

/** What a script says of itself, as bits. */
export const scriptFlags = {
  noWrites: 1,
  allowOom: 2,
  allowStale: 4,
  noCluster: 8,
  allowCrossSlotKeys: 16,
  /** A script of EVAL without a first line that says anything: its commands are judged one by one. */
  isPlain: 32,
} as const;

/** The names of the flags, in the order in which Redis lists them. */
export const scriptFlagNames: readonly (readonly [name: string, flag: number])[] = [
  ['no-writes', scriptFlags.noWrites],
  ['allow-oom', scriptFlags.allowOom],
  ['allow-stale', scriptFlags.allowStale],
  ['no-cluster', scriptFlags.noCluster],
  ['allow-cross-slot-keys', scriptFlags.allowCrossSlotKeys],
];

export class ScriptRun {
  interpreter!: Interpreter;
  /** Who called it, with which request, and where the result goes. */
  session!: Session;
  command!: Command;
  request!: Request;
  reply!: Reply;
  /** The SHA-1 of a script, or the name of a function. */
  name = '';
  isEval = false;
  isReadOnly = false;
  /** It may write although memory is short. */
  allowsOom = false;
  /** Which replies it gets from commands: see `redis.setresp`. */
  dialect: 2 | 3 = 2;
  /** It called a command that writes: it can't be ended without leaving a part of its work. */
  hasWritten = false;
  /** It was asked to end. */
  isKilled = false;
  /** Suspended until keys are in memory. */
  isAwaiting = false;
  /** Whether it was called within a larger write: a transaction. */
  wasInWrite = false;
  /** When it began: on the monotonic clock, as far as was noticed, or NaN; and the time that its commands see. */
  startedMs = Number.NaN;
  nowMs = 0;
  /** The session's own database; the script may select others. */
  database = 0;
  /** The database and the version of the script's write, as of when it was suspended. */
  selected = 0;
  version = 0;

  /** It is about to begin: what it is, of which name and flags. */
  prepare(interpreter: Interpreter, name: string, isEval: boolean, flags: number, isReadOnly: boolean): void {
    this.interpreter = interpreter;
    this.name = name;
    this.isEval = isEval;
    this.isReadOnly = isReadOnly || (flags & scriptFlags.noWrites) !== 0;
    this.allowsOom = (flags & scriptFlags.allowOom) !== 0;
    this.dialect = 2;
    this.hasWritten = false;
    this.isKilled = false;
    this.isAwaiting = false;
    this.startedMs = Number.NaN;
  }

  /** Who called it, when, and where the result goes. */
  calledBy({ nowMs, session, command, request }: Context, reply: Reply): void {
    this.session = session;
    this.command = command;
    this.request = request;
    this.reply = reply;
    this.nowMs = nowMs;
    this.database = session.database;
  }
}
