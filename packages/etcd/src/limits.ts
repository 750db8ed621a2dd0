/** Every limit of the etcd client, named once. */

/** How long one attempt of a call may take, in ms, unless a setting says otherwise. */
export const callTimeoutMsDefault = 2000;

/** How long the other side of a connection may take to show that it is there, after it did not answer a call, in ms. */
export const pingTimeoutMs = 3000;

/** Pause after all endpoints have failed in turn: first, and at most, in ms. */
export const retryPauseMs = { first: 50, most: 1000 } as const;

/** A read is tried so often on each endpoint before it is given up. */
export const roundsMax = 2;

/**
 * How often a client makes sure that it is at the member that leads, how soon after a call failed, and for how long it does
 * not go back to a member whose call failed, in ms.
 */
export const leaderLookMs = 30_000;
export const leaderLookSoonMs = 1000;
export const leaderAvoidMs = 10_000;

/** etcd's own quota where none is configured, in bytes; members before 3.6 do not tell theirs. */
export const quotaBytesDefault: number = 2 * 1024 * 1024 * 1024;

/** How much of the quota may be in use before there is a warning. */
export const quotaWarnShare = 0.8;

/** And before long writes are refused: the rest is for all others, until something is freed. */
export const longWriteShare = 0.9;

/** History is kept for this long, in ms: a read at a revision of the last minute always succeeds. */
export const historyMs = 60_000;

/** And for this long where etcd is nearly full. */
export const shortHistoryMs = 10_000;

/** How often the members are asked how full they are, in ms. */
export const careIntervalMs = 10_000;

/** etcd takes no longer request, in bytes, unless it is configured otherwise. */
export const requestBytesMax: number = 1536 * 1024;

/** etcd takes no more comparisons, and no more operations, in one transaction. */
export const transactionOpsMax = 128;
