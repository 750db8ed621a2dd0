/** How COMMAND DOCS describes the operations of BITFIELD. */
import { after, blockDoc, oneofDoc, valueDoc, wordDoc } from '../../argument-docs.js';
import type { ArgumentDoc } from '../../grammar.js';

const field = [valueDoc('encoding', 'string'), valueDoc('offset', 'integer')] as const;

const overflow = after(
  'OVERFLOW',
  oneofDoc('overflow-block', ['optional'], wordDoc('WRAP'), wordDoc('SAT'), wordDoc('FAIL')),
);

const write = oneofDoc(
  'write-operation',
  [],
  after('SET', blockDoc('set-block', [], ...field, valueDoc('value', 'integer'))),
  after('INCRBY', blockDoc('incrby-block', [], ...field, valueDoc('increment', 'integer'))),
);

export const operationsDoc: ArgumentDoc = oneofDoc(
  'operation',
  ['optional', 'multiple'],
  after('GET', blockDoc('get-block', [], ...field)),
  blockDoc('write', [], overflow, write),
);

export const getsDoc: ArgumentDoc = after(
  'GET',
  blockDoc('get-block', ['optional', 'multiple_token', 'multiple'], ...field),
);
