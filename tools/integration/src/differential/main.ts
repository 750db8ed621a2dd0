/**
 * `npm run differential`: looks for differences to redis-server, with `--conversations` among several connections, and
 * prints each as short as it gets. Ends with 1 when there are any.
 */
import { Command, Option } from 'commander';
import type { Address } from '../wire-client.js';
import { ConversationSearch, settingsOfConversations } from './conversation-search.js';
import { DifferentialSearch } from './search.js';
import { ServerPair } from './server-pair.js';

interface Options {
  readonly seconds: number;
  readonly seed: number;
  readonly sequences?: number;
  readonly findings: number;
  readonly storage: string;
  readonly log: string;
  readonly cacheBytes: string;
  readonly restartEvery: number;
  readonly conversations?: true;
  readonly at?: string;
}

const program = new Command('npm run differential --')
  .description('Random commands to redis-server and to Holdfast: every reply and the data must be the same.')
  .option('--seconds <count>', 'how long', Number, 60)
  .option('--seed <number>', 'where it begins', Number, Math.floor(Math.random() * 2 ** 31))
  .option('--sequences <count>', 'at most so many', Number)
  .option('--findings <count>', 'ends after so many differences', Number, 20)
  .option('--conversations', 'among several connections')
  .option('--at <host:port>', 'a server that is there already, such as the gateway of a cluster')
  .addOption(new Option('--storage <kind>').choices(['memory', 'level']).default('memory'))
  .addOption(new Option('--log <kind>').choices(['none', 'file']).default('none'))
  .option('--cache-bytes <bytes>', 'memory for what is on the disk', '0')
  .option('--restart-every <sequences>', 'SIGKILL and a new start after so many, with a log', Number, 20)
  .parse();
const given = program.opts<Options>();
const { seconds, seed, storage, log, cacheBytes } = given;
if (!(seconds > 0 && Number.isSafeInteger(seed))) program.error('--seconds and --seed must be numbers');
const settings = storage === 'memory' && log === 'none' ? {} : { storage, log, 'cache-bytes': cacheBytes };
const pair =
  given.at === undefined
    ? await ServerPair.start(given.conversations ? { ...settings, ...settingsOfConversations } : settings)
    : await ServerPair.at(addressOf(given.at));
console.log(`seed ${seed}, ${seconds} s, storage ${storage}, log ${log}`);
const options = {
  seed,
  seconds,
  sequencesMax: given.sequences ?? Number.POSITIVE_INFINITY,
  findingsMax: given.findings,
  restartEvery: pair.isKept ? given.restartEvery : 0,
  log: (line: string) => console.log(`\n${line}`),
};
const findings = await (given.conversations ? converse() : compare());
await pair.stop();
process.exitCode = findings.length === 0 ? 0 : 1;

function addressOf(text: string): Address {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}

async function compare(): Promise<readonly string[]> {
  const found = await new DifferentialSearch(pair, options).run();
  const { sequenceCount, requestCount, restartCount, findings: differences } = found;
  console.log(
    `\n${sequenceCount} sequences, ${requestCount} requests, ${restartCount} restarts: ${differences.length} findings`,
  );
  return differences;
}

async function converse(): Promise<readonly string[]> {
  const found = await new ConversationSearch(pair, options).run();
  const { conversationCount, turnCount, findings: differences, passing } = found;
  for (const text of passing) console.log(`\nonce: ${text}`);
  console.log(
    `\n${conversationCount} conversations, ${turnCount} turns: ${differences.length} findings, ${passing.length} seen once`,
  );
  return [...differences, ...passing];
}
