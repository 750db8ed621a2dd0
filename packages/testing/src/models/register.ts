/**
 * A key that holds one value: get, set, compare-and-set, swap, delete. An absent key holds null.
 */
import type { Json, Operation } from '../history/operation.js';
import { describeCall } from '../linearizability/describe.js';
import { type Impossible, impossible, type Model } from '../linearizability/model.js';

export type RegisterValue = string | number | boolean | null;

export type RegisterInput =
  | { readonly op: 'get' }
  /** Whatever it returns is ignored. */
  | { readonly op: 'set'; readonly value: RegisterValue }
  /** Returns whether the value was the expected one, and was replaced. `expected` null: if it was absent. */
  | { readonly op: 'cas'; readonly expected: RegisterValue; readonly value: RegisterValue }
  /** Returns the value before. */
  | { readonly op: 'swap'; readonly value: RegisterValue }
  /** Returns whether there was a value. */
  | { readonly op: 'delete' };

export const register: Model<RegisterValue, RegisterInput, Json> = {
  name: 'register',
  initial: () => null,
  step,
  identify: (value) => value,
  isReadOnly(input, output) {
    if (input.op === 'cas') return output === false || input.expected === input.value;
    return input.op === 'get' || (input.op === 'delete' && output === false);
  },
  simplify,
  describe: (input, output) => describeCall(input, input.op === 'set' ? undefined : output),
  describeState: (value) => (value === unseen ? unseen : JSON.stringify(value)),
};

function step(
  value: RegisterValue,
  input: RegisterInput,
  output: Json | undefined,
): RegisterValue | Impossible {
  const returns = (expected: Json) => output === undefined || output === expected;
  switch (input.op) {
    case 'get':
      return returns(value) ? value : impossible;
    case 'set':
      return input.value;
    case 'cas': {
      const isEqual = value === input.expected;
      if (!returns(isEqual)) return impossible;
      return isEqual ? input.value : value;
    }
    case 'swap':
      return returns(value) ? input.value : impossible;
    case 'delete':
      return returns(value !== null) ? null : impossible;
  }
}

/** Stands for all values that nobody asked for. */
const unseen = 'some value that was never seen';

/**
 * Values that no operation returned or compared with can't be told apart: they become one, so that writes of
 * them are equal operations. What a set returned is dropped for the same reason.
 */
function simplify(operations: readonly Operation<RegisterInput, Json>[]): Operation<RegisterInput, Json>[] {
  const seen = new Set<Json | undefined>([null]);
  for (const { input, output } of operations) {
    if (input.op === 'get' || input.op === 'swap') seen.add(output);
    if (input.op === 'cas') seen.add(input.expected);
  }
  return operations.map((operation) => {
    const { input } = operation;
    if (input.op === 'get' || input.op === 'delete') return operation;
    const value = seen.has(input.value) ? input.value : unseen;
    return {
      ...operation,
      input: { ...input, value },
      output: input.op === 'set' ? undefined : operation.output,
    };
  });
}
