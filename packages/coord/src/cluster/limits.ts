/** Limits of forwarding. */
import { messageBytesMax } from '@holdfast/rpc';

/** A message to a node goes out when it has this many bytes or requests, or at the end of the turn. */
export const messageBytes: number = 64 * 1024;
export const messageRequestsMax = 2048;

/** Messages that a channel keeps to be filled again. */
export const messagesPooledMax = 64;

/** Longest request that a message can carry, its envelope aside. */
export const requestBytesMax: number = messageBytesMax - 64 * 1024;

/** Numbers of a stream's sessions: they are used again from the first one on, after so many sessions that nothing remembers it. */
export const sessionNumbers: number = 2 ** 28;

/** A session with more on its way than this is read no further until half of it is answered. */
export const sessionRequestsMax = 4096;
export const sessionBytesMax: number = 4 * 1024 * 1024;

/** While more replies than this wait for a client that does not read, or for their turn, nodes wait with further ones. */
export const sessionOutputBytesMax: number = 4 * 1024 * 1024;

/** Longest reply that waits for its turn, of what the gateway says itself or puts together. */
export const heldReplyBytesMax: number = 512 * 1024 * 1024;

/** Smaller ones alone, as many as may be on their way, are no reason to look. */
export const smallReplyBytes: number = 1024;

/** A client whose replies are held back is told of so many keys at once, behind them; of more it is told that all may have changed. */
export const noticeKeysMax = 1024;

/** How long a request that was not executed is tried again, in ms. */
export const retryTimeoutMs = 5000;

/** How long to wait before the same leader is asked again that refused: first, and at most, in ms. */
export const retryPauseMs = { first: 10, max: 200 } as const;

/** How long to wait before a broken stream is opened again: first, and at most, in ms. */
export const reconnectMs = { first: 20, max: 1000 } as const;

/** What waits for a leader is looked at this often, in ms. */
export const sweepMs = 50;

/** The map and the nodes are read this often, whatever their watch says, in ms. */
export const metaIntervalMs = 5000;

/** A hold on logs ends so long after whoever took it was last heard of, and is renewed this often. */
export const holdSeconds = 60;
export const holdRenewalMs = 15_000;

/**
 * A node's name is its own for so long after it was last heard of; it is renewed this often, and somebody else who wants it
 * looks this often whether it is.
 */
export const claimSeconds = 10;
export const claimRenewalMs = 2500;
export const claimPollMs = 500;
