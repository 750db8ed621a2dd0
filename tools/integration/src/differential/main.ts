/**
 * `npm run differential -- [--seconds N] [--seed S] [--sequences N] [--findings N] [--storage level] [--log file] [--cache-bytes N] [--conversations]`:
 * looks for differences to redis-server, with `--conversations` among several connections, and prints each as short as it gets. Ends with 1 when there are any.
 */
import { parseArgs } from 'node:util';
import { ConversationSearch, settingsOfConversations } from './conversation-search.js';
import { DifferentialSearch } from './search.js';
import { ServerPair } from './server-pair.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    findings: { type: 'string', default: '20' },
    storage: { type: 'string', default: 'memory' },
    'cache-bytes': { type: 'string', default: '0' },
    log: { type: 'string', default: 'none' },
    sequences: { type: 'string', default: 'Infinity' },
    'restart-every': { type: 'string', default: '20' },
    conversations: { type: 'boolean', default: false },
  },
});
const { storage, log, 'cache-bytes': cacheBytes } = values;
const settings = storage === 'memory' && log === 'none' ? {} : { storage, log, 'cache-bytes': cacheBytes };
const pair = await ServerPair.start(
  values.conversations ? { ...settings, ...settingsOfConversations } : settings,
);
console.log(`seed ${values.seed}, ${values.seconds} s, storage ${storage}, log ${log}`);
const options = {
  seed: Number(values.seed),
  seconds: Number(values.seconds),
  sequencesMax: Number(values.sequences),
  findingsMax: Number(values.findings),
  restartEvery: pair.isKept ? Number(values['restart-every']) : 0,
  log: (line: string) => console.log(`\n${line}`),
};
const findings = await (values.conversations ? converse() : compare());
await pair.stop();
process.exitCode = findings.length === 0 ? 0 : 1;

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
