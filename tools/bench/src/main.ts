/**
 * `npm run bench -- [suite ...] [--pairs N] [--seconds N]`: both servers in turn, pair by pair, in one run.
 *
 *     strings   GET and SET, with 1, 16 and 64 commands in a pipeline
 *     types     INCR, LPUSH, LPOP, HSET, SADD, ZADD, 16 in a pipeline
 *     scripts   EVALSHA, EVAL and FCALL of a script of three calls
 *     pubsub    PUBLISH to 1 and to 50 subscribers, until all have read all
 *     streams   XADD, XRANGE, XREADGROUP, 16 in a pipeline; bytes per entry
 *     memory    resident memory per pair, 2 M pairs of a 16-byte key and a 64-byte value
 *     maxmemory resident memory under 200mb while writes go on for `--seconds` (300); hit rates under LRU and LFU
 *     latency   percentiles under a mixed open load at half of the capacity of the slower server, 5 M keys
 *     grpc      our client over gRPC's Batch, the client's work included, against ioredis
 *     durable   SET with a log on disk, against the append-only file
 *     cold      GET over data ten times the memory it may have, against all of it in memory; not against redis-server
 *     start     time to the first PONG of a server without data, to the first reply of `open()`, and CPU time
 *     restart   how long a start takes, after a clean stop and after SIGKILL
 *     sustained new keys, as fast as they are taken: the mean, and the worst second
 *     cluster   replicated writes against puts of the same etcd, a gateway against a whole server, timestamps
 */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { ProcessHold } from '@holdfast/common';
import { suites } from './suites.js';
import { header } from './table.js';

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { pairs: { type: 'string', default: '5' }, seconds: { type: 'string', default: '300' } },
  });
  const [pairs, seconds] = [Number(values.pairs), Number(values.seconds)];
  const wanted = positionals.length === 0 ? Object.keys(suites) : positionals;
  const unknown = wanted.filter((name) => !Object.hasOwn(suites, name));
  if (unknown.length > 0 || !(pairs > 0 && seconds > 0)) {
    console.error(`usage: npm run bench -- [${Object.keys(suites).join('|')}] ... [--pairs N] [--seconds N]`);
    process.exit(2);
  }
  console.log(`${new Date().toISOString()}  ${cpus().length} x ${cpus()[0].model}  Node ${process.version}`);
  console.log(header);
  // What is awaited may be a call that is tried again: nothing else would hold the process until then.
  const hold = new ProcessHold();
  hold.set(true);
  for (const name of wanted) await suites[name](pairs, seconds);
  hold.set(false);
}

await main();
