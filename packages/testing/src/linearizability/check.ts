/**
 * Is there an order of all operations, compatible with real time, that a model allows? Each part of a history
 * (usually: each key) is searched on its own, which is sound because linearizability is a local property.
 */
import { KvError } from '@holdfast/common';
import { History } from '../history/history.js';
import type { Json, Operation } from '../history/operation.js';
import { checkStepsMax } from '../limits.js';
import { type Counterexample, counterexampleOf } from './counterexample.js';
import { type Model, partitionByKey } from './model.js';
import { Search } from './search.js';

export interface CheckOptions {
  /** Steps of the model that may be taken for each part before it is undecided; `checkStepsMax` unless given. */
  readonly stepsMax?: number;
}

/**
 * - `linearizable`: there is such an order.
 * - `violation`: there is none.
 * - `undecided`: a bound was reached for the parts that are named, and nothing wrong was found in the others.
 */
export type CheckResult<Input extends Json = Json, Output extends Json = Json> =
  | { readonly verdict: 'linearizable'; readonly steps: number }
  | {
      readonly verdict: 'violation';
      readonly steps: number;
      readonly counterexample: Counterexample<Input, Output>;
    }
  | { readonly verdict: 'undecided'; readonly steps: number; readonly parts: readonly string[] };

/**
 * Checks operations of one history, in order of invocation. Throws only what the model throws: on operations
 * that it does not know, for instance.
 */
export function checkLinearizable<State, Input extends Json, Output extends Json>(
  history: History | readonly Operation[],
  model: Model<State, Input, Output>,
  options: CheckOptions = {},
): CheckResult<Input, Output> {
  const all = history instanceof History ? history.operations : history;
  const operations = all as readonly Operation<Input, Output>[];
  const stepsMax = options.stepsMax ?? checkStepsMax;
  const undecided: string[] = [];
  let steps = 0;
  for (const part of model.partition?.(operations) ?? partitionByKey(operations)) {
    const outcome = new Search(model, part.operations, { stepsMax }).run();
    steps += outcome.steps;
    if (outcome.verdict === 'violation')
      return { verdict: 'violation', steps, counterexample: counterexampleOf(model, part, outcome) };
    if (outcome.verdict === 'undecided') undecided.push(part.name);
  }
  if (undecided.length > 0) return { verdict: 'undecided', steps, parts: undecided };
  return { verdict: 'linearizable', steps };
}

/** A history is not linearizable: the message is the report of the counterexample. */
export class LinearizabilityError extends Error {
  readonly counterexample: Counterexample;

  constructor(counterexample: Counterexample) {
    super(counterexample.text);
    this.name = 'LinearizabilityError';
    this.counterexample = counterexample;
  }
}

/** Throws LinearizabilityError when it is not, and KvError LIMIT when the check is undecided. */
export function assertLinearizable<State, Input extends Json, Output extends Json>(
  history: History | readonly Operation[],
  model: Model<State, Input, Output>,
  options: CheckOptions = {},
): void {
  const result = checkLinearizable(history, model, options);
  if (result.verdict === 'violation') throw new LinearizabilityError(result.counterexample);
  if (result.verdict === 'undecided') {
    const parts = result.parts.map((name) => JSON.stringify(name)).join(', ');
    throw new KvError(
      'LIMIT',
      `undecided whether ${model.name} ${parts} is linearizable after ${result.steps} steps`,
    );
  }
}
