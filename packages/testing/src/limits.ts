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
