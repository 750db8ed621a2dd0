/** Which keys GEORADIUS and GEORADIUSBYMEMBER have: the one that is searched, and one that gets the result. */
import type { Request } from '@holdfast/common';
import type { KeySpec } from '../../grammar.js';
import { onlyKey } from './geo-docs.js';

/** `optionsAt`: the first argument that is an option. */
export function radiusKeys(optionsAt: number): readonly KeySpec[] {
  const storedBy = (keyword: string): KeySpec => ({
    access: 'OW',
    uses: ['update'],
    begin: { keyword, startFrom: optionsAt, locate: (request) => lastStored(request, optionsAt, keyword) },
    find: onlyKey,
  });
  return [
    { access: 'RO', uses: ['access'], begin: { index: 1 }, find: onlyKey },
    storedBy('STORE'),
    storedBy('STOREDIST'),
  ];
}

/** The key behind the word that is given last, which is the one that counts; 0 when it is not given. */
function lastStored(request: Request, optionsAt: number, word: string): number {
  let found = 0;
  for (let i = optionsAt; i + 1 < request.count; i++) {
    if (request.is(i, word)) found = i + 1;
    if (request.is(i, 'STORE') || request.is(i, 'STOREDIST') || request.is(i, 'COUNT')) i++;
  }
  return found;
}
