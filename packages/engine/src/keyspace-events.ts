/**
 * Classes of keyspace events: the letters of `notify-keyspace-events`, as bits. `K` and `E` choose the
 * channels, `A` stands for all classes but `m` (misses) and `n` (new keys).
 */
import { invalid } from './config.js';

const letters = 'g$lshzxetdmnKE';
const allLetters = 'g$lshzxetd';

/** The bit of a class of keyspace events, by its letter. */
export function eventClassBit(letter: string): number {
  const position = letters.indexOf(letter);
  return position < 0 ? 0 : 1 << position;
}

function bitsOf(classes: string): number {
  let bits = 0;
  for (const letter of classes) bits |= eventClassBit(letter);
  return bits;
}

const allBits = bitsOf(allLetters);

/** The classes that a value of `notify-keyspace-events` names, as bits. Throws KvError INVALID. */
export function parseEventClasses(value: string): number {
  let bits = 0;
  for (const letter of value) {
    const bit = letter === 'A' ? allBits : eventClassBit(letter);
    if (bit === 0) throw invalid("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
    bits |= bit;
  }
  return bits;
}

/**
 * The classes as CONFIG GET reports them: `A` for all of its letters, and a fixed order. Redis leaves `n` out beside `A`:
 * then what was read could not be set again.
 */
export function formatEventClasses(bits: number): string {
  const has = (letter: string): boolean => (bits & eventClassBit(letter)) !== 0;
  const hasAll = (bits & allBits) === allBits;
  const classes = hasAll ? 'A' : [...allLetters].filter(has).join('');
  return classes + [...'nKEm'].filter(has).join('');
}
