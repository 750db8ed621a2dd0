/**
 * The parameters that CONFIG GET and SET know, by Redis' names: declared once, checked when set. Who
 * depends on one reads it (`number`, `text`, `flag`), or listens to changes.
 */
import { KvError } from '@holdfast/common';

export type ParameterKind =
  | { readonly type: 'integer'; readonly min: number; readonly max: number }
  /** Bytes: accepts `1gb`, `64mb`, `10k`; reported in bytes. */
  | { readonly type: 'memory'; readonly min: number; readonly max: number }
  | { readonly type: 'flag' }
  | { readonly type: 'text' }
  | { readonly type: 'word'; readonly words: readonly string[] }
  /** Checked and normalized by a function; returns null when the value is wrong. */
  | { readonly type: 'custom'; readonly normalize: (value: string) => string | null };

export interface Parameter {
  readonly name: string;
  readonly kind: ParameterKind;
  readonly initial: string;
  /** Can't be changed while the server runs. */
  readonly isFixed?: boolean;
  /** Another name for the parameter of this name: the old one. */
  readonly aliasOf?: string;
}

interface Entry {
  readonly parameter: Parameter;
  text: string;
  number: number;
}

export class Config {
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Map<string, ((value: string) => void)[]>();

  constructor(parameters: readonly Parameter[]) {
    for (const parameter of parameters) {
      if (parameter.aliasOf !== undefined) {
        this.#entries.set(parameter.name, this.#entry(parameter.aliasOf));
        continue;
      }
      const entry: Entry = { parameter, text: parameter.initial, number: 0 };
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
    for (const listener of this.#listeners.get(entry.parameter.name) ?? []) listener(entry.text);
  }

  /** Says what is wrong with a value, or null. */
  check(name: string, value: string): string | null {
    const { parameter } = this.#entry(name);
    try {
      assign({ parameter, text: '', number: 0 }, value);
      return null;
    } catch (error) {
      return (error as Error).message;
    }
  }

  /** Calls `listener` with the value now and after each change. */
  onChange(name: string, listener: (value: string) => void): void {
    const listeners = this.#listeners.get(name);
    if (listeners === undefined) this.#listeners.set(name, [listener]);
    else listeners.push(listener);
    listener(this.text(name));
  }

  #entry(name: string): Entry {
    const entry = this.#entries.get(name);
    if (entry === undefined) throw new KvError('INVALID', `Unknown option '${name}'`);
    return entry;
  }
}

function assign(entry: Entry, value: string): void {
  const { kind } = entry.parameter;
  switch (kind.type) {
    case 'integer':
    case 'memory': {
      const n = kind.type === 'integer' ? parseWhole(value) : parseMemory(value);
      if (n === null) {
        throw new KvError(
          'INVALID',
          kind.type === 'integer'
            ? "argument couldn't be parsed into an integer"
            : 'argument must be a memory value',
        );
      }
      if (n < kind.min || n > kind.max) {
        throw new KvError('INVALID', `argument must be between ${kind.min} and ${kind.max} inclusive`);
      }
      entry.number = n;
      entry.text = String(n);
      return;
    }
    case 'flag': {
      const text = value.toLowerCase();
      if (text !== 'yes' && text !== 'no') throw new KvError('INVALID', "argument must be 'yes' or 'no'");
      entry.text = text;
      return;
    }
    case 'word': {
      const word = kind.words.find((each) => each === value.toLowerCase());
      if (word === undefined) {
        throw new KvError('INVALID', `argument(s) must be one of the following: ${kind.words.join(', ')}`);
      }
      entry.text = word;
      return;
    }
    case 'custom': {
      const normalized = kind.normalize(value);
      if (normalized === null) throw new KvError('INVALID', 'Invalid argument');
      entry.text = normalized;
      return;
    }
    default:
      entry.text = value;
  }
}

function parseWhole(value: string): number | null {
  return /^-?\d{1,16}$/.test(value) ? Number(value) : null;
}

const memoryUnits: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 1000,
  kb: 1024,
  m: 1000 ** 2,
  mb: 1024 ** 2,
  g: 1000 ** 3,
  gb: 1024 ** 3,
};

/** `64mb`, `1g`, `1000`: bytes; null when it is no amount of memory. */
export function parseMemory(value: string): number | null {
  const match = /^(\d{1,15})([a-z]{0,2})$/i.exec(value);
  if (match === null) return null;
  const unit = memoryUnits[match[2].toLowerCase()];
  return unit === undefined ? null : Number(match[1]) * unit;
}
