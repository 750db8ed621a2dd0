/**
 * What a string's record says of its encoding, beside what the content says: seen only in OBJECT ENCODING. In
 * the mutation that puts a string it is a byte.
 */
// @hot-path
import { formless, formShift } from './records.js';

export const stringForms = {
  /** `int`, `embstr` or `raw`, as the content suggests. */
  plain: 0,
  /** Changed in place (APPEND, SETRANGE, SETBIT): `raw`. */
  raw: 1,
  /** Never `int`: what INCRBYFLOAT writes. */
  text: 2,
} as const;

/** The head of a string's record with the form `raw`. */
export function rawHead(head: number): number {
  return (head & formless) | (stringForms.raw << formShift);
}
