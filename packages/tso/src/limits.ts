/** Every limit of the oracle, named once. */

/**
 * How far ahead of use the persisted mark is taken, in ms of timestamps. It is renewed at half, so at least
 * 20,480 timestamps are always at hand: 50 ms of 400,000 writes a second, while a store of the mark takes
 * 1 ms on a good disk. After a crash the oracle starts this far ahead of the clock, which harms nobody.
 */
export const aheadMsDefault = 10_000;

/** Pause before a store of the mark that failed is tried again. */
export const retryDelayMs = 100;

/** How long an instance of the service may lead after a renewal, in ms: far longer than an event loop stalls. */
export const holdMsDefault = 3000;

/** Renewals within one hold. */
export const renewalsPerHold = 3;

/** How much longer than a hold another instance waits. */
export const takeoverShare = 1.25;

/** After so much of a hold without a word of its owner nobody is told any more that it leads: it renews three times in one. */
export const silenceShare = 2;

/** As `aheadMsDefault`, for the service: what a failover puts timestamps ahead of the clock at most. */
export const serviceAheadMsDefault = 3000;

/** Timestamps of one request: a quarter of a second of them. */
export const requestCountMax: number = 1024 * 1024;

/** Streams of one connection to the service. */
export const streamsMax = 1000;

/** Calls of one client that may wait for an answer. */
export const callsWaitingMax: number = 1024 * 1024;

/** How long a client waits for timestamps before it gives up, in ms: longer than a failover takes. */
export const fetchTimeoutMsDefault = 10_000;

/** How exactly that is kept, in ms. */
export const expireStepMs = 50;

/** How long a stream may leave a request unanswered before the client tries another instance, in ms. */
export const answerTimeoutMs = 1000;

/** For how long an instance that failed is only tried in its turn, whoever says that it leads, in ms. */
export const avoidMs = 5000;

/** Pause before a client tries the next instance: first, and at most, in ms. */
export const reconnectMs = { first: 10, most: 250 } as const;

/** What a client holds for `next`, and how few are left of it when it fetches more. */
export const heldCount = { full: 65_536, few: 16_384 } as const;
