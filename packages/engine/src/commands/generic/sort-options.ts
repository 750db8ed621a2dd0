/** The words of SORT, and where it says that its result goes to a key. */
import type { Request } from '@holdfast/common';
import { notAnInteger, syntaxError } from '../../grammar.js';

const star = 42;

export class SortOptions {
  isDescending = false;
  isAlphabetic = false;
  offset = 0;
  /** All if negative. */
  count = -1;
  /** The argument of the pattern to sort by; 0 for the elements themselves. */
  by = 0;
  /** The elements stay in the order they have. */
  isUnsorted = false;
  /** The arguments of the patterns of what is replied. */
  readonly gets: number[] = [];
  /** The argument of the key that gets the result; 0 for none. */
  target = 0;
  /** The user may read what patterns stand for, whatever it is. */
  mayReadAny = true;

  /** Reads what comes after the key; what is wrong with it, or null. */
  parse(request: Request, mayStore: boolean): string | null {
    for (let i = 2; i < request.count; ) {
      const left = request.count - i - 1;
      if (request.is(i, 'ASC')) this.isDescending = false;
      else if (request.is(i, 'DESC')) this.isDescending = true;
      else if (request.is(i, 'ALPHA')) this.isAlphabetic = true;
      else if (request.is(i, 'LIMIT') && left >= 2) {
        this.offset = request.integer(++i);
        this.count = request.integer(++i);
        if (this.offset !== this.offset || this.count !== this.count) return notAnInteger;
      } else if (mayStore && request.is(i, 'STORE') && left >= 1) this.target = ++i;
      else if (request.is(i, 'BY') && left >= 1) {
        this.by = ++i;
        if (!request.view(i).includes(star)) this.isUnsorted = true;
        else if (!this.mayReadAny) return deniedBy('BY');
      } else if (request.is(i, 'GET') && left >= 1) {
        if (!this.mayReadAny) return deniedBy('GET');
        this.gets.push(++i);
      } else return syntaxError;
      i++;
    }
    return null;
  }
}

function deniedBy(word: string): string {
  return `ERR ${word} option of SORT denied due to insufficient ACL permissions.`;
}

/** The arguments that are patterns of keys to be read. */
export function patternsOf(request: Request): readonly number[] {
  const options = new SortOptions();
  if (options.parse(request, true) !== null) return [];
  const { by, gets, isUnsorted } = options;
  const isOfKeys = (i: number): boolean => request.view(i).includes(star);
  return (by === 0 || isUnsorted ? gets : [by, ...gets]).filter(isOfKeys);
}

/** The argument of the last STORE's key, 0 when there is none. */
export function findTarget(request: Request): number {
  let target = 0;
  for (let i = 2; i < request.count; i++) {
    if (request.is(i, 'LIMIT')) i += 2;
    else if (request.is(i, 'GET') || request.is(i, 'BY')) i++;
    else if (request.is(i, 'STORE') && i + 1 < request.count) target = ++i;
  }
  return target;
}
