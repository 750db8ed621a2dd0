/**
 * Keeps the log of a shard short, and what this replica would need of it: takes a snapshot of a storage in memory
 * when enough was applied since the last one, tells the others up to where this replica needs the log no more, and,
 * on the leader, trims what a majority of the replicas needs no more; where room is short, what it has on its own disk.
 *
 *     covered by    leader 90 | n2 80 | n3 20 (down)          trimmed up to 80
 *                   leader 90 | n2 20 (down)                  up to 20, and up to 90 once etcd is half full
 *
 * What was trimmed is on the disks of that majority, or of that leader, alone. So a replica that took its state from another one writes it to
 * its own disk at once, and one whose disk has less than it said, because it is a new one, says so.
 *
 * The others, if they are behind that, get a snapshot from one of those.
 */
import { type Env, KvError, Recurring } from '@holdfast/common';
import type { Log, Position } from '@holdfast/log';
import type { SnapshotFiles } from '../snapshot-files.js';
import { isRoomShort, keepIntervalMs, snapshotLogBytes } from './limits.js';
import { anyRoom, type LogRoom } from './log-room.js';
import type { Replica } from './replica.js';
import { holdMark, type ShardRegister } from './shard-register.js';

export interface ReplicaKeeperOptions {
  readonly replica: Replica;
  readonly env: Env;
  readonly log: Log;
  readonly node: string;
  /** The nodes with a replica, as they are now. */
  readonly nodes: () => readonly string[];
  readonly register: ShardRegister;
  /** Null for a storage that writes its own disk. */
  readonly snapshots: SnapshotFiles | null;
  /** Something failed and is tried again. */
  readonly onError: (error: unknown) => void;
  /** See limits.ts. */
  readonly intervalMs?: number;
  readonly logBytes?: number;
  /** And after how many times the size of the last snapshot; 2 when not given. */
  readonly sizeShare?: number;
  /** But at this at the latest: what the log may take of where it is kept. Any length when not given. */
  readonly logBytesMax?: () => number;
  /** Any when not given. */
  readonly room?: LogRoom;
}

export class ReplicaKeeper {
  readonly #options: ReplicaKeeperOptions;
  /** Null until it has reported in this life. */
  #reported: Position | null = null;
  /** What the disk here has, reported or not. */
  #covered: Position = 0;
  #trimmed: Position = 0;
  /** Of the last snapshot. */
  #snapshotBytes = 0;
  /** `Replica.appliedBytes` when that was taken, and `Replica.fetches` of what it was taken of. */
  #appliedBefore = 0;
  #fetchesBefore = 0;
  /** Why the last snapshot could not be written. */
  #snapshotFailure: KvError | null = null;
  readonly #keeping: Recurring;

  constructor(options: ReplicaKeeperOptions) {
    this.#options = options;
    const { env, intervalMs = keepIntervalMs, onError } = options;
    this.#keeping = new Recurring({ timers: env.timers, intervalMs, work: () => this.#keep(), onError });
  }

  /** Up to where the replica needs the log no more, as the others know it. */
  get reported(): Position {
    return this.#reported ?? 0;
  }

  /** Why the disk here takes nothing, and the log grows for this replica; null while it does. */
  get diskFailure(): KvError | null {
    return this.#options.replica.storage.failure ?? this.#snapshotFailure;
  }

  /** When the last snapshot was finished, in ms since 1970; 0 for none. */
  lastFinishedMs = 0;
  /** How many writes there had been when it began. */
  savedWrites = 0;
  isTaking = false;

  /** Takes a snapshot now, or joins the one under way. Throws KvError UNAVAILABLE, DISK. */
  take(): Promise<void> {
    return this.#keeping.instead(() => this.#take());
  }

  close(): Promise<void> {
    return this.#keeping.close();
  }

  async #keep(): Promise<void> {
    const { replica, snapshots } = this.#options;
    const { appliedBytes } = replica;
    // A state from another node, or built again, counts from its beginning.
    if (appliedBytes < this.#appliedBefore) this.#appliedBefore = 0;
    const isLong = appliedBytes - this.#appliedBefore > this.#logBytes;
    // One that could not be written is due until it can: nobody would know that there is room again.
    const isDue = isLong || replica.fetches > this.#fetchesBefore || this.#snapshotFailure !== null;
    if (snapshots !== null && isDue && replica.isSound) await this.#take();
    try {
      await this.#report();
    } finally {
      // A full etcd takes no report, and room is made there by trimming what was reported before.
      if (replica.role === 'leader') await this.#trim();
    }
    // A storage that writes its own disk does so behind everybody's back: here it is said that it can't.
    if (replica.storage.failure !== null) throw replica.storage.failure;
  }

  /** A snapshot is taken when the log has grown by so much. */
  get #logBytes(): number {
    const { logBytes = snapshotLogBytes, logBytesMax, sizeShare = 2 } = this.#options;
    const most = logBytesMax?.() ?? Number.POSITIVE_INFINITY;
    return Math.min(most, Math.max(logBytes, sizeShare * this.#snapshotBytes));
  }

  async #take(): Promise<void> {
    const { env, replica, snapshots } = this.#options;
    const { writes } = replica.storage.stamp;
    this.isTaking = true;
    try {
      if (snapshots === null) await replica.storage.flush();
      else await this.#write(snapshots);
      this.lastFinishedMs = env.clock.now();
      this.savedWrites = writes;
    } finally {
      this.isTaking = false;
    }
  }

  async #write(snapshots: SnapshotFiles): Promise<void> {
    const { replica } = this.#options;
    const { appliedBytes, fetches } = replica;
    const { batches, from, to } = await replica.offers.snapshot();
    try {
      this.#snapshotBytes = await snapshots.write(from, batches, async () => to());
      this.#snapshotFailure = null;
    } catch (error) {
      if (error instanceof KvError && error.code === 'DISK') this.#snapshotFailure = error;
      throw error;
    }
    this.#appliedBefore = appliedBytes;
    this.#fetchesBefore = fetches;
    await snapshots.removeOld();
  }

  async #report(): Promise<void> {
    const { node, register, replica, snapshots } = this.#options;
    const newest = snapshots === null ? null : await snapshots.newest();
    const position = snapshots === null ? replica.storage.durablePosition : (newest?.from ?? 0);
    this.#covered = position;
    if (position === this.#reported) return;
    await register.report(replica.shard, node, position);
    this.#reported = position;
  }

  async #trim(): Promise<void> {
    const { log, nodes, register, replica, room = anyRoom } = this.#options;
    const sufficient = isRoomShort(room) ? this.#covered : 0;
    const position = trimmable(nodes(), await register.positions(replica.shard), sufficient);
    if (position <= this.#trimmed) return;
    await log.trim(position + 1);
    this.#trimmed = position;
  }
}

/**
 * The last position that nobody needs: more than half of the nodes, and whoever holds the log. Up to `sufficient` it does
 * not matter what the nodes need.
 */
export function trimmable(
  nodes: readonly string[],
  positions: ReadonlyMap<string, Position>,
  sufficient: Position,
): Position {
  const held = [...positions].filter(([name]) => name.startsWith(holdMark)).map(([, position]) => position);
  return Math.min(Math.max(coveredByMajority(nodes, positions), sufficient), ...held);
}

/** The last position that more than half of the nodes need no more. */
export function coveredByMajority(
  nodes: readonly string[],
  positions: ReadonlyMap<string, Position>,
): Position {
  const covered = nodes.map((node) => positions.get(node) ?? 0).sort((a, b) => b - a);
  return covered[Math.floor(nodes.length / 2)] ?? 0;
}
