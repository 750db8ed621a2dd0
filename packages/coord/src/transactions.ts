/** MULTI, EXEC and WATCH: commands queued by a session, run as one, guarded by keys that must not change. */
import type { Reply, Request } from '@holdfast/common';
import type { Command, KV, QueuedCommand, Session, Transaction } from '@holdfast/engine';
import { discardedBecause } from './transact.js';
import { Watches } from './watches.js';

/** A transaction that runs. */
interface RunningTransaction {
  readonly session: Session;
  /** Another one once it waited for a script. */
  reply: Reply;
  readonly queue: readonly QueuedCommand[];
  /** EXEC itself. */
  readonly command: Command;
  /** Index of the next queued command. */
  next: number;
}

export interface TransactionsOptions {
  readonly kv: KV;
  /** Runs one queued command. */
  readonly execute: (session: Session, command: Command, request: Request, reply: Reply) => void;
  /** Somebody began or ceased to watch keys. */
  readonly onChange: () => void;
}

/** What a queued command takes beside its arguments, about: 466 bytes of two short ones were measured (Node 20). */
const queuedBytes = 512;

export class Transactions {
  readonly watches: Watches;
  readonly #options: TransactionsOptions;
  /** Waits for the script that one of its commands called. */
  #interrupted: RunningTransaction | null = null;

  constructor(options: TransactionsOptions) {
    this.#options = options;
    this.watches = new Watches(options.kv.storage);
  }

  queue(transaction: Transaction, command: Command, request: Request): void {
    const owned = request.toOwned();
    transaction.queue.push({ command, request: owned });
    transaction.bytes += owned.bytes.length + owned.offsets.byteLength + queuedBytes;
    const { scripting } = this.#options.kv;
    if (command.isWrite) transaction.isWrite = true;
    if (command.mayReplicate && !scripting.onlyReads(command, request)) transaction.mayReplicate = true;
  }

  watch(session: Session, database: number, key: Uint8Array): void {
    this.watches.add(session, database, key, this.#options.kv.context.nowMs);
    this.#options.onChange();
  }

  unwatch(session: Session): void {
    if (session.watched.length === 0) return;
    this.watches.clear(session);
    this.#options.onChange();
  }

  /**
   * The data may be others now: no watch holds. A transaction that waits for a script does not go on, in the middle
   * of its reply: its session, or null.
   */
  breakAll(): Session | null {
    const session = this.#interrupted?.session ?? null;
    this.#interrupted = null;
    this.watches.breakAll();
    return session;
  }

  /** Ends the transaction without running it, watched keys included. */
  discard(session: Session): void {
    session.transaction = null;
    this.unwatch(session);
  }

  /** Runs the queued commands as one write, and writes their replies. */
  exec(session: Session, reply: Reply): void {
    const transaction = session.transaction!;
    const { context } = this.#options.kv;
    const isBroken = this.watches.isBroken(session, context.nowMs);
    this.discard(session);
    if (transaction.failed) {
      reply.error('EXECABORT Transaction discarded because of previous errors.');
      return;
    }
    if (isBroken) {
      reply.nullArray();
      return;
    }
    const tooLong = this.#refusalByLog(transaction);
    if (tooLong !== null) {
      reply.error(discardedBecause + tooLong);
      return;
    }
    reply.array(transaction.queue.length);
    const { queue } = transaction;
    this.#run({ session, reply, queue, command: context.command, next: 0 }, 0);
  }

  /** Why the log does not take what a transaction says, all of it one batch; null when it does. */
  #refusalByLog({ bytes, isWrite, queue }: Transaction): string | null {
    const { journal } = this.#options.kv.storage;
    if (journal === null || !isWrite || journal.takes(bytes)) return null;
    const writes = queue.filter(({ command }) => command.isWrite);
    return journal.takes(writes.reduce((sum, { request }) => sum + request.span, 0)) ? null : journal.refusal;
  }

  /** The script is done that a transaction waited for: its other commands follow. Nothing when there was none. */
  resume(reply: Reply): void {
    const running = this.#interrupted;
    if (running === null) return;
    this.#interrupted = null;
    running.reply = reply;
    const { kv } = this.#options;
    this.#run(running, kv.storage.stamp.version);
    if (this.#interrupted === null) kv.finish(running.session, running.command, running.reply);
  }

  /** Runs what is left, as one write with what came before, whose version is given. */
  #run(running: RunningTransaction, version: number): void {
    const { execute, kv } = this.#options;
    const { context } = kv;
    const { session, queue, reply } = running;
    const { request } = context;
    const reached = kv.transaction(() => {
      while (running.next < queue.length) {
        const queued = queue[running.next++];
        const denied = session.isUnlimited
          ? null
          : kv.access.refusalAtExec(session, queued.command, queued.request);
        if (denied !== null) {
          kv.stats.countError(denied);
          reply.error(denied);
          continue;
        }
        execute(session, queued.command, queued.request, reply);
        if (!context.hasBlocked) continue;
        this.#interrupted = running;
        return;
      }
    }, version);
    context.command = running.command;
    context.request = request;
    if (this.#interrupted !== null) return;
    session.keyVersion = reached;
    // An error of a queued command was counted as its own; EXEC itself succeeded.
    reply.failed = false;
  }
}
