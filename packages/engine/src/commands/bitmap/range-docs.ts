/** How COMMAND DOCS describes ranges of bits. */
import { blockDoc, oneofDoc, valueDoc, wordDoc } from '../../argument-docs.js';
import type { ArgumentDoc } from '../../grammar.js';

const unit = oneofDoc('unit', ['optional'], wordDoc('BYTE'), wordDoc('BIT'));
const start = valueDoc('start', 'integer');
const end = valueDoc('end', 'integer');

/** `[start end [BYTE|BIT]]` */
export const rangeDoc: ArgumentDoc = blockDoc('range', ['optional'], start, end, unit);

/** `[start [end [BYTE|BIT]]]` */
export const openRangeDoc: ArgumentDoc = blockDoc(
  'range',
  ['optional'],
  start,
  blockDoc('end-unit-block', ['optional'], end, unit),
);
