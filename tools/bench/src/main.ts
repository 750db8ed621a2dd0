/** `npm run bench -- [suite ...] [--pairs N] [--seconds N]`: both servers in turn, pair by pair, in one run. */
import { cpus } from 'node:os';
import { ProcessHold } from '@holdfast/common';
import { Argument, Command } from 'commander';
import { suites } from './suites.js';
import { header } from './table.js';

const suiteHelp = `
Suites:
  strings    GET and SET, with 1, 16 and 64 commands in a pipeline
  types      INCR, LPUSH, LPOP, HSET, SADD, ZADD, 16 in a pipeline
  scripts    EVALSHA, EVAL and FCALL of a script of three calls
  pubsub     PUBLISH to 1 and to 50 subscribers, until all have read all
  streams    XADD, XRANGE, XREADGROUP, 16 in a pipeline; bytes per entry
  memory     resident memory per pair, 2 M pairs of a 16-byte key and a 64-byte value
  maxmemory  resident memory under 200mb while writes go on; hit rates under LRU and LFU
  latency    percentiles under a mixed open load at half of the capacity of the slower server, 5 M keys
  grpc       our client over gRPC's Batch, the client's work included, against ioredis
  logged     SET with a log on disk and all data in memory, against the append-only file
  durable    SET with a log on disk and level storage, against the append-only file
  start      time to the first PONG of a server without data, to the first reply of open(), and CPU time
  restart    how long a start takes, after a clean stop and after SIGKILL
  sustained  new keys, as fast as they are taken: the mean, and the worst second
  cold       GET over data ten times the memory it may have, against all of it in memory; not against redis-server
  cluster    replicated writes against puts of the same etcd, a gateway against a whole server, timestamps`;

const program = new Command('npm run bench --')
  .description(
    'redis-server and Holdfast in turn, pair by pair, in one run; prints the medians and their ratio.',
  )
  .addArgument(new Argument('[suite...]', 'all, if none is named').choices(Object.keys(suites)))
  .option('--pairs <count>', 'how often both are measured', Number, 5)
  .option('--seconds <count>', 'how long the load of maxmemory lasts', Number, 300)
  .addHelpText('after', suiteHelp)
  .parse();
const { pairs, seconds } = program.opts<{ pairs: number; seconds: number }>();
if (!(pairs > 0 && seconds > 0)) program.error('--pairs and --seconds must be numbers above 0');

console.log(`${new Date().toISOString()}  ${cpus().length} x ${cpus()[0].model}  Node ${process.version}`);
console.log(header);
// What is awaited may be a call that is tried again: nothing else would hold the process until then.
const hold = new ProcessHold();
hold.set(true);
for (const name of program.args.length === 0 ? Object.keys(suites) : program.args)
  await suites[name](pairs, seconds);
hold.set(false);
