/** How to log in to a server that speaks Redis' protocol. */
import { Option } from 'commander';

export const userOption = new Option('--user <name>', 'user of the server').default('').env('HOLDFAST_USER');

export const passwordOption = new Option(
  '--password <password>',
  'password of that user; better as the variable than as a flag',
)
  .default('')
  .env('HOLDFAST_PASSWORD');
