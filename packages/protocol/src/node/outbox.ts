/**
 * What is to be sent to a gateway, and what of it has to wait for a commit.
 *
 *     out   | run 7, shard a | push, shard a | run 9, shard b |      entries: where each is, which version it needs
 *     held  shard a: | run 3 | run 4 |, shard b: ...                 what was not committed at the end of its turn
 *
 * Within a session the order stays: what depends on no more than what is held before it is held behind that, also when just
 * this is committed by now. A commit may end in the middle of a turn, of which the rest waits on.
 */
// @hot-path
import type { Coordinator } from '@holdfast/coord';
import { messageBytesMax } from '@holdfast/rpc';
import type { BufferPool } from '../resp/buffer-pool.js';
import { outputMessageBytes } from './limits.js';
import { RunReply } from './reply.js';
import type { NodeSession } from './session.js';
import type { Shard } from './shard.js';

export const entryKinds = { replies: 0, note: 1, push: 2 } as const;

class Entry {
  kind = 0;
  /** Null for a run that no session took. */
  session: NodeSession | null = null;
  runId = 0;
  /** Requests that are answered. */
  count = 0;
  start = 0;
  end = 0;
  /** May leave once it is committed. */
  version = 0;
  /** The smallest version that something in it depends on and nothing before it did. */
  firstVersion = 0;
}

/** Replies of one shard and one turn that wait for a commit. */
class Held {
  readonly shard: Shard;
  readonly out: RunReply;
  readonly entries: Entry[] = [];
  /** The greatest that one of them depends on, and those that were held before. */
  version: number;

  constructor(shard: Shard, pool: BufferPool, version: number) {
    this.shard = shard;
    this.out = new RunReply(pool);
    this.version = version;
  }

  add(entry: Entry): void {
    this.entries.push(entry);
    entry.session!.heldEntries++;
    if (entry.version > this.version) this.version = entry.version;
  }

  /** They wait no longer. */
  letGo(): void {
    for (const { session } of this.entries) session!.heldEntries--;
  }
}

export interface OutboxOptions {
  readonly pool: BufferPool;
  /** Sends `bytes[0, length)`, which is from the pool, and gives it back. */
  readonly send: (bytes: Buffer, length: number) => void;
}

export class Outbox {
  readonly out: RunReply;
  readonly #options: OutboxOptions;
  /** Used again, the first `#count` of them. */
  #entries: Entry[] = [];
  #count = 0;
  /** In the order of their turns. */
  #held: Held[] = [];
  /** Bytes of them. */
  heldBytes = 0;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.out = new RunReply(options.pool);
  }

  /** Something was written to `out`, from `start` on. */
  add(
    kind: number,
    session: NodeSession | null,
    runId: number,
    count: number,
    start: number,
    firstVersion: number,
  ): void {
    // What was not executed depends on nothing: it only stays behind what is held of its session.
    const dependsOn = session === null || kind === entryKinds.note ? 0 : session.session.dependsOn;
    const entry = (this.#entries[this.#count] ??= new Entry());
    this.#count++;
    entry.kind = kind;
    entry.session = session;
    entry.runId = runId;
    entry.count = count;
    entry.start = start;
    entry.end = this.out.length;
    entry.version = dependsOn;
    entry.firstVersion = firstVersion === 0 ? dependsOn : firstVersion;
  }

  /** Sends what is committed, and holds the rest. */
  flush(): void {
    const count = this.#count;
    if (count === 0) return;
    let isGated = false;
    let shard: Shard | null = null;
    let committedVersion = 0;
    for (let i = 0; i < count && !isGated; i++) {
      const { session, version } = this.#entries[i];
      if (session === null) continue;
      if (session.shard !== shard) {
        shard = session.shard;
        committedVersion = shard.coordinator.committedVersion;
      }
      isGated = version > committedVersion || session.heldEntries > 0;
    }
    if (isGated) this.#hold(count);
    this.#count = 0;
    this.#send(this.out);
  }

  /**
   * Sends what has been waiting for a commit of this shard: the turns that one append committed as one message, not
   * each as its own. With 500 clients and pipelines of 16 an append commits about seven.
   */
  release(shard: Shard): void {
    if (this.#held.length === 0) return;
    const { committedVersion } = shard.coordinator;
    let kept = 0;
    let ready: RunReply | null = null;
    for (const held of this.#held) {
      if (held.shard !== shard || held.version > committedVersion) {
        this.#held[kept++] = held;
        continue;
      }
      held.letGo();
      this.heldBytes -= held.out.length;
      if (ready !== null && ready.length + held.out.length <= outputMessageBytes) {
        ready.raw(held.out.bytes, 0, held.out.length);
        held.out.consume(held.out.length, false);
        continue;
      }
      if (ready !== null) this.#send(ready);
      ready = held.out;
    }
    this.#held.length = kept;
    if (ready !== null) this.#send(ready);
  }

  /**
   * The shard's replica has lost the lead: instead of the replies that wait, it is said what became of their
   * requests. During the coordinator's call of `onRevoked`.
   */
  revoke(shard: Shard): void {
    this.flush();
    const revoked = this.#held.filter((held) => held.shard === shard);
    if (revoked.length === 0) return;
    this.#held = this.#held.filter((held) => held.shard !== shard);
    for (const held of revoked) {
      held.letGo();
      this.heldBytes -= held.out.length;
      if (this.out.length + held.out.length > messageBytesMax) this.#send(this.out);
      for (const entry of held.entries) this.#tell(shard.coordinator, held, entry);
      held.out.consume(held.out.length, false);
    }
    this.#send(this.out);
  }

  /** Forgets everything. */
  clear(): void {
    this.#count = 0;
    this.out.consume(this.out.length, false);
    for (const held of this.#held) held.out.consume(held.out.length, false);
    this.#held = [];
    this.heldBytes = 0;
  }

  /** Moves what has to wait out of `out`; the rest closes up. */
  #hold(count: number): void {
    const { out } = this;
    const fresh: Held[] = [];
    let length = 0;
    for (let i = 0; i < count; i++) {
      const entry = this.#entries[i];
      const { session, start, end } = entry;
      if (session === null || !isHeldBack(session, entry.version)) {
        if (start > length) out.bytes.copyWithin(length, start, end);
        length += end - start;
        continue;
      }
      const held = this.#heldOf(session.shard, fresh);
      entry.start = held.out.length;
      held.out.raw(out.bytes, start, end - start);
      this.heldBytes += end - start;
      entry.end = held.out.length;
      held.add(entry);
      this.#entries[i] = new Entry();
    }
    out.length = length;
    for (const held of fresh) this.#held.push(held);
  }

  #heldOf(shard: Shard, fresh: Held[]): Held {
    for (const held of fresh) if (held.shard === shard) return held;
    let version = 0;
    for (const held of this.#held) if (held.shard === shard) version = held.version;
    const held = new Held(shard, this.#options.pool, version);
    fresh.push(held);
    return held;
  }

  #tell(coordinator: Coordinator, { out }: Held, entry: Entry): void {
    const { kind, session, runId, start, end } = entry;
    const isCommitted = coordinator.fateOf(entry.version) === 'committed';
    if (isCommitted || kind === entryKinds.note) {
      this.out.raw(out.bytes, start, end - start);
    } else if (kind === entryKinds.replies) {
      // Requests that share a part share their fate: unknown, unless none of them is in the log.
      const isDropped = coordinator.fateOf(entry.firstVersion) === 'dropped';
      if (isDropped && session!.refusedRun === runId) return;
      this.out.begin(runId);
      this.out.end(0, 0, isDropped ? 0 : entry.count, isDropped);
      if (!isDropped) return;
      session!.isRefusing = true;
      session!.refusedRun = runId;
    }
  }

  #send(out: RunReply): void {
    const { bytes, length } = out;
    if (length === 0) return;
    out.consume(length, true);
    this.#options.send(bytes, length);
  }
}

/** It may not leave yet: it is not committed, or something of its session before it is held. */
function isHeldBack({ heldEntries, shard }: NodeSession, version: number): boolean {
  return heldEntries > 0 || version > shard.coordinator.committedVersion;
}
