/** How COMMAND and COMMAND DOCS describe SORT. */
import { after, blockDoc, oneofDoc, valueDoc, wordDoc } from '../../argument-docs.js';
import type { ArgumentDoc, KeySpec } from '../../grammar.js';
import { findTarget } from './sort-options.js';

const onlyKey = { lastKey: 0, step: 1, limit: 0 } as const;

export const sourceSpec: KeySpec = { access: 'RO', uses: ['access'], begin: { index: 1 }, find: onlyKey };

export const patternSpec: KeySpec = {
  access: 'RO',
  uses: ['access'],
  begin: { search: () => 0 },
  find: onlyKey,
  notes:
    "For the optional BY/GET keyword. It is marked 'unknown' because the key names derive from the content of the key we sort",
};

export const targetSpec: KeySpec = {
  access: 'OW',
  uses: ['update'],
  begin: { search: findTarget },
  find: onlyKey,
  notes:
    "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the argument array",
};

export const byDoc: ArgumentDoc = valueDoc('by-pattern', 'pattern', 'BY', 'optional');
export const limitDoc: ArgumentDoc = after(
  'LIMIT',
  blockDoc('limit', ['optional'], valueDoc('offset', 'integer'), valueDoc('count', 'integer')),
);
export const getDoc: ArgumentDoc = valueDoc(
  'get-pattern',
  'pattern',
  'GET',
  'optional',
  'multiple',
  'multiple_token',
);
export const orderDoc: ArgumentDoc = oneofDoc('order', ['optional'], wordDoc('ASC'), wordDoc('DESC'));
export const sortingDoc: ArgumentDoc = { ...wordDoc('ALPHA', 'optional'), name: 'sorting' };
export const storeDoc: ArgumentDoc = {
  ...valueDoc('destination', 'key', 'STORE', 'optional'),
  keySpecIndex: 2,
};
