/**
 * The simple twin of the search: tries every order of every subset that has all operations that completed.
 * Exponential; for histories of some eight operations.
 */
import type { Json, Operation } from '../history/operation.js';
import { doomed, impossible, type Model } from '../linearizability/model.js';

export function isLinearizableByBruteForce<State, Input extends Json, Output extends Json>(
  operations: readonly Operation<Input, Output>[],
  model: Model<State, Input, Output>,
): boolean {
  const canOrder = (left: readonly Operation<Input, Output>[], state: State): boolean => {
    if (left.every(({ outcome }) => outcome !== 'ok')) return true;
    return left.some((first) => {
      if (left.some((other) => other.completedNs < first.invokedNs)) return false;
      const next = model.step(state, first.input, first.output);
      if (next === impossible || next === doomed) return false;
      return canOrder(
        left.filter((other) => other !== first),
        next as State,
      );
    });
  };
  return canOrder(
    operations.filter(({ outcome }) => outcome !== 'fail'),
    model.initial(),
  );
}
