/** Bounds of this package, named once. */

/**
 * Steps of a model that one check may take before it gives up as undecided, unless told otherwise: some
 * seconds.
 */
export const checkStepsMax = 20_000_000;

/** Bytes that one check may use for what it has seen before it gives up as undecided. */
export const checkBytesMax = 512 * 1024 * 1024;

/** Steps that may be spent to make one counterexample smaller. */
export const shrinkStepsMax = 2_000_000;

/** Bytes that one direction of a proxied connection holds back before its source is not read any further: 1 MiB. */
export const flowBytesMax = 1024 * 1024;

/** Lines of a process under test that are kept, at least. */
export const logLinesMax = 2000;

/** Events at one moment of virtual time after which a simulation takes itself for stuck. */
export const eventsPerMomentMax = 100_000;

/** Virtual milliseconds after which a simulated stream that gets nothing through is given up by its sender. */
export const streamTimeoutMs = 10_000;

/** Lines of a trace that a failure shows. */
export const traceTailLines = 60;
