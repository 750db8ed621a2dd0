/** MULTI, EXEC and WATCH: commands queued by a session, run as one, guarded by keys that must not change. */
import type { Reply, Request } from '@holdfast/common';
import type { Command, KV, Session, Transaction } from '@holdfast/engine';
import { Watches } from './watches.js';

export interface TransactionsOptions {
  readonly kv: KV;
  /** Runs one queued command. */
  readonly execute: (session: Session, command: Command, request: Request, reply: Reply) => void;
  /** Somebody began or ceased to watch keys. */
  readonly onChange: () => void;
}

export class Transactions {
  readonly watches: Watches;
  readonly #options: TransactionsOptions;

  constructor(options: TransactionsOptions) {
    this.#options = options;
    this.watches = new Watches(options.kv.storage);
  }

  queue(transaction: Transaction, command: Command, request: Request): void {
    const owned = request.toOwned();
    transaction.queue.push({ command, request: owned });
    transaction.bytes += owned.bytes.length;
    if (command.isWrite || command.flags.has('may_replicate')) transaction.isWrite = true;
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

  /** Ends the transaction without running it, watched keys included. */
  discard(session: Session): void {
    session.transaction = null;
    this.unwatch(session);
  }

  /** Runs the queued commands as one write, and writes their replies. */
  exec(session: Session, reply: Reply): void {
    const transaction = session.transaction!;
    const { kv, execute } = this.#options;
    const { context } = kv;
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
    reply.array(transaction.queue.length);
    const { command, request } = context;
    const version = kv.transaction(() => {
      for (const queued of transaction.queue) execute(session, queued.command, queued.request, reply);
    });
    context.command = command;
    context.request = request;
    session.keyVersion = version;
    // An error of a queued command was counted as its own; EXEC itself succeeded.
    reply.failed = false;
  }
}
