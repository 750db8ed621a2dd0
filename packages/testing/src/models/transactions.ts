/**
 * Transactions over several objects of a kind: each is a list of operations that happen at once, in order. A
 * history that is linearizable by this model is strictly serializable.
 *
 *     const accounts = transactions(register);
 *     history.invoke('client 1', '', [
 *       { key: 'a', input: { op: 'get' } },
 *       { key: 'b', input: { op: 'set', value: 5 } },
 *     ]).ok([3, null]);
 *
 * A transaction that was aborted did not happen: `fail`. Keys that no transaction connects, over any number of
 * steps, are checked apart. The key of the operation is not looked at.
 */
import type { Json, Operation } from '../history/operation.js';
import { describeCall } from '../linearizability/describe.js';
import { doomed, impossible, type Model, type Partition } from '../linearizability/model.js';

// Types, not interfaces: only these are Json.
export type TransactionStep<Input extends Json> = { readonly key: string; readonly input: Input };
export type TransactionInput<Input extends Json> = readonly TransactionStep<Input>[];

/** What each step returned. */
export type TransactionOutput<Output extends Json> = readonly Output[];

type Transaction<Input extends Json, Output extends Json> = Operation<
  TransactionInput<Input>,
  TransactionOutput<Output>
>;

export type TransactionModel<State, Input extends Json, Output extends Json> = Model<
  ReadonlyMap<string, State>,
  TransactionInput<Input>,
  TransactionOutput<Output>
>;

export function transactions<State, Input extends Json, Output extends Json>(
  model: Model<State, Input, Output>,
): TransactionModel<State, Input, Output> {
  const stateOf = (states: ReadonlyMap<string, State>, key: string): State =>
    states.has(key) ? (states.get(key) as State) : model.initial();
  return {
    name: `transactions over ${model.name}s`,
    initial: () => new Map(),
    step(states, steps, outputs) {
      const after = new Map(states);
      for (const [i, { key, input }] of steps.entries()) {
        const state = model.step(stateOf(after, key), input, outputs?.[i]);
        if (state === impossible || state === doomed) return impossible;
        after.set(key, state as State);
      }
      return after;
    },
    identify: (states) => {
      const parts = [...states].map(([key, state]) => JSON.stringify([key, model.identify(state)]));
      return parts.sort().join();
    },
    isReadOnly: (steps, outputs) =>
      steps.every(({ input }, i) => model.isReadOnly?.(input, outputs?.[i]) ?? false),
    needs: (steps, outputs) => needs(model, steps, outputs),
    gives: (steps, outputs) =>
      steps.flatMap(({ key, input }, i) => factsOf(key, model.gives?.(input, outputs?.[i]))),
    holds: (states) => [...states].flatMap(([key, state]) => factsOf(key, model.holds?.(state))),
    partition,
    simplify: (operations) => simplify(model, operations),
    describe: (steps, outputs) => steps.map((step, i) => describeStep(model, step, outputs?.[i])).join('; '),
    describeState: (states) =>
      [...states]
        .map(([key, state]) => `${key}: ${model.describeState?.(state) ?? JSON.stringify(state)}`)
        .join(', '),
  };
}

function factsOf(key: string, facts: readonly Json[] = []): Json[] {
  return facts.map((fact) => [key, fact]);
}

/** What must be true before: of each key, what the first step on it needs. Later ones may see earlier ones. */
function needs<State, Input extends Json, Output extends Json>(
  model: Model<State, Input, Output>,
  steps: TransactionInput<Input>,
  outputs: TransactionOutput<Output> | undefined,
): Json[] {
  const isFirst = ({ key }: TransactionStep<Input>, i: number) =>
    steps.findIndex((step) => step.key === key) === i;
  return steps.flatMap((step, i) =>
    isFirst(step, i) ? factsOf(step.key, model.needs?.(step.input, outputs?.[i])) : [],
  );
}

function describeStep<State, Input extends Json, Output extends Json>(
  model: Model<State, Input, Output>,
  { key, input }: TransactionStep<Input>,
  output: Output | undefined,
): string {
  return `${key}.${model.describe?.(input, output) ?? describeCall(input, output)}`;
}

/** Keys that share a transaction belong together, and so do those that share such a key. */
function partition<Input extends Json, Output extends Json>(
  operations: readonly Transaction<Input, Output>[],
): Partition<TransactionInput<Input>, TransactionOutput<Output>>[] {
  const parents = new Map<string, string>();
  const rootOf = (key: string): string => {
    const parent = parents.get(key) ?? key;
    if (parent === key) return key;
    const root = rootOf(parent);
    parents.set(key, root);
    return root;
  };
  for (const { input } of operations)
    for (const { key } of input) parents.set(rootOf(key), rootOf(input[0].key));
  const groups = new Map<string, Transaction<Input, Output>[]>();
  for (const operation of operations) {
    if (operation.input.length === 0) continue;
    const root = rootOf(operation.input[0].key);
    const group = groups.get(root);
    if (group === undefined) groups.set(root, [operation]);
    else group.push(operation);
  }
  return [...groups.values()].map((group) => ({ name: keysOf(group).join(', '), operations: group }));
}

function keysOf<Input extends Json, Output extends Json>(
  operations: readonly Transaction<Input, Output>[],
): string[] {
  return [...new Set(operations.flatMap(({ input }) => input.map(({ key }) => key)))].sort();
}

/** Simplifies the steps of each key as operations of their own. */
function simplify<State, Input extends Json, Output extends Json>(
  model: Model<State, Input, Output>,
  operations: readonly Transaction<Input, Output>[],
): Transaction<Input, Output>[] {
  if (model.simplify === undefined) return [...operations];
  const stepsByKey = new Map<
    string,
    { index: number; step: number; operation: Operation<Input, Output> }[]
  >();
  for (const [index, operation] of operations.entries()) {
    for (const [step, { key, input }] of operation.input.entries()) {
      const steps = stepsByKey.get(key) ?? [];
      stepsByKey.set(key, steps);
      const id = steps.length;
      steps.push({
        index,
        step,
        operation: { ...operation, id, key, input, output: operation.output?.[step] },
      });
    }
  }
  const inputs = operations.map(({ input }) => [...input]);
  const outputs = operations.map(({ input, output }) => Array.from(input, (_, i) => output?.[i]));
  for (const steps of stepsByKey.values()) {
    for (const { id, input, output } of model.simplify(steps.map(({ operation }) => operation))) {
      const { index, step } = steps[id];
      inputs[index][step] = { ...inputs[index][step], input };
      outputs[index][step] = output;
    }
  }
  return operations.map((operation, i) => ({
    ...operation,
    input: inputs[i],
    output: outputs[i] as unknown as TransactionOutput<Output>,
  }));
}
