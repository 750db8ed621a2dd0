/** How much more the log of a shard can take, where that has an end: the quota of etcd, which all shards share. */
export interface LogRoom {
  /** What there is in all, for all shards. */
  readonly quotaBytes: number;
  /** What of it is in use, as far as is known. */
  readonly usedBytes: number;
  /** Bytes that long writes may still put, as far as is known: what is left beyond them is for all others. */
  readonly roomBytes: number;
  /** So many bytes are about to be put. */
  take(bytes: number): void;
}

/** Of logs that have room for whatever comes. */
export const anyRoom: LogRoom = {
  quotaBytes: Number.POSITIVE_INFINITY,
  usedBytes: 0,
  roomBytes: Number.POSITIVE_INFINITY,
  take() {},
};
