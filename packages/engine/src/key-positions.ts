/** Where the keys of a command are among its arguments: derived from its grammar, and found in a request. */
import type { Request } from '@holdfast/common';
import type { Argument, KeySpec } from './grammar.js';

/** The keys that the arguments of a command are, the first of which is argument `argsStart`. */
export function keySpecsOf(
  shape: readonly (readonly [name: string, Argument<unknown>])[],
  argsStart: number,
): readonly KeySpec[] {
  const specs: KeySpec[] = [];
  let position = argsStart;
  for (const [, argument] of shape) {
    argument.collectKeys(position, { specs });
    position = argument.isFixed ? position + argument.countMin : Number.NaN;
  }
  return specs;
}

/** Index of the only key, when it is that simple; 0 otherwise. */
export function soleKeyOf(specs: readonly KeySpec[]): number {
  if (specs.length !== 1) return 0;
  const [{ begin, find }] = specs;
  return 'index' in begin && 'lastKey' in find && find.lastKey === 0 ? begin.index : 0;
}

/** Calls `visit` with the index of each key that a specification finds in a request that fits the arity. */
export function visitKeys(
  spec: KeySpec,
  request: Request,
  visit: (index: number, spec: KeySpec) => void,
): void {
  const first = findFirst(request, spec.begin);
  if (first <= 0 || first >= request.count) return;
  if ('lastKey' in spec.find) {
    const { lastKey, step, limit } = spec.find;
    let last = lastKey < 0 ? request.count + lastKey : first + lastKey;
    if (lastKey === -1 && limit > 1) last = first + Math.floor((request.count - first) / limit) - 1;
    for (let i = first; i <= last && i < request.count; i += step) visit(i, spec);
  } else {
    const { firstKey, keyNumIndex, step } = spec.find;
    const count = request.integer(first + keyNumIndex);
    // More keys than there are arguments: the command will refuse it, and none of them is a key.
    if (first + firstKey + (count - 1) * step >= request.count) return;
    for (let i = 0; i < count; i++) visit(first + firstKey + i * step, spec);
  }
}

/** Whether a request says of how many keys it is, and has not so many: then it has no keys, wherever others may be. */
export function miscountsKeys({ begin, find }: KeySpec, request: Request): boolean {
  if ('lastKey' in find) return false;
  const first = findFirst(request, begin);
  if (first <= 0 || first >= request.count) return false;
  const count = request.integer(first + find.keyNumIndex);
  return !(count >= 1) || first + find.firstKey + (count - 1) * find.step >= request.count;
}

function findFirst(request: Request, begin: KeySpec['begin']): number {
  if ('index' in begin) return begin.index;
  if ('search' in begin) return begin.search(request);
  return begin.locate === undefined ? findKeyword(request, begin) : begin.locate(request);
}

function findKeyword(request: Request, begin: { keyword: string; startFrom: number }): number {
  if (begin.startFrom > 0) {
    for (let i = begin.startFrom; i < request.count; i++) if (request.is(i, begin.keyword)) return i + 1;
    return 0;
  }
  for (let i = request.count + begin.startFrom; i > 0; i--) if (request.is(i, begin.keyword)) return i + 1;
  return 0;
}
