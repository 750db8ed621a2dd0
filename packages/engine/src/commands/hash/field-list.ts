/** `FIELDS numfields field [field ...]`, as the commands on fields that expire take it. */
import type { Reply } from '@holdfast/common';
import type { Context } from '../../context.js';
import { bytes, counted, option, unparsed } from '../../grammar.js';

export interface FieldList {
  /** Argument of the first field. */
  readonly first: number;
  readonly count: number;
}

/** What HEXPIRE and its kin say of a number of fields that is none; the others say it differently. */
export const notPositive = 'ERR Parameter `numFields` should be greater than 0';
export const notPositiveInteger = 'ERR Number of fields must be a positive integer';

/** Read late: what is wrong with it matters only when the key is no other value. */
export const fieldsArgument = {
  fields: unparsed(option('FIELDS', { field: counted(bytes(), { name: 'numfields' }) }, { required: true })),
};

/** The list that is all there is from argument `at` on; null after replying what is wrong with it. */
export function readFieldList(
  { request }: Context,
  at: number,
  countProblem: string,
  reply: Reply,
): FieldList | null {
  if (!request.is(at, 'FIELDS')) {
    reply.error('ERR Mandatory argument FIELDS is missing or not at the right position');
    return null;
  }
  const count = request.integer(at + 1);
  if (!(count >= 1)) {
    reply.error(countProblem);
    return null;
  }
  if (count !== request.count - at - 2) {
    reply.error('ERR The `numfields` parameter must match the number of arguments');
    return null;
  }
  return { first: at + 2, count };
}
