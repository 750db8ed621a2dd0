/**
 * `npm run differential -- [--seconds N] [--seed S] [--sequences N] [--findings N] [--storage level] [--log file] [--cache-bytes N]`: looks for
 * differences to redis-server and prints each as short as it gets. Ends with 1 when there are any.
 */
import { parseArgs } from 'node:util';
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
  },
});
const { storage, log, 'cache-bytes': cacheBytes } = values;
const pair = await ServerPair.start(
  storage === 'memory' && log === 'none' ? {} : { storage, log, 'cache-bytes': cacheBytes },
);
console.log(`seed ${values.seed}, ${values.seconds} s, storage ${storage}, log ${log}`);
const search = new DifferentialSearch(pair, {
  seed: Number(values.seed),
  seconds: Number(values.seconds),
  sequencesMax: Number(values.sequences),
  findingsMax: Number(values.findings),
  restartEvery: pair.isKept ? Number(values['restart-every']) : 0,
  log: (line) => console.log(`\n${line}`),
});
const { sequenceCount, requestCount, restartCount, findings } = await search.run();
console.log(
  `\n${sequenceCount} sequences, ${requestCount} requests, ${restartCount} restarts: ${findings.length} findings`,
);
await pair.stop();
process.exitCode = findings.length === 0 ? 0 : 1;
