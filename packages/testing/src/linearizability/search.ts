/**
 * Looks for an order of operations that a model allows and that respects real time: the algorithm of Wing and
 * Gong with Lowe's memory of what was seen ("Testing for linearizability", 2017), with these additions:
 *
 * - Operations are linearized as late as possible: only when one completes that is not linearized yet, and
 *   then as few others before it as will do. So an operation of unknown outcome is used only when needed.
 * - A read that is possible is linearized at once: whatever else follows, moving it here changes nothing.
 * - Of equal operations that are under way, the one that completes first goes first.
 * - What got furthest is continued first, so that a history that is fine is hardly searched at all.
 *
 * A configuration is described in `configuration-table.ts`, an event in `timeline.ts`. One object, one search.
 */
import type { Json, Operation } from '../history/operation.js';
import { checkBytesMax } from '../limits.js';
import { ConfigurationTable } from './configuration-table.js';
import type { Model } from './model.js';
import { Timeline } from './timeline.js';
import { Transitions } from './transitions.js';

export type SearchVerdict = 'linearizable' | 'violation' | 'undecided';

/** States that one counterexample may begin with. */
const bottleneckStatesMax = 3;
/** Completions between where it begins and what got stuck. */
const contextEvents = 6;

export interface Bottleneck<State> {
  readonly states: readonly State[];
  readonly left: ReadonlySet<number>;
}

export interface SearchOutcome<State> {
  readonly verdict: SearchVerdict;
  /** Steps of the model that were looked at. */
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

  /** Searches from each of `starts`, the states in which the object may be at first. */
  constructor(
    model: Model<State, Input, Output>,
    all: readonly Operation<Input, Output>[],
    stepsMax: number,
    starts: readonly State[] = [model.initial()],
  ) {
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

  /**
   * After a violation: a late moment at which nothing but what had completed can have happened, whatever the
   * order: the states that the object can be in then, and the ids of what had not completed. To show how it came,
   * it is before the last time that what got stuck was possible. Null when there is no such moment.
   */
  bottleneck(): Bottleneck<State> | null {
    const { operations } = this.#timeline;
    const states = this.#statesBetween();
    const latest = Math.min(this.#table.eventOf(this.#furthest) - contextEvents, this.#lastPossible());
    for (let event = latest; event > 0; event--) {
      const ids = states[event];
      if (ids === undefined || ids.size === 0 || ids.size > bottleneckStatesMax) continue;
      return {
        states: [...ids].map((state) => this.#transitions.stateOf(state)),
        left: new Set(operations.slice(event).map(({ id }) => id)),
      };
    }
    return null;
  }

  /** The last event at which what got stuck would have been possible; Infinity when it never was. */
  #lastPossible(): number {
    const stuck = this.#transitions.classOf[this.#table.eventOf(this.#furthest)];
    let last = -1;
    for (let i = 0; i < this.#table.size; i++) {
      const event = this.#table.eventOf(i);
      if (event > last && this.#transitions.next(this.#table.stateOf(i), stuck) !== -1) last = event;
    }
    return last === -1 ? Number.POSITIVE_INFINITY : last;
  }

  /** Of each event before which nothing else can have happened: the states in which it can find the object. */
  #statesBetween(): (Set<number> | undefined)[] {
    const states: (Set<number> | undefined)[] = [];
    const isMixed = new Uint8Array(this.#timeline.eventCount);
    for (let i = 0; i < this.#table.size; i++) {
      this.#load(i);
      const parent = this.#table.parentOf(i);
      // Completions that were passed by were of operations that had happened before.
      if (parent >= 0) isMixed.fill(1, this.#table.eventOf(parent) + 1, this.#event);
      if (this.#words.some((word, at) => at < this.#pendingWords && word !== 0)) isMixed[this.#event] = 1;
      (states[this.#event] ??= new Set()).add(this.#state);
    }
    return states.map((ids, event) => (isMixed[event] === 0 ? ids : undefined));
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
      if (next === -1) return false;
      from = configuration;
      by = this.#event;
      this.#linearize(by, next);
    }
  }

  /** Tries what else could happen first in a configuration. True when nothing is left to be ordered. */
  #expand(configuration: number, phase: Phase): boolean {
    this.#load(configuration);
    const event = this.#event;
    if (phase === tryPending) {
      if (this.#timeline.unknownCount(event) > 0) this.#putBack(configuration, tryUnknown);
      // The first is the one that completes, which was tried already.
      return this.#expandWith(configuration, this.#timeline.pending(event), 1);
    }
    const { eventCount } = this.#timeline;
    const unknown = Int32Array.from({ length: this.#timeline.unknownCount(event) }, (_, i) => eventCount + i);
    return this.#expandWith(configuration, unknown, 0);
  }

  #expandWith(configuration: number, candidates: Int32Array, first: number): boolean {
    const { classOf } = this.#transitions;
    const round = ++this.#round;
    const tried: number[] = [];
    for (let i = 0; i < candidates.length; i++) {
      const operation = candidates[i];
      if (this.#isLinearized(operation) || this.#classSeen[classOf[operation]] === round) continue;
      this.#classSeen[classOf[operation]] = round;
      if (i >= first) tried.push(operation);
    }
    for (const operation of tried) {
      this.#load(configuration);
      const next = this.#step(operation);
      if (next === -1 || (next === this.#state && operation >= this.#timeline.eventCount)) continue;
      this.#linearize(operation, next);
      if (this.#descend(configuration, operation)) return true;
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
