/**
 * A counterexample for people:
 *
 *     register "k" is not linearizable: 3 of its 212 operations can't be put in an order.
 *
 *       #12  client 4  set(5)      |--|
 *       #17  client 2  set(7)            |--|
 *       #21  client 1  get() -> 5              |--|
 *
 *     At best: #12 set(5), #17 set(7). Then the state is 7, in which #21 get() -> 5 is not possible.
 */
import type { Json, Operation } from '../history/operation.js';
import { describeCall } from './describe.js';
import type { Model } from './model.js';

export interface DescribedOperation {
  readonly id: number;
  readonly process: string;
  readonly text: string;
  readonly invokedNs: number;
  readonly completedNs: number;
}

export interface Finding {
  readonly model: string;
  readonly part: string;
  /** Of the whole part. */
  readonly operationCount: number;
  readonly operations: readonly DescribedOperation[];
  /** What the state may be at first; empty: as in a new object. */
  readonly starts: readonly string[];
  /** Ids in the longest order that is possible. */
  readonly order: readonly number[];
  /** After `order`. */
  readonly state: string;
  readonly stuck: number;
  /** An operation that failed and after which the stuck one would be possible. */
  readonly failed: DescribedOperation | null;
}

/** Rows of a picture, and operations of an order, that are shown. */
const shownMax = 40;
const textMax = 60;
const stateMax = 400;

export function describeOperation<State, Input extends Json, Output extends Json>(
  model: Model<State, Input, Output>,
  { id, process, input, output, invokedNs, completedNs }: Operation<Input, Output>,
): DescribedOperation {
  const text = model.describe?.(input, output) ?? describeCall(input, output);
  return { id, process, text: shortened(text, textMax), invokedNs, completedNs };
}

export function report(finding: Finding): string {
  const { model, part, operations, operationCount, order, stuck, failed } = finding;
  const named = (id: number) => `#${id} ${operations.find((operation) => operation.id === id)?.text}`;
  const shown = order.slice(-shownMax).map(named);
  if (order.length > shownMax) shown.unshift('...');
  const best = shown.length === 0 ? 'At first' : `At best: ${shown.join(', ')}. Then`;
  const start = finding.starts.map((state) => shortened(state, stateMax)).join(', or ');
  return [
    `${model} ${JSON.stringify(part)} is not linearizable: ` +
      `${operations.length} of its ${operationCount} operations can't be put in an order.`,
    '',
    ...(start === '' ? [] : [`  What completed before leads to the state ${start}.`, '']),
    ...picture(operations).map((line) => `  ${line}`),
    '',
    `${best} the state is ${shortened(finding.state, stateMax)}, in which ${named(stuck)} is not possible, ` +
      'and it had to happen before it returned.',
    ...(failed === null
      ? []
      : [`It would be possible after #${failed.id} ${failed.text}, which failed. Did it?`]),
  ].join('\n');
}

/** One row for each operation, in order of invocation; columns are the moments at which something happened. */
function picture(operations: readonly DescribedOperation[]): string[] {
  const rows = chosen(operations);
  const times = new Set(rows.flatMap(({ invokedNs, completedNs }) => [invokedNs, completedNs]));
  const columnWidth = rows.length > 20 ? 2 : 3;
  const columns = new Map(
    [...times].sort((a, b) => (a < b ? -1 : 1)).map((time, i) => [time, i * columnWidth]),
  );
  const width = (text: (row: DescribedOperation) => string) =>
    Math.max(...rows.map((row) => text(row).length));
  const idWidth = width(({ id }) => `#${id}`);
  const processWidth = width(({ process }) => process);
  const textWidth = width(({ text }) => text);
  const lines = rows.map((row) => {
    const from = columns.get(row.invokedNs) as number;
    const to = columns.get(row.completedNs) as number;
    const end = row.completedNs === Number.POSITIVE_INFINITY ? '- ?' : '|';
    const bar = `${' '.repeat(from)}|${'-'.repeat(Math.max(0, to - from - 1))}${end}`;
    return `${`#${row.id}`.padEnd(idWidth)}  ${row.process.padEnd(processWidth)}  ${row.text.padEnd(textWidth)}  ${bar}`;
  });
  if (rows.length < operations.length)
    lines.unshift(`... and ${operations.length - rows.length} other operations`);
  return lines;
}

/** As many as can be shown: the last ones, and those that certainly happened first of all. */
function chosen(operations: readonly DescribedOperation[]): readonly DescribedOperation[] {
  const isCertain = ({ completedNs }: DescribedOperation) => completedNs !== Number.POSITIVE_INFINITY;
  const certain = operations.filter(isCertain).slice(-shownMax);
  const uncertain = operations.filter((operation) => !isCertain(operation));
  const shown = new Set([
    ...certain,
    ...uncertain.slice(Math.max(0, uncertain.length + certain.length - shownMax)),
  ]);
  return operations.filter((operation) => shown.has(operation));
}

function shortened(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 3)}...`;
}
