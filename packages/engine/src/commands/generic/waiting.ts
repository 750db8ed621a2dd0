import { type Argument, integer } from '../../grammar.js';

/** Milliseconds that WAIT and WAITAOF wait; 0 for ever. */
export function waitTimeout(): Argument<number> {
  return integer({
    min: 0,
    error: 'ERR timeout is not an integer or out of range',
    rangeError: 'ERR timeout is negative',
  });
}
