/** A number, 0 at first, that is added to and read. */
import type { Json } from '../history/operation.js';
import { impossible, type Model } from '../linearizability/model.js';

export type CounterInput =
  /** Returns the number after. `by` may be negative. */
  { readonly op: 'add'; readonly by: number } | { readonly op: 'get' };

export const counter: Model<number, CounterInput, Json> = {
  name: 'counter',
  initial: () => 0,
  step(value, input, output) {
    const after = input.op === 'add' ? value + input.by : value;
    return output === undefined || output === after ? after : impossible;
  },
  identify: (value) => value,
  isReadOnly: (input) => input.op === 'get' || input.by === 0,
  describeState: String,
};
