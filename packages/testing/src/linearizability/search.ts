/**
 * Looks for an order of operations that a model allows and that respects real time: the algorithm of Wing and
 * Gong with Lowe's memory of what was seen ("Testing for linearizability", 2017), with these additions:
 *
 * - Operations are linearized as late as possible: only when one completes that is not linearized yet, and
 *   then as few others before it as will do. So an operation of unknown outcome is used only when needed.
 * - A read that is possible is linearized at once: whatever else follows, moving it here changes nothing.
 * - Of equal operations that are under way, the one that completes first goes first.
 * - What can't lead anywhere is seen early: `dead-ends.ts`.
 * - What got furthest is continued first, so that a history that is fine is hardly searched at all.
 *
 * A configuration is described in `configuration-table.ts`, an event in `timeline.ts`. One object, one search.
 */
import type { Json, Operation } from '../history/operation.js';
import { checkBytesMax } from '../limits.js';
import type { SearchRecord } from './bottleneck.js';
import { ConfigurationTable } from './configuration-table.js';
import { DeadEnds } from './dead-ends.js';
import type { Model } from './model.js';
import { Timeline } from './timeline.js';
import { Transitions } from './transitions.js';

export type SearchVerdict = 'linearizable' | 'violation' | 'undecided';

export interface SearchOptions<State> {
  readonly stepsMax: number;
  /** The states in which the object may be at first; the initial one unless given. */
  readonly starts?: readonly State[] | undefined;
  /** Without, it takes longer, and gets stuck at the operation that is impossible, not at one before it. */
  readonly seesDeadEnds?: boolean;
}

export interface SearchOutcome<State> {
  readonly verdict: SearchVerdict;
  /** Steps of the model that were looked at, and as much as choosing them took. */
  readonly steps: number;
  /** Ids of operations in a possible order: all that have to be, or the longest that was found. */
  readonly order: readonly number[];
  /** After `order`. */
  readonly state: State;
  /** Id of the operation that can't be in such an order; -1 when none. */
  readonly stuck: number;
}

/** What is left to try of a configuration: other operations before the one that completes next. */
type Phase = typeof tryPending | typeof tryUnknown;
const tryPending = 0;
const tryUnknown = 1;

export class Search<State, Input extends Json, Output extends Json> {
  readonly #timeline: Timeline;
  readonly #transitions: Transitions<State, Input, Output>;
  readonly #table: ConfigurationTable;
  readonly #starts: readonly number[];
  readonly #stepsMax: number;
  readonly #deadEnds: DeadEnds<State, Input, Output> | null;
  readonly #pendingWords: number;
  readonly #isReadOnly: Uint8Array;
  /** Of each event: what is left to try there, as configuration * 2 + phase, and how much of it was taken. */
  readonly #frontier: number[][] = [];
  readonly #taken: number[] = [];
  /** No event above this one has anything left to try. */
  #top = 0;
  #steps = 0;
  #furthest = 0;
  /** Of each class: the last round of candidates in which one of it was met. */
  readonly #classSeen: Int32Array;
  #round = 0;
  /** The configuration at hand. */
  #event = 0;
  #state = 0;
  readonly #words: Int32Array;

  constructor(
    model: Model<State, Input, Output>,
    all: readonly Operation<Input, Output>[],
    options: SearchOptions<State>,
  ) {
    const { starts = [model.initial()], stepsMax, seesDeadEnds = true } = options;
    const simplified = model.simplify?.(all) ?? all;
    // An operation that may have happened but can't have changed anything says nothing.
    const telling = simplified.filter(
      ({ input, output, outcome }) => outcome !== 'unknown' || !model.isReadOnly?.(input, output),
    );
    this.#timeline = new Timeline(telling);
    const operations = this.#timeline.operations as readonly Operation<Input, Output>[];
    this.#transitions = new Transitions(model, operations);
    this.#starts = starts.map((state) => this.#transitions.idOf(state));
    this.#isReadOnly = Uint8Array.from(operations, ({ input, output }) =>
      model.isReadOnly?.(input, output) ? 1 : 0,
    );
    this.#classSeen = new Int32Array(operations.length);
    this.#pendingWords = Math.ceil(this.#timeline.slotCount / 32);
    const unknownWords = Math.ceil(this.#timeline.unknownTotal / 32);
    this.#words = new Int32Array(this.#pendingWords + unknownWords);
    this.#table = new ConfigurationTable(this.#pendingWords, unknownWords);
    this.#stepsMax = stepsMax;
    this.#deadEnds = seesDeadEnds
      ? new DeadEnds(model, this.#timeline, this.#transitions, (operation) => this.#isLinearized(operation))
      : null;
  }

  run(): SearchOutcome<State> {
    for (const start of this.#starts) {
      this.#begin(start);
      if (this.#descend(-start - 1, -1)) return this.#outcome('linearizable');
    }
    for (let isDone = false; !isDone; ) {
      const next = this.#takeFurthest();
      if (next === -1) return this.#outcome('violation');
      if (this.#steps > this.#stepsMax || this.#table.byteCount > checkBytesMax)
        return this.#outcome('undecided');
      isDone = this.#expand(next >> 1, (next & 1) as Phase);
    }
    return this.#outcome('linearizable');
  }

  /** What is left of a run, for explanations. */
  get record(): SearchRecord<State, Input, Output> {
    return {
      timeline: this.#timeline,
      transitions: this.#transitions,
      table: this.#table,
      furthest: this.#furthest,
    };
  }

  /**
   * Goes on from the configuration at hand for as long as the next operation to complete can be the next to
   * happen. True when nothing is left to be ordered.
   */
  #descend(parent: number, operation: number): boolean {
    for (let from = parent, by = operation; ; ) {
      this.#settle();
      const configuration = this.#table.add(this.#event, this.#state, this.#words, from, by);
      if (configuration === -1) return false;
      if (this.#event > this.#table.eventOf(this.#furthest)) this.#furthest = configuration;
      if (this.#event === this.#timeline.eventCount) return true;
      this.#putBack(configuration, tryPending);
      const next = this.#step(this.#event);
      from = configuration;
      by = this.#event;
      if (next < 0 || !this.#change(by, next)) return false;
    }
  }

  /** Tries what else could happen first in a configuration. True when nothing is left to be ordered. */
  #expand(configuration: number, phase: Phase): boolean {
    this.#load(configuration);
    const event = this.#event;
    if (phase === tryPending) {
      if (this.#timeline.unknown(event).length > 0) this.#putBack(configuration, tryUnknown);
      // The first is the one that completes, which was tried already.
      return this.#expandWith(configuration, this.#timeline.pending(event), 1);
    }
    return this.#expandWith(configuration, this.#timeline.unknown(event), 0);
  }

  #expandWith(configuration: number, candidates: Int32Array, first: number): boolean {
    const { classOf } = this.#transitions;
    const round = ++this.#round;
    const tried: number[] = [];
    this.#steps += candidates.length >> 3;
    for (let i = 0; i < candidates.length; i++) {
      const operation = candidates[i];
      if (this.#isLinearized(operation) || this.#classSeen[classOf[operation]] === round) continue;
      this.#classSeen[classOf[operation]] = round;
      if (i >= first) tried.push(operation);
    }
    for (const operation of tried) {
      this.#load(configuration);
      const next = this.#step(operation);
      if (next < 0 || (next === this.#state && operation >= this.#timeline.eventCount)) continue;
      if (this.#change(operation, next) && this.#descend(configuration, operation)) return true;
    }
    return false;
  }

  /** Linearizes the reads that are possible, and passes the completions of what is linearized. */
  #settle(trail?: number[]): void {
    for (;;) {
      if (this.#event === this.#timeline.eventCount) return;
      const pending = this.#timeline.pending(this.#event);
      for (let i = 0; i < pending.length; i++) {
        const operation = pending[i];
        if (this.#isReadOnly[operation] === 0 || this.#isLinearized(operation)) continue;
        if (this.#step(operation) !== this.#state) continue;
        this.#linearize(operation, this.#state);
        trail?.push(operation);
      }
      if (!this.#isLinearized(this.#event)) return;
      const slot = this.#timeline.slotOf[this.#event];
      this.#words[slot >> 5] &= ~(1 << (slot & 31));
      this.#event++;
    }
  }

  #step(operation: number): number {
    this.#steps++;
    return this.#transitions.next(this.#state, this.#transitions.classOf[operation]);
  }

  /** Linearizes an operation that changes the state; false when nothing can come of that. */
  #change(operation: number, state: number): boolean {
    const before = this.#state;
    this.#linearize(operation, state);
    return before === state || !this.#deadEnds?.isOne(before, state, this.#event);
  }

  #linearize(operation: number, state: number): void {
    const slot = this.#timeline.slotOf[operation];
    this.#words[this.#wordOf(operation)] |= 1 << (slot & 31);
    this.#state = state;
  }

  #isLinearized(operation: number): boolean {
    const slot = this.#timeline.slotOf[operation];
    return (this.#words[this.#wordOf(operation)] & (1 << (slot & 31))) !== 0;
  }

  #wordOf(operation: number): number {
    const word = this.#timeline.slotOf[operation] >> 5;
    return operation < this.#timeline.eventCount ? word : this.#pendingWords + word;
  }

  #begin(state: number): void {
    this.#event = 0;
    this.#state = state;
    this.#words.fill(0);
  }

  #load(configuration: number): void {
    this.#event = this.#table.eventOf(configuration);
    this.#state = this.#table.stateOf(configuration);
    this.#table.wordsInto(configuration, this.#words);
  }

  #putBack(configuration: number, phase: Phase): void {
    const event = this.#table.eventOf(configuration);
    (this.#frontier[event] ??= []).push(configuration * 2 + phase);
    this.#taken[event] ??= 0;
    this.#top = Math.max(this.#top, event);
  }

  /** What is left to try at the latest event, oldest first; -1 when there is nothing. */
  #takeFurthest(): number {
    for (; this.#top >= 0; this.#top--) {
      const left = this.#frontier[this.#top];
      if (left === undefined || this.#taken[this.#top] === left.length) continue;
      return left[this.#taken[this.#top]++];
    }
    return -1;
  }

  #outcome(verdict: SearchVerdict): SearchOutcome<State> {
    const order = this.#orderTo(this.#furthest);
    const { operations } = this.#timeline;
    return {
      verdict,
      steps: this.#steps,
      order: order.map((operation) => operations[operation].id),
      state: this.#transitions.stateOf(this.#state),
      stuck: verdict === 'linearizable' ? -1 : operations[this.#event].id,
    };
  }

  /** The order that led to a configuration, which becomes the one at hand. */
  #orderTo(configuration: number): number[] {
    const path: number[] = [];
    let at = configuration;
    for (; this.#table.parentOf(at) >= 0; at = this.#table.parentOf(at))
      path.push(this.#table.operationOf(at));
    const order: number[] = [];
    this.#begin(-1 - this.#table.parentOf(at));
    this.#settle(order);
    for (const operation of path.reverse()) {
      order.push(operation);
      this.#linearize(operation, this.#step(operation));
      this.#settle(order);
    }
    return order;
  }
}
