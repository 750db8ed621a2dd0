/** How COMMAND and COMMAND DOCS describe the options of geo searches. */
import { after, blockDoc, oneofDoc, valueDoc, wordDoc } from '../../argument-docs.js';
import type { ArgumentDoc } from '../../grammar.js';

/** Where keys are after a place or a word: that one only. */
export const onlyKey = { lastKey: 0, step: 1, limit: 0 } as const;

const unitWords = ['m', 'km', 'ft', 'mi'].map((unit) => wordDoc(unit));

export const unitDoc: ArgumentDoc = oneofDoc('unit', [], ...unitWords);
export const optionalUnitDoc: ArgumentDoc = oneofDoc('unit', ['optional'], ...unitWords);

const point = [valueDoc('longitude', 'double'), valueDoc('latitude', 'double')] as const;

export const fromDoc: ArgumentDoc = oneofDoc(
  'from',
  [],
  valueDoc('member', 'string', 'FROMMEMBER'),
  after('FROMLONLAT', blockDoc('fromlonlat', [], ...point)),
);

export const byDoc: ArgumentDoc = oneofDoc(
  'by',
  [],
  blockDoc('circle', [], valueDoc('radius', 'double', 'BYRADIUS'), unitDoc),
  blockDoc('box', [], valueDoc('width', 'double', 'BYBOX'), valueDoc('height', 'double'), unitDoc),
);

export const orderDoc: ArgumentDoc = oneofDoc('order', ['optional'], wordDoc('ASC'), wordDoc('DESC'));

export const countDoc: ArgumentDoc = blockDoc(
  'count-block',
  ['optional'],
  valueDoc('count', 'integer', 'COUNT'),
  wordDoc('ANY', 'optional'),
);

export const withDocs: readonly ArgumentDoc[] = ['WITHCOORD', 'WITHDIST', 'WITHHASH'].map((word) =>
  wordDoc(word, 'optional'),
);

export const storeDoc: ArgumentDoc = oneofDoc(
  'store',
  ['optional'],
  { ...valueDoc('storekey', 'key', 'STORE'), keySpecIndex: 1 },
  { ...valueDoc('storedistkey', 'key', 'STOREDIST'), keySpecIndex: 2 },
);

export const storeDistancesDoc: ArgumentDoc = wordDoc('STOREDIST', 'optional');
