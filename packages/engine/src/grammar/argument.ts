/** What every argument of a grammar is. */
import type { Request } from '@holdfast/common';

export const syntaxError = 'ERR syntax error';
export const notAnInteger = 'ERR value is not an integer or out of range';
export const notADouble = 'ERR value is not a valid float';

/** How a key is used: read only, read and written, overwritten, removed. */
export type KeyAccess = 'RO' | 'RW' | 'OW' | 'RM';
export type KeyUse = 'access' | 'update' | 'insert' | 'delete' | 'not_key' | 'incomplete' | 'variable_flags';

/** What a command does with its keys. */
export interface KeyUsage {
  readonly access: KeyAccess;
  readonly uses: readonly KeyUse[];
}

/** Where keys are, in the terms of COMMAND INFO's key specifications. */
export interface KeySpec extends KeyUsage {
  readonly begin:
    | { readonly index: number }
    /**
     * Behind a word. `locate` finds the index of the key where that word may come more than once, or be the value of
     * another option: 0 for none.
     */
    | {
        readonly keyword: string;
        readonly startFrom: number;
        readonly locate?: (request: Request) => number;
      }
    /** Where no rule tells: the index of the key, 0 for none. Reported as unknown. */
    | { readonly search: (request: Request) => number };
  readonly find:
    | { readonly lastKey: number; readonly step: number; readonly limit: number }
    | { readonly keyNumIndex: number; readonly firstKey: number; readonly step: number };
  /** Why the key is used so, for humans. */
  readonly notes?: string;
}

/** An argument as COMMAND DOCS describes it. */
export interface ArgumentDoc {
  readonly name: string;
  readonly type: string;
  /** What stands for it in a line of usage; its name, if not given. */
  readonly display?: string;
  readonly token?: string;
  readonly keySpecIndex?: number;
  readonly flags: readonly string[];
  readonly arguments?: readonly ArgumentDoc[];
}

/** State of one parse. */
export class ArgumentParser {
  request!: Request;
  /** The object that the handler receives. */
  args: Record<string, unknown> = {};
  /** Why the parse failed. */
  error = syntaxError;

  fail(message: string): -1 {
    this.error = message;
    return -1;
  }
}

/** Where arguments put the positions of their keys. */
export interface KeyCollector {
  readonly specs: KeySpec[];
}

export abstract class Argument<T> {
  name = '';
  /** The value before parsing, and when the argument is left out. */
  abstract initial(): T;
  /** How many arguments it takes at least. */
  abstract readonly countMin: number;
  /** Whether it always takes exactly `countMin`. */
  abstract readonly isFixed: boolean;
  /** Whether each parse sets the value or fails, whatever the one before it left: nothing is to be taken back. */
  readonly isAlwaysSet: boolean = false;
  /** Named by a token, and may be left out: part of a group in any order. */
  readonly isOption: boolean = false;
  /** Whether COMMAND DOCS speaks of it. */
  isDocumented = true;
  /** Parses from argument `at` into `parser.args[name]`; the position after it, or -1. */
  abstract parse(parser: ArgumentParser, at: number): number;
  /** Which argument, of those parsed into `value`, is longer than the grammar allows: its index, or -1. */
  findTooLong(_request: Request, _value: unknown): number {
    return -1;
  }
  /** Adds the positions of its keys. `at` is its position, or NaN when that varies. */
  collectKeys(_at: number, _collector: KeyCollector): void {}
  abstract describe(): ArgumentDoc;

  protected store(parser: ArgumentParser, value: unknown): void {
    parser.args[this.name] = value;
  }
}

export type ArgumentShape = Record<string, Argument<unknown>>;
export type ArgsOf<S> = { [K in keyof S]: S[K] extends Argument<infer T> ? T : never };
