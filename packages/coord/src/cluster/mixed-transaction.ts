/**
 * A transaction of which the gateway does a part. The shard does what is of keys, at one moment; what is about the
 * connection, the gateway or figures of servers follows once that is done, and stands where it was queued:
 *
 *     queue        SET k 1 | CLIENT SETNAME x | INFO | GET k
 *     the shard    SET k 1 |                         | GET k        -> *2 +OK $1
 *     replies   *4 +OK       +OK                $...   $1
 *
 * Where the shard says that it did nothing, nothing else is done either.
 */
import { endOfReply, type Request } from '@holdfast/common';
import type { Command, QueuedCommand } from '@holdfast/engine';
import { type Outcome, outcomes } from '../coordinator.js';
import type { ClusterCoordinator } from './cluster-coordinator.js';
import type { Answer } from './reply-queue.js';
import type { RoutedSession } from './routed-session.js';
import type { Run, RunOwner } from './run.js';
import { places } from './transaction-places.js';

/** A queued command, and one of `places`. */
export interface PlacedCommand extends QueuedCommand {
  readonly place: number;
}

const [plus, minus, star] = [43, 45, 42];

export class MixedTransaction implements RunOwner {
  readonly #coordinator: ClusterCoordinator;
  readonly #session: RoutedSession;
  readonly #queue: readonly PlacedCommand[];
  /** Of EXEC: what the shard says if it did nothing, otherwise how many replies follow. */
  readonly #answer: Answer;
  readonly #exec: Command;
  readonly #request: Request;
  #pieces: Buffer[] = [];

  constructor(
    coordinator: ClusterCoordinator,
    session: RoutedSession,
    queue: readonly PlacedCommand[],
    exec: Command,
    request: Request,
  ) {
    this.#coordinator = coordinator;
    this.#session = session;
    this.#queue = queue;
    this.#exec = exec;
    this.#request = request.toOwned();
    this.#answer = coordinator.answerLater(session);
  }

  /** No shard is asked for a part of it. */
  runHere(): Outcome {
    const { replies } = this.#session;
    this.#runAll(null);
    replies.ready(this.#answer);
    return replies.isEmpty ? outcomes.done : this.#coordinator.forwarder.outcome(this.#session, false);
  }

  /** The shard is asked: the client goes on when all of it is answered. */
  awaitShard(): Outcome {
    this.#session.awaitReplies();
    this.#coordinator.observesLater();
    return outcomes.pending;
  }

  // RunOwner

  answered(run: Run, _count: number, bytes: Buffer, start: number, length: number, version: number): void {
    this.#pieces.push(Buffer.from(bytes.subarray(start, start + length)));
    if (run.isComplete) this.#finish(Buffer.concat(this.#pieces), version);
  }

  failed(_run: Run, message: string): void {
    this.#answer.held.error(message);
    this.#end();
  }

  split(): void {}

  #finish(reply: Buffer, version: number): void {
    const { front, kv } = this.#coordinator;
    const session = this.#session;
    if (kv.host.sessionById(session.id) !== session) return;
    if (reply[0] === star && reply[1] !== minus) {
      front.beginTurn();
      this.#runAll(reply);
    } else {
      this.#answer.held.raw(reply, 0, reply.length);
    }
    if (version !== 0) session.keyVersion = version;
    this.#end();
  }

  #end(): void {
    const session = this.#session;
    this.#coordinator.front.observe(session, this.#exec, this.#request);
    // What was run meanwhile may have said that the client may go on.
    session.awaitReplies();
    session.replies.ready(this.#answer);
  }

  /** Puts the shard's replies and those of the gateway behind the number of them. */
  #runAll(shardReply: Buffer | null): void {
    const { kv } = this.#coordinator;
    this.#answer.held.array(this.#queue.length);
    const wasInWrite = kv.enterWrite();
    let at = shardReply === null ? 0 : shardReply.indexOf('\n') + 1;
    for (const queued of this.#queue) {
      if (shardReply === null || queued.place === places.gateway) {
        this.#coordinator.runQueued(this.#session, queued.command, queued.request);
        continue;
      }
      const end = endOfReply(shardReply, at, shardReply.length);
      this.#passOn(queued, shardReply.subarray(at, end));
      at = end;
    }
    kv.leaveWrite(wasInWrite);
  }

  #passOn({ command, request }: PlacedCommand, reply: Buffer): void {
    const session = this.#session;
    this.#coordinator.front.observe(session, command, request);
    if (command.fullName === 'select' && reply[0] === plus) session.database = request.integer(1);
    const answer = this.#coordinator.answerLater(session);
    answer.held.raw(reply, 0, reply.length);
    session.replies.ready(answer);
  }
}
