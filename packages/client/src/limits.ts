/** Defaults and limits of both stores. */

/** How long a call may take, in ms, unless it says otherwise. */
export const timeoutMsDefault = 10_000;

/** A Batch message is sent when it has this many bytes or commands. */
export const messageBytes: number = 64 * 1024;
export const messageCommands = 500;

/** Calls that may wait at a time. */
export const pendingMax = 1_000_000;

/** How long to wait before a broken stream is opened again: first, and at most, in ms. */
export const backoffMs = { first: 20, max: 2000 } as const;

/** Calls that are over time are looked for no more often than this, in ms. */
export const sweepMs = 10;
