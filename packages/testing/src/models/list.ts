/**
 * A list, pushed to and popped from at both ends. A pop that waits for an element is a pop: it happens when
 * it gets one, or returns null at a moment when there is none.
 */
import type { Json } from '../history/operation.js';
import { call } from '../linearizability/describe.js';
import { impossible, type Model } from '../linearizability/model.js';

export type ListInput =
  /** Appends the values one after the other; returns the length after. */
  | { readonly op: 'pushLeft' | 'pushRight'; readonly values: readonly Json[] }
  /** Returns the element; null when there is none. */
  | { readonly op: 'popLeft' | 'popRight' }
  | { readonly op: 'length' }
  /** Returns all elements. */
  | { readonly op: 'range' };

export type ListState = readonly Json[];

export const list: Model<ListState, ListInput, Json> = {
  name: 'list',
  initial: () => [],
  step(elements, input, output) {
    const after = next(elements, input);
    if (output === undefined) return after;
    return isSame(returned(elements, input, after), output) ? after : impossible;
  },
  identify: (elements) => JSON.stringify(elements),
  isReadOnly: ({ op }, output) =>
    op === 'length' || op === 'range' || ((op === 'popLeft' || op === 'popRight') && output === null),
  describe: (input, output) => call(input.op, 'values' in input ? input.values : [], output),
  describeState: (elements) => JSON.stringify(elements),
};

function next(elements: ListState, input: ListInput): ListState {
  switch (input.op) {
    case 'pushLeft':
      return [...[...input.values].reverse(), ...elements];
    case 'pushRight':
      return [...elements, ...input.values];
    case 'popLeft':
      return elements.slice(1);
    case 'popRight':
      return elements.slice(0, -1);
    default:
      return elements;
  }
}

function returned(before: ListState, input: ListInput, after: ListState): Json {
  switch (input.op) {
    case 'popLeft':
      return before[0] ?? null;
    case 'popRight':
      return before.at(-1) ?? null;
    case 'range':
      return before;
    default:
      return after.length;
  }
}

function isSame(a: Json, b: Json): boolean {
  return a === b || (typeof a === 'object' && JSON.stringify(a) === JSON.stringify(b));
}
