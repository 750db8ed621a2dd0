/** Every limit of replicas, named once. */
import type { Log } from '@holdfast/log';
import type { LogRoom } from './log-room.js';

/** How long others leave a leader alone after its last entry, in ms: far longer than any stall of an event loop. */
export const leaseMsDefault = 2000;

/** How much longer than a lease others wait, for clocks that differ in rate. */
export const takeoverShare = 1.1;

/** Beyond that, a random part of the lease up to this share: so that not all campaign at once. */
export const spreadShare = 0.2;

/** How long a replica waits before it tries again what failed, in ms. */
export const retryDelayMs = 100;

/**
 * How soon after it applied something a follower looks for more, in ms. Each look costs it and etcd a call, and no
 * write waits for it: stale reads are so much older.
 */
export const followPauseMs = 10;

/** After a batch of so many bytes the leader's next one gathers for longer: as long as that took, at most so many ms. */
export const gatheredBytesMin: number = 8 * 1024;
export const gatherMsMax = 20;

/** A snapshot is taken when this much was applied since the last one, and twice its size, in bytes. */
export const snapshotLogBytes: number = 64 * 1024 * 1024;

/**
 * What the logs of all shards together may have of etcd's quota when snapshots are due: the rest is for what is written
 * while those are taken, and for what was trimmed and is history for two minutes more.
 */
const logsQuotaShare = 0.4;

/** Of one of so many shards, in bytes: without room in etcd nobody can say any more that a log may be trimmed. */
export function logBytesMaxOf(quotaBytes: number, shards: number): number {
  return (quotaBytes * logsQuotaShare) / Math.max(1, shards);
}

/**
 * What may be in use of etcd's quota while logs wait for replicas that are behind, or down. Beyond it a leader's own disk
 * counts alone, so that nobody who never comes back fills etcd, which would stop every shard.
 */
const waitQuotaShare = 0.5;

/** Whether logs wait for nobody any more. */
export function isRoomShort({ quotaBytes, usedBytes }: Pick<LogRoom, 'quotaBytes' | 'usedBytes'>): boolean {
  return usedBytes > quotaBytes * waitQuotaShare;
}

/** How often a leader looks whether to take one, and what of the log can go, in ms. */
export const keepIntervalMs = 5000;

/** What a batch may have beside the arguments of a command, in bytes: records around them. */
const batchOverheadBytes: number = 64 * 1024;

/**
 * A command, a script or a transaction that writes more than this is refused, in bytes, whatever its arguments (COPY): a
 * leader that describes 300 MiB in one turn stands still for longer than its lease lasts, and until what is written is
 * committed all others of its shard wait.
 */
const writeBytesMax: number = 64 * 1024 * 1024;

/** What a write may have in the log altogether: a longer one is refused before it is done. */
export function writeBytesMaxOf({ batchBytesMax }: Pick<Log, 'batchBytesMax'>): number {
  return Math.min(writeBytesMax, batchBytesMax) - batchOverheadBytes;
}

/** What writes more than this needs room in etcd that others may need: it is refused where that is short. */
export const longWriteBytesMin: number = 1024 * 1024;

/** A batch of a snapshot travels in pieces of this size, in bytes: far below what gRPC takes in a message. */
export const snapshotPieceBytesMax: number = 1024 * 1024;
