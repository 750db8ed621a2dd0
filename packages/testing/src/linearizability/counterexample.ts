/**
 * Makes the reason of a violation small enough to be understood. Only what weakens the history is tried, so what
 * remains is always a true reason:
 *
 * - What was invoked after the operation that got stuck is left out.
 * - What had completed at a moment when nothing else can have happened becomes the states that this leads to.
 * - A read is left out: it only forbids.
 * - A write becomes one that may have happened at any time after its invocation, or never.
 *
 * Last, of the operations that may have happened those are left out of the picture without which the same
 * operation gets stuck.
 */
import type { Json, Operation } from '../history/operation.js';
import { shrinkStepsMax } from '../limits.js';
import { type Bottleneck, bottleneckOf } from './bottleneck.js';
import { describeOperation, type Finding, report } from './counterexample-report.js';
import { doomed, impossible, type Model, type Partition } from './model.js';
import { Search, type SearchOutcome } from './search.js';

/** What it takes to prepare a search for one operation, in steps. */
const preparationSteps = 5;

export interface Counterexample<Input extends Json = Json, Output extends Json = Json> {
  /** Name of the part, usually the key. */
  readonly part: string;
  /** What can't be put in an order, by invocation; the rest of the part does not help, wherever it is put. */
  readonly operations: readonly Operation<Input, Output>[];
  /** States that the object may be in before: of the model, in general its initial one. */
  readonly starts: readonly unknown[];
  /** Among `operations`: what must have happened at some moment, but is possible at none. */
  readonly stuck: Operation<Input, Output>;
  /** The report, for people, of several lines. */
  readonly text: string;
}

/** `found`: what a search for an order of the part came to. */
export function counterexampleOf<State, Input extends Json, Output extends Json>(
  model: Model<State, Input, Output>,
  part: Partition<Input, Output>,
  found: SearchOutcome<State>,
): Counterexample<Input, Output> {
  // A search that sees dead ends stops before the operation that is the reason.
  const plain = new Search(model, part.operations, { stepsMax: shrinkStepsMax, seesDeadEnds: false });
  const outcomeOfPlain = plain.run();
  const isPlain = outcomeOfPlain.verdict === 'violation';
  const shrinker = new Shrinker(model, part, isPlain ? outcomeOfPlain : found);
  if (isPlain) shrinker.cut(bottleneckOf(plain.record));
  shrinker.weaken();
  const { operations, outcome, starts } = shrinker;
  const describeState = (state: State) => model.describeState?.(state) ?? JSON.stringify(state);
  const stuck = part.operations.find(({ id }) => id === outcome.stuck) as Operation<Input, Output>;
  const failed = failedCause(model, part, outcome.state, stuck);
  const finding: Finding = {
    model: model.name,
    part: part.name,
    operationCount: part.operations.length,
    operations: operations.map((operation) => describeOperation(model, operation)),
    order: outcome.order,
    starts: starts?.map(describeState) ?? [],
    state: describeState(outcome.state),
    stuck: outcome.stuck,
    failed: failed === undefined ? null : describeOperation(model, failed),
  };
  return {
    part: part.name,
    operations,
    starts: starts ?? [model.initial()],
    stuck,
    text: report(finding),
  };
}

/** An operation that failed, so that it certainly did not happen, and after which the stuck one is possible. */
function failedCause<State, Input extends Json, Output extends Json>(
  model: Model<State, Input, Output>,
  part: Partition<Input, Output>,
  state: State,
  stuck: Operation<Input, Output>,
): Operation<Input, Output> | undefined {
  return part.operations.find(({ outcome, input }) => {
    if (outcome !== 'fail') return false;
    const after = model.step(state, input, undefined);
    if (after === impossible || after === doomed) return false;
    const next = model.step(after as State, stuck.input, stuck.output);
    return next !== impossible && next !== doomed;
  });
}

class Shrinker<State, Input extends Json, Output extends Json> {
  readonly #model: Model<State, Input, Output>;
  /** What is left, and why it is a violation. */
  operations: readonly Operation<Input, Output>[];
  outcome: SearchOutcome<State>;
  /** Where it begins, unless at the beginning of the history. */
  starts: readonly State[] | undefined;
  #stepsLeft = shrinkStepsMax;

  constructor(
    model: Model<State, Input, Output>,
    part: Partition<Input, Output>,
    outcome: SearchOutcome<State>,
  ) {
    this.#model = model;
    this.operations = part.operations.filter((operation) => operation.outcome !== 'fail');
    this.outcome = outcome;
  }

  /** Leaves out what came later, and what can be told as states. */
  cut(bottleneck: Bottleneck<State> | null): void {
    const stuck = this.operations.find(({ id }) => id === this.outcome.stuck);
    const { completedNs } = stuck as Operation;
    this.#try(this.operations.filter(({ invokedNs }) => invokedNs <= completedNs));
    if (bottleneck !== null) {
      const { states, left } = bottleneck;
      this.#try(
        this.operations.filter(({ id }) => left.has(id)),
        { starts: states },
      );
    }
  }

  /** Leaves out, or makes uncertain, what is not needed. */
  weaken(): void {
    this.#inChunks(
      (operation) => this.#isRead(operation),
      (chosen) => this.#try(this.operations.filter((operation) => !chosen.has(operation))),
    );
    this.#inChunks(
      ({ outcome }) => outcome === 'ok',
      (chosen) =>
        this.#try(
          this.operations.map((operation) => (chosen.has(operation) ? uncertain(operation) : operation)),
        ),
    );
    this.#inChunks(
      ({ outcome }) => outcome === 'unknown',
      (chosen) =>
        this.#try(
          this.operations.filter((operation) => !chosen.has(operation)),
          { stuck: this.outcome.stuck },
        ),
    );
  }

  #isRead({ input, output }: Operation<Input, Output>): boolean {
    return this.#model.isReadOnly?.(input, output) ?? false;
  }

  /** Offers all operations of a kind at once, then halves, quarters and so on, down to single ones. */
  #inChunks(
    isOfKind: (operation: Operation<Input, Output>) => boolean,
    attempt: (chosen: ReadonlySet<Operation>) => void,
  ): void {
    for (let size = this.operations.length; size >= 1; size = Math.floor(size / 2)) {
      const kind = this.operations.filter(isOfKind);
      for (let at = 0; at < kind.length; at += size) attempt(new Set(kind.slice(at, at + size)));
    }
  }

  /** Takes `operations` if they are a violation too: from other states, or at the same operation, when given. */
  #try(
    operations: readonly Operation<Input, Output>[],
    { starts = this.starts, stuck }: { starts?: readonly State[] | undefined; stuck?: number } = {},
  ): void {
    if (this.#stepsLeft <= 0) return;
    // One hard attempt must not use up what the others need.
    const stepsMax = Math.min(this.#stepsLeft, shrinkStepsMax / 10);
    const outcome = new Search(this.#model, operations, { stepsMax, starts, seesDeadEnds: false }).run();
    this.#stepsLeft -= outcome.steps + operations.length * preparationSteps;
    if (outcome.verdict !== 'violation' || (stuck !== undefined && outcome.stuck !== stuck)) return;
    this.operations = operations;
    this.outcome = outcome;
    this.starts = starts;
  }
}

/** The same operation, if it happened at all. */
function uncertain<Input extends Json, Output extends Json>(
  operation: Operation<Input, Output>,
): Operation<Input, Output> {
  return { ...operation, outcome: 'unknown', output: undefined, completedNs: Number.POSITIVE_INFINITY };
}
