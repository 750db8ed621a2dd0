/** Parsers of values on the command line. */
import { InvalidArgumentError } from 'commander';

/** A whole number above 0. */
export function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  return Number(text);
}
