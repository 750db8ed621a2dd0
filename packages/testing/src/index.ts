export {
  type CompletionEvent,
  type Failure,
  History,
  type HistoryEvent,
  type HistoryOptions,
  type Invocation,
  type InvocationEvent,
  machineClock,
  type NanosecondClock,
} from './history/history.js';
export { historyOf, historySink, linesOf, readHistory, writeHistory } from './history/history-file.js';
export type { Json, Operation, Outcome } from './history/operation.js';
export { checkBytesMax, checkStepsMax, shrinkStepsMax } from './limits.js';
export {
  assertLinearizable,
  type CheckOptions,
  type CheckResult,
  checkLinearizable,
  LinearizabilityError,
} from './linearizability/check.js';
export type { Counterexample } from './linearizability/counterexample.js';
export {
  type Doomed,
  doomed,
  type Impossible,
  impossible,
  type Model,
  type Partition,
  partitionByKey,
} from './linearizability/model.js';
export { type CounterInput, counter } from './models/counter.js';
export { type ListInput, type ListState, list } from './models/list.js';
export { type RegisterInput, type RegisterValue, register } from './models/register.js';
export { type SetInput, type SetState, set } from './models/set.js';
export {
  type TransactionInput,
  type TransactionModel,
  type TransactionOutput,
  type TransactionStep,
  transactions,
} from './models/transactions.js';
export { type VersionedInput, type VersionedState, versionedRegister } from './models/versioned-register.js';
