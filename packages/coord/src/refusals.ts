/** Commands that are not executed here: what they are told, and what becomes of the transaction that they are in. */
import { hashSlotOf, type Reply, type Request } from '@holdfast/common';
import type { Command, KV, Session } from '@holdfast/engine';
import { type Outcome, outcomes } from './coordinator.js';
import type { Guard } from './guard.js';
import type { Monitors } from './monitors.js';
import { discardedBecause } from './transact.js';
import type { Transactions } from './transactions.js';

export interface RefusalsOptions {
  readonly kv: KV;
  readonly transactions: Transactions;
  readonly monitors: Monitors;
  /** Knows who leads the shard. */
  readonly guard: () => Guard | null;
}

export class Refusals {
  readonly #options: RefusalsOptions;

  constructor(options: RefusalsOptions) {
    this.#options = options;
  }

  /** What is refused makes a transaction fail; a refused EXEC ends it, which monitors are shown. */
  reject(
    session: Session,
    command: Command | null,
    request: Request,
    reply: Reply,
    message: string,
  ): Outcome {
    const { kv, monitors, transactions } = this.#options;
    if (command !== null) kv.registry.figuresOf(command).rejectedCalls++;
    let text = message;
    if (command?.name === 'EXEC') {
      transactions.discard(session);
      if (monitors.size > 0) monitors.observe(session, command, request);
      text = discardedBecause + message.replace(/^ERR /, '');
    } else if (session.transaction !== null) {
      session.transaction.failed = true;
    }
    kv.stats.countError(text);
    reply.error(text);
    return outcomes.done;
  }

  /** Another replica has to execute it. An EXEC ends its transaction, another command of one makes it fail. */
  redirect(session: Session, command: Command, request: Request, reply: Reply): Outcome {
    const { guard, kv, transactions } = this.#options;
    kv.registry.figuresOf(command).rejectedCalls++;
    if (command.name === 'EXEC') transactions.discard(session);
    else if (session.transaction !== null) session.transaction.failed = true;
    reply.notLeader(slotOf(command, request), guard()?.leader ?? null);
    kv.stats.countError(reply.lastError);
    return outcomes.done;
  }
}

/** The hash slot of the first key; -1 when there is none. */
function slotOf(command: Command, request: Request): number {
  let slot = -1;
  command.forEachKey(request, (i) => {
    if (slot < 0) slot = hashSlotOf(request.bytes, request.start(i), request.length(i));
  });
  return slot;
}
