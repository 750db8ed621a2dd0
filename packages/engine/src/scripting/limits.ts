/** Limits of scripts that no parameter sets. */

/** A resumed script runs so long before others get their turn, in ms. */
export const sliceMs = 10;

/** A script that runs where it can't be suspended, for longer than this after it was slow, is ended; in ms. */
export const pinnedMsMax = 5000;

/** Loading a library takes no longer, in ms, as in Redis. */
export const loadMsMax = 500;

/** After so many scripts the collector does a step of this size, in KiB: as in Redis. */
export const tidyingPeriod = 50;
export const collectorStepKiB = 50;
