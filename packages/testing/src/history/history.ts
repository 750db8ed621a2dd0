/**
 * Records what clients asked and what they were told:
 *
 *     const call = history.invoke('client 1', 'k', { op: 'set', value: 5 });
 *     try {
 *       await store.set('k', 5);
 *       call.ok();
 *     } catch (error) {
 *       call.unknown(String(error));
 *     }
 *
 * Or in one call, `history.record`. Events of one history are strictly ordered, as they were recorded,
 * also when the clock is coarse. Histories of several processes of one machine can be merged when they were
 * recorded by a clock that these share, as `machineClock` is.
 */
import { KvError, reasonOf } from '@holdfast/common';
import type { Json, Operation, Outcome } from './operation.js';

/** Integer nanoseconds from an arbitrary start; never goes back. */
export type NanosecondClock = () => number;

/** The monotonic clock of the machine: the same for all its processes. Exact for 104 days of uptime. */
export const machineClock: NanosecondClock = () => Number(process.hrtime.bigint());

/** A call, as a line of a history file has it. */
export interface InvocationEvent {
  readonly at: number;
  readonly id: number;
  readonly process: string;
  readonly key: string;
  readonly invoke: Json;
}

/** What became of a call, as a line of a history file has it. */
export interface CompletionEvent {
  readonly at: number;
  readonly id: number;
  readonly outcome: Outcome;
  readonly output?: Json;
  readonly note?: string;
}

export type HistoryEvent = InvocationEvent | CompletionEvent;

export interface HistoryOptions {
  /** `machineClock` unless given. */
  readonly clock?: NanosecondClock;
  /** Gets every event when it is recorded, for instance to write it to a file. */
  readonly sink?: (event: HistoryEvent) => void;
}

/** What an error says about the call that it ended. */
export type Failure = 'fail' | 'unknown';

/** An operation under way. It is completed once, by one of its methods; until then it counts as unknown. */
export class Invocation<Output extends Json = Json> {
  readonly #complete: (outcome: Outcome, output: Json | undefined, note: string) => void;

  /** @internal */
  constructor(complete: (outcome: Outcome, output: Json | undefined, note: string) => void) {
    this.#complete = complete;
  }

  /** It took effect. Without `output`, what it returned is not known. */
  ok(output?: Output): void {
    this.#complete('ok', output, '');
  }

  /** It had no effect and never will: refused, or never sent. When in doubt, `unknown`. */
  fail(note = ''): void {
    this.#complete('fail', undefined, note);
  }

  /** It may have had an effect, or may still have: timed out, connection lost. */
  unknown(note = ''): void {
    this.#complete('unknown', undefined, note);
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class History {
  readonly #clock: NanosecondClock;
  readonly #sink: ((event: HistoryEvent) => void) | undefined;
  readonly #operations: Mutable<Operation>[] = [];
  #lastNs = Number.NEGATIVE_INFINITY;

  constructor(options: HistoryOptions = {}) {
    this.#clock = options.clock ?? machineClock;
    this.#sink = options.sink;
  }

  /** Operations so far, in order of invocation. Those that did not complete are unknown. */
  get operations(): readonly Operation[] {
    return this.#operations;
  }

  /** Records that `process` calls now. Call it before anything is sent. */
  invoke<Output extends Json = Json>(process: string, key: string, input: Json): Invocation<Output> {
    const operation = this.#invoke(process, key, input);
    let isComplete = false;
    return new Invocation((outcome, output, note) => {
      if (isComplete)
        throw new KvError('INVALID', `operation ${operation.id} of ${process} is complete already`);
      isComplete = true;
      this.#complete(operation, outcome, output, note);
    });
  }

  /**
   * Calls, and records the outcome: what `call` resolves with is the output. An error makes the outcome
   * unknown unless `classify` says that it certainly had no effect. Resolves with the output, undefined after an error.
   */
  async record<Output extends Json>(
    process: string,
    key: string,
    input: Json,
    call: () => Promise<Output>,
    classify: (error: unknown) => Failure = () => 'unknown',
  ): Promise<Output | undefined> {
    const invocation = this.invoke<Output>(process, key, input);
    try {
      const output = await call();
      invocation.ok(output);
      return output;
    } catch (error) {
      const note = reasonOf(error);
      if (classify(error) === 'fail') invocation.fail(note);
      else invocation.unknown(note);
      return undefined;
    }
  }

  /** One history of operations that several recorders saw, by clocks that agree. Ids are given anew. */
  static merge(histories: Iterable<History>): History {
    const merged = new History();
    const all = [...histories].flatMap((history) => history.operations);
    all.sort((a, b) => a.invokedNs - b.invokedNs);
    for (const operation of all) merged.#operations.push({ ...operation, id: merged.#operations.length });
    return merged;
  }

  /** A history of events that were recorded before, in the order of their recording. */
  static fromEvents(events: Iterable<HistoryEvent>): History {
    const history = new History();
    const operations = history.#operations;
    const pending = new Set<number>();
    for (const event of events) {
      if (event.at < history.#lastNs) throw new KvError('CORRUPT', `operation ${event.id}: time goes back`);
      history.#lastNs = event.at;
      if ('invoke' in event) {
        const { id, process, key, invoke, at } = event;
        if (id !== operations.length) throw new KvError('CORRUPT', `operation ${id} is not the next`);
        operations.push(invoked(id, process, key, invoke, at));
        pending.add(id);
      } else {
        if (!pending.delete(event.id)) throw new KvError('CORRUPT', `operation ${event.id} is not under way`);
        complete(operations[event.id], event);
      }
    }
    return history;
  }

  /** Invocations and completions, in order. */
  events(): HistoryEvent[] {
    const events: HistoryEvent[] = [];
    for (const operation of this.#operations) {
      const { id, process, key, input, outcome, output, note, invokedNs, completedNs } = operation;
      events.push({ at: invokedNs, id, process, key, invoke: input });
      // When an unknown outcome was given up does not matter; without a note it is what a pending one is.
      if (outcome !== 'unknown') events.push(completion(completedNs, id, outcome, output, note));
      else if (note !== '') events.push(completion(invokedNs, id, outcome, output, note));
    }
    return events.sort((a, b) => a.at - b.at || rank(a) - rank(b));
  }

  #invoke(process: string, key: string, input: Json): Mutable<Operation> {
    const operation = invoked(this.#operations.length, process, key, input, this.#tick());
    this.#operations.push(operation);
    this.#sink?.({ at: operation.invokedNs, id: operation.id, process, key, invoke: input });
    return operation;
  }

  #complete(operation: Mutable<Operation>, outcome: Outcome, output: Json | undefined, note: string): void {
    const event = completion(this.#tick(), operation.id, outcome, output, note);
    complete(operation, event);
    this.#sink?.(event);
  }

  /** Now, and after everything before. */
  #tick(): number {
    this.#lastNs = Math.max(Math.floor(this.#clock()), this.#lastNs + 1);
    return this.#lastNs;
  }
}

function invoked(id: number, process: string, key: string, input: Json, at: number): Mutable<Operation> {
  return {
    id,
    process,
    key,
    input,
    outcome: 'unknown',
    output: undefined,
    invokedNs: at,
    completedNs: Number.POSITIVE_INFINITY,
    note: '',
  };
}

function complete(operation: Mutable<Operation>, event: CompletionEvent): void {
  operation.outcome = event.outcome;
  operation.output = event.output;
  operation.note = event.note ?? '';
  if (event.outcome !== 'unknown') operation.completedNs = event.at;
}

function completion(
  at: number,
  id: number,
  outcome: Outcome,
  output: Json | undefined,
  note: string,
): CompletionEvent {
  return {
    at,
    id,
    outcome,
    ...(output === undefined ? {} : { output }),
    ...(note === '' ? {} : { note }),
  };
}

/** At the same time, what begins goes before what ends: such operations are concurrent. */
function rank(event: HistoryEvent): number {
  return 'invoke' in event ? 0 : 1;
}
