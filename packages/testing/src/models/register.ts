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
  needs(input, output) {
    if (output === undefined) return [];
    if (input.op === 'get' || input.op === 'swap') return [output];
    return input.op === 'cas' && output === true ? [input.expected] : [];
  },
  gives: (input) => (input.op === 'get' ? [] : [input.op === 'delete' ? null : input.value]),
  holds: (value) => [value],
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
 * Values that no operation returned or compared with can't be told apart: they become one. A write that returned
 * nothing that is known becomes a set. So most writes of a history are equal operations.
 */
function simplify(operations: readonly Operation<RegisterInput, Json>[]): Operation<RegisterInput, Json>[] {
  const seen = new Set<Json | undefined>(operations.flatMap(({ input, output }) => seenBy(input, output)));
  const written = (value: RegisterValue) => (seen.has(value) ? value : unseen);
  return operations.map((operation) => {
    const { input, output } = operation;
    if (input.op === 'get') return operation;
    if (input.op === 'cas') return { ...operation, input: { ...input, value: written(input.value) } };
    const value = written(input.op === 'delete' ? null : input.value);
    if (input.op === 'set' || output === undefined)
      return { ...operation, input: { op: 'set', value }, output: undefined };
    return input.op === 'delete' ? operation : { ...operation, input: { op: 'swap', value } };
  });
}

/** Values that an operation tells from others. */
function seenBy(input: RegisterInput, output: Json | undefined): (Json | undefined)[] {
  if (input.op === 'cas') return [input.expected];
  if (input.op === 'delete') return output === undefined ? [] : [null];
  return input.op === 'set' ? [] : [output];
}
