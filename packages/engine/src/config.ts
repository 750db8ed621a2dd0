/**
 * The parameters that CONFIG GET and SET know, by Redis' names: declared once, checked when set. Who
 * depends on one reads it (`number`, `text`, `flag`), or listens to changes.
 */
import { KvError } from '@holdfast/common';
import { int64Max, parseAmount, parseWhole, uint64Max } from './amounts.js';

export type ParameterKind =
  | { readonly type: 'integer'; readonly min: number; readonly max: number }
  /** Bytes: accepts `1gb`, `64mb`, `10k`; reported in bytes. */
  | { readonly type: 'memory'; readonly min: number; readonly max: number }
  | { readonly type: 'flag' }
  | { readonly type: 'text' }
  | { readonly type: 'word'; readonly words: readonly string[] }
  /**
   * Checked and normalized by a function, which is told the present value: some keep parts of it. Throws
   * KvError INVALID, with Redis' words, when the value is wrong.
   */
  | { readonly type: 'custom'; readonly normalize: (value: string, current: string) => string };

export interface Parameter {
  readonly name: string;
  readonly kind: ParameterKind;
  readonly initial: string;
  /** Can't be changed while the server runs. */
  readonly isFixed?: boolean;
  /** The same, where Redis could change it: its present value is accepted, others only with a `change`. */
  readonly isKept?: boolean;
  /** Where files lie: only for those who may change that at all, see `enable-protected-configs`. */
  readonly isProtected?: boolean;
  /** Not to be shown: SLOWLOG and MONITOR leave its value out. */
  readonly isSecret?: boolean;
  /** Another name for the parameter of this name: the old one. */
  readonly aliasOf?: string;
  /** Not found by a pattern. */
  readonly isHidden?: boolean;
  /** Known for the sake of clients, operators and test suites; nothing here depends on its value. */
  readonly isInert?: boolean;
}

interface Entry {
  readonly parameter: Parameter;
  text: string;
  number: number;
}

/** Why a value can't be set: the name that was used, and what is wrong, in Redis' words. */
export interface Refusal {
  readonly name: string;
  readonly problem: string;
}

type Guard = (value: string) => string | null;

/**
 * Makes new values true where that takes its time, before they count. Rejects with KvError, in Redis' words, when it
 * can't be: then all is as before. It is undone by a call with the values that were there before.
 */
export type Change = (values: ReadonlyMap<string, string>) => Promise<void>;

export class Config {
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Map<string, ((value: string) => void)[]>();
  readonly #guards = new Map<string, Guard>();
  readonly #changes = new Map<string, Change>();
  readonly #changed = new Set<string>();
  /** Told of every value that is set, whichever parameter it is of. */
  onSet: ((name: string, value: string) => void) | null = null;
  #lastChange: Promise<unknown> = Promise.resolve();

  constructor(parameters: readonly Parameter[]) {
    for (const parameter of parameters) {
      if (parameter.aliasOf !== undefined) {
        this.#entries.set(parameter.name, this.#entry(parameter.aliasOf));
        continue;
      }
      const entry: Entry = { parameter, text: '', number: 0 };
      this.#entries.set(parameter.name, entry);
      assign(entry, parameter.initial);
    }
  }

  /** Names of all parameters, aliases among them. */
  names(): Iterable<string> {
    return this.#entries.keys();
  }

  has(name: string): boolean {
    return this.#entries.has(name);
  }

  parameter(name: string): Parameter {
    return this.#entry(name).parameter;
  }

  /** An integer or an amount of memory in bytes. */
  number(name: string): number {
    return this.#entry(name).number;
  }

  text(name: string): string {
    return this.#entry(name).text;
  }

  /** A yes-or-no parameter. */
  flag(name: string): boolean {
    return this.#entry(name).text === 'yes';
  }

  /** Sets a parameter from text. Throws KvError INVALID, with Redis' words, when the value is wrong. */
  set(name: string, value: string): void {
    const entry = this.#entry(name);
    assign(entry, value);
    this.#announce(entry);
  }

  /** Sets all of these parameters, or none: then says which can't be set, and why. Names must differ. */
  setAll(values: ReadonlyMap<string, string>): Refusal | null {
    const checked: [Entry, Entry][] = [];
    const refusal = this.findRefusal(values, checked);
    if (refusal !== null) return refusal;
    for (const [entry, { text, number }] of checked) Object.assign(entry, { text, number });
    for (const [entry] of checked) this.#announce(entry);
    return null;
  }

  /** Which of these parameters `setAll` would not set, and why; null when it would set all. `drafts` gets them. */
  findRefusal(values: ReadonlyMap<string, string>, drafts: [Entry, Entry][] = []): Refusal | null {
    for (const [name, value] of values) {
      const entry = this.#entry(name);
      const draft: Entry = { ...entry };
      const problem = attempt(draft, value) ?? this.#objection(entry, draft.text);
      if (problem !== null) return { name, problem };
      drafts.push([entry, draft]);
    }
    return null;
  }

  /** Whether `setAll` is not enough for these parameters: `change` has to be waited for. */
  takesTime(values: ReadonlyMap<string, string>): boolean {
    const drafts: [Entry, Entry][] = [];
    return this.findRefusal(values, drafts) === null && this.#changesOf(drafts).size > 0;
  }

  /** As `setAll`, once what takes its time is done; one after the other. */
  change(values: ReadonlyMap<string, string>): Promise<Refusal | null> {
    const changed = this.#lastChange.then(() => this.#change(values));
    this.#lastChange = changed.catch(() => {});
    return changed;
  }

  /** Says what is wrong with a value, or null. */
  check(name: string, value: string): string | null {
    return attempt({ ...this.#entry(name) }, value);
  }

  /** Calls `listener` with the value now and after each change. */
  onChange(name: string, listener: (value: string) => void): void {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) this.#listeners.set(name, [listener]);
    else listeners.push(listener);
    listener(this.text(name));
  }

  /** From now on `setAll` asks `guard` too: it says why a valid value can't be had here, or null. */
  guard(name: string, guard: Guard): void {
    this.#guards.set(name, guard);
  }

  /** From now on new values of these parameters are made true by `change`, by all of them in one call. */
  changeBy(names: readonly string[], change: Change): void {
    for (const name of names) this.#changes.set(name, change);
  }

  /** Whether a `change` has brought it to its present value. */
  isChanged(name: string): boolean {
    return this.#changed.has(name);
  }

  async #change(values: ReadonlyMap<string, string>): Promise<Refusal | null> {
    const drafts: [Entry, Entry][] = [];
    const refusal = this.findRefusal(values, drafts);
    if (refusal !== null) return refusal;
    const done: [Change, ReadonlyMap<string, string>][] = [];
    for (const [change, wanted] of this.#changesOf(drafts)) {
      const [name] = wanted.keys();
      const before = new Map([...wanted.keys()].map((each) => [each, this.text(each)]));
      try {
        await change(wanted);
      } catch (error) {
        for (const [undo, old] of done.reverse()) await undo(old);
        return { name, problem: (error as Error).message };
      }
      done.push([change, before]);
    }
    for (const [, before] of done) for (const name of before.keys()) this.#changed.add(name);
    return this.setAll(values);
  }

  /** Which changes it takes to get from the present values to those of the drafts, and what each is about. */
  #changesOf(drafts: readonly [Entry, Entry][]): Map<Change, Map<string, string>> {
    const changes = new Map<Change, Map<string, string>>();
    for (const [{ parameter, text }, draft] of drafts) {
      const change = this.#changes.get(parameter.name);
      if (change === undefined || draft.text === text) continue;
      const wanted = changes.get(change) ?? new Map<string, string>();
      changes.set(change, wanted.set(parameter.name, draft.text));
    }
    return changes;
  }

  /** Why a valid value can't be had here, or null. */
  #objection({ parameter, text }: Entry, wanted: string): string | null {
    const isKept = parameter.isKept && !this.#changes.has(parameter.name);
    if (isKept && wanted !== text) return "can't be changed while the server runs";
    return this.#guards.get(parameter.name)?.(wanted) ?? null;
  }

  #announce(entry: Entry): void {
    for (const listener of this.#listeners.get(entry.parameter.name) ?? []) listener(entry.text);
    this.onSet?.(entry.parameter.name, entry.text);
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new KvError('INVALID', `Unknown option '${name}'`);
    return entry;
  }
}

/** Assigns a value; what is wrong with it, or null. */
function attempt(entry: Entry, value: string): string | null {
  try {
    assign(entry, value);
    return null;
  } catch (error) {
    if (error instanceof KvError) return error.message;
    throw error;
  }
}

function assign(entry: Entry, value: string): void {
  const { kind } = entry.parameter;
  switch (kind.type) {
    case 'integer':
      assignNumber(entry, kind, parseWhole(value), "argument couldn't be parsed into an integer");
      return;
    case 'memory':
      assignNumber(entry, kind, parseAmount(value), 'argument must be a memory value');
      return;
    case 'flag':
      entry.text = value.toLowerCase();
      if (entry.text !== 'yes' && entry.text !== 'no') throw invalid("argument must be 'yes' or 'no'");
      return;
    case 'word': {
      const word = kind.words.find((each) => each === value.toLowerCase());
      if (word === undefined) {
        throw invalid(`argument(s) must be one of the following: ${kind.words.join(', ')}`);
      }
      entry.text = word;
      return;
    }
    case 'custom':
      entry.text = kind.normalize(value, entry.text);
      entry.number = Number(entry.text);
      return;
    default:
      entry.text = value;
  }
}

interface Limits {
  readonly min: number;
  readonly max: number;
}

function assignNumber(entry: Entry, { min, max }: Limits, n: bigint | null, problem: string): void {
  if (n === null) throw invalid(problem);
  if (n < exactLimit(min) || n > exactLimit(max)) {
    throw invalid(`argument must be between ${exactLimit(min)} and ${exactLimit(max)} inclusive`);
  }
  entry.number = Number(n);
  entry.text = String(n);
}

/** A limit beyond what is exact as a number stands for Redis' 64-bit one, and none for that without a sign. */
function exactLimit(limit: number): bigint {
  if (limit === Number.POSITIVE_INFINITY) return uint64Max;
  return limit === Number.MAX_SAFE_INTEGER ? int64Max : BigInt(limit);
}

/** An error of a parameter's value, to be thrown by `normalize`. */
export function invalid(message: string): KvError {
  return new KvError('INVALID', message);
}
