/** The options EX, PX, EXAT and PXAT that several commands share, and what they mean. */
import { type Chosen, integer } from './grammar.js';

export const expiryOptions = { EX: integer(), PX: integer(), EXAT: integer(), PXAT: integer() };

/** The latest point in time that a key may expire at, in ms since 1970: as far as integers are exact. */
export const expiryMsMax: number = Number.MAX_SAFE_INTEGER;

/** Ms since 1970; -1 when the value is not positive or lies too far in the future. */
export function expiryOf(chosen: Chosen<string>, nowMs: number): number {
  const { word, value } = chosen;
  if (value <= 0) return -1;
  const ms = word === 'EX' || word === 'EXAT' ? value * 1000 : value;
  const expiryMs = word === 'EX' || word === 'PX' ? nowMs + ms : ms;
  return expiryMs > expiryMsMax ? -1 : expiryMs;
}
