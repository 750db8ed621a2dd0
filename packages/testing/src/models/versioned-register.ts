/**
 * A register whose every write has a version, larger than all before it, that reads return too. Checks more than
 * a register does: that versions rise in the order of writes, and that none is seen with another value.
 *
 * The version of a write whose outcome is unknown becomes known when somebody reads it. Until then a
 * compare-and-set that failed is not held against it.
 */
import type { Json, Operation } from '../history/operation.js';
import { type Doomed, doomed, type Impossible, impossible, type Model } from '../linearizability/model.js';
import type { RegisterValue } from './register.js';

export type VersionedInput =
  /** Returns value and version; null, or value null, when absent. */
  | { readonly op: 'get' }
  /** Returns the version of what was written. */
  | { readonly op: 'set'; readonly value: RegisterValue }
  /** Returns the version of what was written; null when the key was at another version. `expected` 0: if absent. */
  | { readonly op: 'cas'; readonly expected: number; readonly value: RegisterValue }
  /** Returns whether there was a value. */
  | { readonly op: 'delete' };

export interface VersionedState {
  readonly value: RegisterValue;
  /** Null when a write of unknown outcome made it; 0 when absent. */
  readonly version: number | null;
  /** Known versions so far go up to this one: others will be larger. */
  readonly floor: number;
}

export const versionedRegister: Model<VersionedState, VersionedInput, Json> = {
  name: 'versioned register',
  initial: () => ({ value: null, version: 0, floor: 0 }),
  step(state, input, output) {
    switch (input.op) {
      case 'get':
        return output === undefined ? state : read(state, output);
      case 'set':
        return write(state, input.value, output);
      case 'cas':
        return compareAndSet(state, input, output);
      case 'delete':
        if (output !== undefined && output !== (state.value !== null)) return impossible;
        return { value: null, version: 0, floor: state.floor };
    }
  },
  identify: (state) => JSON.stringify(state),
  simplify,
  isReadOnly: ({ op }, output) => op === 'get' || (op === 'cas' && output === null),
  describeState: ({ value, version }) => `${JSON.stringify(value)} at version ${version ?? 'unknown'}`,
};

function read(state: VersionedState, output: Json): VersionedState | Impossible | Doomed {
  const entry = output as { value: RegisterValue; version: number } | null;
  if (entry === null || entry.value === null) return state.value === null ? state : impossible;
  const found = atVersion(state, entry.version);
  if (found === impossible || found === doomed) return found;
  return entry.value === state.value ? found : impossible;
}

/** The state, known to be at `version`. */
function atVersion(state: VersionedState, version: number): VersionedState | Impossible | Doomed {
  if (state.version === version) return state;
  // Version 0, no value at all, may come back.
  if (version <= state.floor) return version === 0 ? impossible : doomed;
  return state.version === null ? { value: state.value, version, floor: version } : impossible;
}

function write(
  state: VersionedState,
  value: RegisterValue,
  output: Json | undefined,
): VersionedState | Impossible | Doomed {
  if (typeof output !== 'number') return { value, version: null, floor: state.floor };
  return output > state.floor ? { value, version: output, floor: output } : doomed;
}

function compareAndSet(
  state: VersionedState,
  input: { expected: number; value: RegisterValue },
  output: Json | undefined,
): VersionedState | Impossible | Doomed {
  const found = atVersion(state, input.expected);
  const isOther = found === impossible || found === doomed;
  if (output === null) return isOther || state.version === null ? state : impossible;
  // An unknown one that finds another version is as if it never happened.
  if (isOther) return output === undefined ? state : found;
  return write(found, input.value, output);
}

/**
 * Leaves out sets that may have happened and whose value no read returned, when nothing else can have depended on
 * them: no deletion of a value, and no compare-and-set that failed or expected a version that nobody was told.
 */
function simplify(operations: readonly Operation<VersionedInput, Json>[]): Operation<VersionedInput, Json>[] {
  const values = new Set<RegisterValue>();
  const versions = new Set<Json | undefined>([0]);
  for (const { input, output } of operations) {
    const entry = input.op === 'get' ? (output as { value: RegisterValue; version: number } | null) : null;
    values.add(entry?.value ?? null);
    versions.add(entry?.version ?? output);
  }
  const depends = ({ input, output }: Operation<VersionedInput, Json>) =>
    (input.op === 'delete' && output === true) ||
    (input.op === 'cas' && (output === null || !versions.has(input.expected)));
  if (operations.some(depends)) return [...operations];
  return operations.filter(
    ({ input, outcome }) => outcome !== 'unknown' || input.op !== 'set' || values.has(input.value),
  );
}
