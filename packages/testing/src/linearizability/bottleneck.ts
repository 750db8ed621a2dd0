/**
 * Where a counterexample may begin: a moment at which nothing but what had completed can have happened, whatever
 * the order. What came before is then as good as the states that it leads to.
 */
import type { Json } from '../history/operation.js';
import type { ConfigurationTable } from './configuration-table.js';
import type { Timeline } from './timeline.js';
import type { Transitions } from './transitions.js';

/** What a search that found no order leaves behind. */
export interface SearchRecord<State, Input extends Json, Output extends Json> {
  readonly timeline: Timeline;
  readonly transitions: Transitions<State, Input, Output>;
  readonly table: ConfigurationTable;
  /** The first configuration that got as far as any. */
  readonly furthest: number;
}

export interface Bottleneck<State> {
  readonly states: readonly State[];
  /** Ids of the operations that had not completed. */
  readonly left: ReadonlySet<number>;
}

/** States that one counterexample may begin with. */
const statesMax = 3;
/** Completions between where it begins and what got stuck. */
const contextEvents = 6;

/**
 * The last such moment that explains something: it is before the last time that what got stuck was possible. Null
 * when there is none.
 */
export function bottleneckOf<State, Input extends Json, Output extends Json>(
  record: SearchRecord<State, Input, Output>,
): Bottleneck<State> | null {
  const { timeline, transitions, table, furthest } = record;
  const states = statesBetween(record);
  const latest = Math.min(table.eventOf(furthest) - contextEvents, lastPossible(record));
  for (let event = latest; event > 0; event--) {
    const ids = states[event];
    if (ids === undefined || ids.size > statesMax) continue;
    return {
      states: [...ids].map((state) => transitions.stateOf(state)),
      left: new Set(timeline.operations.slice(event).map(({ id }) => id)),
    };
  }
  return null;
}

/** The last event at which what got stuck would have been possible; Infinity when it never was. */
function lastPossible<State, Input extends Json, Output extends Json>({
  transitions,
  table,
  furthest,
}: SearchRecord<State, Input, Output>): number {
  const stuck = transitions.classOf[table.eventOf(furthest)];
  let last = -1;
  for (let i = 0; i < table.size; i++) {
    const event = table.eventOf(i);
    if (event > last && transitions.next(table.stateOf(i), stuck) >= 0) last = event;
  }
  return last === -1 ? Number.POSITIVE_INFINITY : last;
}

/** Of each event before which nothing else can have happened: the states in which it can find the object. */
function statesBetween<State, Input extends Json, Output extends Json>({
  timeline,
  table,
}: SearchRecord<State, Input, Output>): (Set<number> | undefined)[] {
  const states: (Set<number> | undefined)[] = [];
  const isMixed = new Uint8Array(timeline.eventCount);
  for (let i = 0; i < table.size; i++) {
    const event = table.eventOf(i);
    const parent = table.parentOf(i);
    // Completions that were passed by were of operations that had happened before.
    if (parent >= 0) isMixed.fill(1, table.eventOf(parent) + 1, event);
    if (table.hasPending(i)) isMixed[event] = 1;
    (states[event] ??= new Set()).add(table.stateOf(i));
  }
  return states.map((ids, event) => (isMixed[event] === 0 ? ids : undefined));
}
