/** Every limit of the oracle, named once. */

/**
 * How far ahead of use the persisted mark is taken, in ms of timestamps. It is renewed at half, so at least
 * 20,480 timestamps are always at hand: 50 ms of 400,000 writes a second, while a store of the mark takes
 * 1 ms on a good disk. After a crash the oracle starts this far ahead of the clock, which harms nobody.
 */
export const aheadMsDefault = 10_000;

/** Pause before a store of the mark that failed is tried again. */
export const retryDelayMs = 100;
