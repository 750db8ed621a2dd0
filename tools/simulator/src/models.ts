/** What keys do, by the kind of an operation. */
import {
  counter,
  impossible,
  type Json,
  list,
  type Model,
  register,
  set,
  transactions,
} from '@holdfast/testing';
import type { Kind } from './workload.js';

type ExpiringInput = { readonly op: 'get' } | { readonly op: 'set'; readonly value: string };

/** A value that may go by itself at any time after it was set, and then stays gone. */
const expiring: Model<string | null, ExpiringInput, Json> = {
  name: 'expiring register',
  initial: () => null,
  step(value, input, output) {
    if (input.op === 'set') return input.value;
    if (output === undefined) return value;
    return output === null || output === value ? output : impossible;
  },
  identify: (value) => value,
};

// Each is only given the operations that it knows.
export const models: Readonly<Record<Kind, Model<never, never, Json>>> = {
  register: register as unknown as Model<never, never, Json>,
  counter: counter as unknown as Model<never, never, Json>,
  list: list as unknown as Model<never, never, Json>,
  set: set as unknown as Model<never, never, Json>,
  transaction: transactions(register) as unknown as Model<never, never, Json>,
  expiring: expiring as unknown as Model<never, never, Json>,
};
