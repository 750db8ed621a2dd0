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

const formMask = 3;

/**
 * What that byte says beside it: what its key was right before. Who applies a log to just the state that it was written on need
 * not look. Said neither in snapshots nor by older logs.
 */
export const formerStates = {
  unsaid: 0,
  absent: 4,
  /** A string that lies with its key, without an expiry. */
  bareString: 8,
} as const;

/** The form that the byte of a mutation says. */
export function formOf(said: number): number {
  return said & formMask;
}

/** Which of `formerStates` it says. */
export function formerStateOf(said: number): number {
  return said & ~formMask;
}

/** The head of a string's record with the form `raw`. */
export function rawHead(head: number): number {
  return (head & formless) | (stringForms.raw << formShift);
}
