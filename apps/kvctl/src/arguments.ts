/** Parsers of values on the command line. */
import { InvalidArgumentError } from 'commander';
import { UsageError } from './exit-codes.js';

export interface ServerAddress {
  readonly host: string;
  readonly port: number;
}

/** A whole number above 0. */
export function positiveInteger(text: string): number {
  if (!/^[1-9]\d{0,9}$/.test(text)) throw new InvalidArgumentError('It must be a whole number, 1 or more.');
  return Number(text);
}

/** Words with commas between. */
export function listOf(text: string): string[] {
  return text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

/** Throws UsageError. */
export function parseAddress(text: string): ServerAddress {
  const colon = text.lastIndexOf(':');
  const port = Number(text.slice(colon + 1));
  if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new UsageError(`${text} is no address: it must be host:port`);
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port };
}
