/** Limits of the command line. */

/** How long one answer of a process is waited for, in ms, unless `--timeout` says otherwise. */
export const timeoutMsDefault = 5000;

/** How long a replica that is being made is waited for, in ms, unless `--wait` says otherwise. */
export const catchUpMsDefault = 600_000;

/** How long a shard may be without a leader while a backup is taken, in ms: several times what an election takes. */
export const leaderWaitMs = 20_000;

/** How often a shard's part of a backup is begun that comes to no end, because its leaders are lost on the way. */
export const partAttemptsMax = 5;

/** How often what is waited for is looked at, in ms. */
export const pollMs = 100;

/** And how long a node may take to answer then, in ms. */
export const lookTimeoutMs = 1000;

/** Replicas that are made at a time when nodes come and go. */
export const movesAtOnce = 4;

/** A follower this many entries behind has caught up: a leader appends a few a second when it has nothing to do. */
export const caughtUpLag = 16;

/** How often somebody who waits is told how far it is, in ms. */
export const progressIntervalMs = 1000;

/** So many findings of a check are listed; all are counted. */
export const findingsMax = 100;
