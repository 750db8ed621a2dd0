/**
 * What an object should do when its operations happen one at a time: the sequential specification that
 * histories are checked against.
 *
 *     const mutex: Model<string | null, { op: 'lock' | 'unlock'; owner: string }, boolean> = {
 *       name: 'mutex',
 *       initial: () => null,
 *       step(holder, { op, owner }, output) {
 *         const isDone = op === 'lock' ? holder === null : holder === owner;
 *         if (output !== undefined && output !== isDone) return impossible;
 *         if (!isDone) return holder;
 *         return op === 'lock' ? owner : null;
 *       },
 *       identify: (holder) => holder,
 *     };
 *
 * The checker calls `step` for many orders of the same operations, so it must be pure: never change a state,
 * return another one.
 */
import type { Json, Operation } from '../history/operation.js';

/** What `step` returns when the operation could not have returned that in this state. */
export const impossible: unique symbol = Symbol('impossible');
export type Impossible = typeof impossible;

/**
 * As `impossible`, and for good: neither could it after anything else had happened. Helps the search where it
 * can be told, for instance by versions that only rise.
 */
export const doomed: unique symbol = Symbol('doomed');
export type Doomed = typeof doomed;

export interface Model<State, Input extends Json = Json, Output extends Json = Json> {
  /** For messages: what an object is. */
  readonly name: string;
  /** The state of each object before the first operation. */
  initial(): State;
  /**
   * The state after `input` happened in `state` and returned `output`, or `impossible`, or `doomed`. An undefined
   * output is not known: whatever the operation would return in this state is possible.
   */
  step(state: State, input: Input, output: Output | undefined): State | Impossible | Doomed;
  /** Equal for equal states, and different for different ones. */
  identify(state: State): string | number | boolean | null;
  /**
   * True when such an operation leaves every state in which it is possible as it was, or only makes it more
   * precise. Such operations are never a choice for the search, so this makes it much faster. Optional.
   */
  isReadOnly?(input: Input, output: Output | undefined): boolean;
  /**
   * Facts that must be true for the operation to be possible, such as `x is 5`; that are true after it; that are true
   * in a state. With all three the search sees at once that a value is gone which somebody still has to read.
   * `needs` may leave some out, `gives` and `holds` none that `needs` may name. Optional.
   */
  needs?(input: Input, output: Output | undefined): readonly Json[];
  gives?(input: Input, output: Output | undefined): readonly Json[];
  holds?(state: State): readonly Json[];
  /**
   * Parts that can be checked on their own, in the order of their first operations. By key unless given.
   * Each part must keep the order of its operations.
   */
  partition?(operations: readonly Operation<Input, Output>[]): Partition<Input, Output>[];
  /**
   * The same operations, written so that differences that can't be observed are gone: fewer states to search.
   * May change inputs and outputs, and leave out operations of unknown outcome that nothing can depend on; not
   * ids, order and times. Optional.
   */
  simplify?(operations: readonly Operation<Input, Output>[]): Operation<Input, Output>[];
  /** For people, such as `set(5)` or `get() -> 5`: as inputs with an `op` are shown unless given. */
  describe?(input: Input, output: Output | undefined): string;
  describeState?(state: State): string;
}

export interface Partition<Input extends Json = Json, Output extends Json = Json> {
  /** The key or keys. */
  readonly name: string;
  readonly operations: readonly Operation<Input, Output>[];
}

/** Operations by their key. */
export function partitionByKey<Input extends Json, Output extends Json>(
  operations: readonly Operation<Input, Output>[],
  keyOf: (operation: Operation<Input, Output>) => string = ({ key }) => key,
): Partition<Input, Output>[] {
  const byKey = new Map<string, Operation<Input, Output>[]>();
  for (const operation of operations) {
    const key = keyOf(operation);
    const part = byKey.get(key);
    if (part === undefined) byKey.set(key, [operation]);
    else part.push(operation);
  }
  return [...byKey].map(([name, part]) => ({ name, operations: part }));
}
