/** What commands that fill a server, or make a directory for one, have in common: where to, and how to log in. */
import { Option } from 'commander';
import { UsageError } from '../exit-codes.js';

export const userOption = new Option('--user <name>', 'user of the server').default('').env('HOLDFAST_USER');

export const passwordOption = new Option(
  '--password <password>',
  'password of that user; better as the variable than as a flag',
)
  .default('')
  .env('HOLDFAST_PASSWORD');

/** One of the two must be given. Throws UsageError. */
export function checkWhereTo(directory: string | undefined, address: string | undefined): void {
  if ((directory === undefined) === (address === undefined))
    throw new UsageError('where to? Give a directory, or --to host:port');
}
