/**
 * The operations of one partition in the order of their completions, and who was under way when.
 *
 *     event k: the completion of operation k            pending(k): the operations that have to be linearized,
 *     |---- 0 ----|                                     are invoked before event k and complete at it or later
 *        |----- 1 -----|
 *           |-------------- 2 ----|                     pending(0) = 0, 1, 2
 *                        |-- 3 --|                      pending(1) = 1, 2, 3
 *        |------------------------------- ...           unknown: linearized at any time, or never
 *
 * An operation that is pending has a slot for as long as it is; slots are used again, so that sets of
 * pending operations are small.
 */
import type { Operation } from '../history/operation.js';

export class Timeline {
  /** By completion; unknown ones last, by invocation. */
  readonly operations: readonly Operation[];
  /** So many operations complete. */
  readonly eventCount: number;
  readonly slotCount: number;
  /** Of an operation that completes: its slot. Of an unknown one: its number among those. */
  readonly slotOf: Int32Array;
  readonly #byInvocation: Int32Array;
  readonly #unknown: Int32Array;
  /** Of each event: operations that complete and were invoked before it are the first so many of those above. */
  readonly #invokedCount: Int32Array;
  /** Of each event: operations before this one in the order of invocation are complete. */
  readonly #firstPending: Int32Array;
  /** As `#invokedCount`, for unknown operations. */
  readonly #unknownCount: Int32Array;
  readonly #pending: (Int32Array | undefined)[] = [];

  constructor(operations: readonly Operation[]) {
    this.operations = operations
      .filter(({ outcome }) => outcome !== 'fail')
      .sort((a, b) => order(a.completedNs, b.completedNs) || a.invokedNs - b.invokedNs);
    this.eventCount = this.operations.filter(({ outcome }) => outcome === 'ok').length;
    const completing = Array.from({ length: this.eventCount }, (_, i) => i);
    this.#byInvocation = Int32Array.from(completing).sort((a, b) => this.#invokedNs(a) - this.#invokedNs(b));
    this.#invokedCount = this.#countInvoked(this.#byInvocation);
    this.#firstPending = this.#countComplete();
    this.#unknown = Int32Array.from({ length: this.unknownTotal }, (_, i) => this.eventCount + i);
    this.#unknownCount = this.#countInvoked(this.#unknown);
    this.slotOf = new Int32Array(this.operations.length);
    this.slotCount = this.#assignSlots();
  }

  get unknownTotal(): number {
    return this.operations.length - this.eventCount;
  }

  /** Operations that complete at `event` (the first) or later, and were invoked before it. */
  pending(event: number): Int32Array {
    return (this.#pending[event] ??= this.#byInvocation
      .subarray(this.#firstPending[event], this.#invokedCount[event])
      .filter((operation) => operation >= event)
      .sort());
  }

  /** Whether an operation was invoked before `event`. */
  isInvoked(operation: number, event: number): boolean {
    return this.#invokedNs(operation) <= this.operations[event].completedNs;
  }

  /** Unknown operations that were invoked before `event`. */
  unknown(event: number): Int32Array {
    return this.#unknown.subarray(0, this.#unknownCount[event]);
  }

  #invokedNs(operation: number): number {
    return this.operations[operation].invokedNs;
  }

  #countInvoked(byInvocation: Int32Array): Int32Array {
    let count = 0;
    return Int32Array.from({ length: this.eventCount }, (_, event) => {
      const { completedNs } = this.operations[event];
      while (count < byInvocation.length && this.#invokedNs(byInvocation[count]) <= completedNs) count++;
      return count;
    });
  }

  #countComplete(): Int32Array {
    let count = 0;
    return Int32Array.from({ length: this.eventCount }, (_, event) => {
      while (this.#byInvocation[count] < event) count++;
      return count;
    });
  }

  #assignSlots(): number {
    const free: number[] = [];
    let slotCount = 0;
    let invoked = 0;
    for (let event = 0; event < this.eventCount; event++) {
      for (; invoked < this.#invokedCount[event]; invoked++)
        this.slotOf[this.#byInvocation[invoked]] = free.pop() ?? slotCount++;
      free.push(this.slotOf[event]);
    }
    for (let i = this.eventCount; i < this.operations.length; i++) this.slotOf[i] = i - this.eventCount;
    return slotCount;
  }
}

function order(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
