/**
 * One call of one client, from invocation to outcome.
 *
 * Times are integer nanoseconds of one clock that all recorders share. One operation precedes another
 * when it completed strictly before the other was invoked; otherwise the two are concurrent.
 */

/**
 * - `ok`: it took effect between invocation and completion.
 * - `fail`: it certainly did not and never will.
 * - `unknown`: it may take effect at any time after its invocation, or never. So does what is still pending.
 */
export type Outcome = 'ok' | 'fail' | 'unknown';

/** What JSON can carry; histories are files. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

export interface Operation<Input extends Json = Json, Output extends Json = Json> {
  /** Position in its history, in order of invocation. */
  readonly id: number;
  /** Who called: a label for readers. A process may have several operations under way. */
  readonly process: string;
  /** The object that the operation is about. */
  readonly key: string;
  readonly input: Input;
  readonly outcome: Outcome;
  /** What an `ok` operation returned; undefined when that is not known. */
  readonly output: Output | undefined;
  readonly invokedNs: number;
  /** Infinity when the outcome is unknown. */
  readonly completedNs: number;
  /** Why it failed or is unknown. */
  readonly note: string;
}
