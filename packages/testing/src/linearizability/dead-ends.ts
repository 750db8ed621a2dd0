/**
 * Sees early that a choice can't lead anywhere, where the search alone would find out much later, after all
 * combinations of what comes between:
 *
 * - An operation under way can't happen any more, whatever follows: the model says `doomed`.
 * - A value was replaced that a later operation still has to see, and nothing is left that could write it
 *   again. The model says what operations need and give.
 */
import type { Json, Operation } from '../history/operation.js';
import type { Model } from './model.js';
import type { Timeline } from './timeline.js';
import { doomedId, type Transitions } from './transitions.js';

/** Of one fact, the operations that need it to be true at their moment, or make it true; by completion. */
interface Fact {
  readonly needers: number[];
  readonly givers: number[];
}

export class DeadEnds<State, Input extends Json, Output extends Json> {
  readonly #model: Model<State, Input, Output>;
  readonly #timeline: Timeline;
  readonly #transitions: Transitions<State, Input, Output>;
  readonly #isLinearized: (operation: number) => boolean;
  readonly #facts: Fact[] = [];
  readonly #factIds = new Map<string, number>();
  /** Of each state that was asked for: the facts that are true in it and that somebody needs. */
  readonly #factsOf: (readonly number[] | undefined)[] = [];

  /** `isLinearized` is asked about operations that are pending at the event given, and unknown ones. */
  constructor(
    model: Model<State, Input, Output>,
    timeline: Timeline,
    transitions: Transitions<State, Input, Output>,
    isLinearized: (operation: number) => boolean,
  ) {
    this.#model = model;
    this.#timeline = timeline;
    this.#transitions = transitions;
    this.#isLinearized = isLinearized;
    const operations = timeline.operations as readonly Operation<Input, Output>[];
    for (let i = 0; i < timeline.eventCount; i++)
      for (const fact of this.#idsOf(model.needs?.(operations[i].input, operations[i].output)))
        this.#facts[fact].needers.push(i);
    for (const [i, { input, output }] of operations.entries())
      for (const fact of this.#idsOf(model.gives?.(input, output))) this.#facts[fact].givers.push(i);
  }

  /** Whether nothing good can come, at `event`, of the change from one state to another that was just made. */
  isOne(before: number, after: number, event: number): boolean {
    return this.#isSomeDoomed(after, event) || this.#isSomeLost(before, after, event);
  }

  #isSomeDoomed(state: number, event: number): boolean {
    if (!this.#transitions.dooms) return false;
    const { classOf } = this.#transitions;
    return this.#timeline
      .pending(event)
      .some(
        (operation) =>
          !this.#isLinearized(operation) && this.#transitions.next(state, classOf[operation]) === doomedId,
      );
  }

  #isSomeLost(before: number, after: number, event: number): boolean {
    if (this.#facts.length === 0) return false;
    const kept = this.#neededFactsOf(after);
    return this.#neededFactsOf(before).some((id) => {
      if (kept.includes(id)) return false;
      const { needers, givers } = this.#facts[id];
      return this.#isAnyLeft(needers, event) && !this.#isAnyLeft(givers, event);
    });
  }

  #neededFactsOf(state: number): readonly number[] {
    return (this.#factsOf[state] ??= this.#idsOf(
      this.#model.holds?.(this.#transitions.stateOf(state)),
    ).filter((id) => this.#facts[id].needers.length > 0));
  }

  /** Whether one of the operations, which are in order of completion, is not linearized yet. */
  #isAnyLeft(operations: readonly number[], event: number): boolean {
    // Backwards: the last ones are the most likely not to have been invoked yet.
    for (let i = operations.length - 1; i >= 0 && operations[i] >= event; i--)
      if (!this.#timeline.isInvoked(operations[i], event) || !this.#isLinearized(operations[i])) return true;
    return false;
  }

  #idsOf(facts: readonly Json[] = []): number[] {
    return facts.map((fact) => {
      const key = JSON.stringify(fact);
      let id = this.#factIds.get(key);
      if (id === undefined) {
        id = this.#facts.push({ needers: [], givers: [] }) - 1;
        this.#factIds.set(key, id);
      }
      return id;
    });
  }
}
