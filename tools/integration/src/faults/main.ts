/** `npm run faults -- [--seconds N] [--seed N] [--only TEXT]`: faults in random order, until something is wrong. */
import { SeededRandom } from '@holdfast/common/testing';
import { Command } from 'commander';
import { ClusterUnderTest, type Member } from './cluster-under-test.js';
import { runFaults, shuffled } from './fault-run.js';
import { faults } from './nemesis.js';
import { restartEach } from './rolling-restart.js';
import { Workload } from './workload.js';

const program = new Command('npm run faults --')
  .description(
    'A real cluster, real etcd, and everything that goes wrong; what clients saw must be linearizable.',
  )
  .option('--seconds <count>', 'how long; forever if not given', Number)
  .option('--seed <number>', 'repeats the order of the faults', Number, Date.now() % 1_000_000)
  .option('--only <text>', 'only faults whose name has this in it', '')
  .parse();
const {
  seconds = Number.POSITIVE_INFINITY,
  seed,
  only,
} = program.opts<{ seconds?: number; seed: number; only: string }>();
const chosen = faults.filter(({ name }) => name.includes(only));
if (chosen.length === 0) program.error(`no fault has '${only}' in its name`);

const untilMs = Date.now() + seconds * 1000;
const random = new SeededRandom(seed);
console.log(`seed ${seed}`);
for (let round = 1; Date.now() < untilMs; round++) {
  const cluster = await ClusterUnderTest.start({ gateways: 2 });
  try {
    await runFaults(cluster, {
      seed: seed + round,
      faults: shuffled(chosen, random),
      onFault: (name, summary) => console.log(`${round}  ${name}: ${summary}`),
    });
    console.log(`${round}  linearizable`);
    await restartAll(cluster, seed + round);
    console.log(
      `${round}  every process was restarted, and no client was told more than to try again, or crossed the end of a gateway`,
    );
  } finally {
    await cluster.stop();
  }
}
process.exit(0);

async function restartAll(cluster: ClusterUnderTest, workloadSeed: number): Promise<void> {
  const ports = (): number[] => cluster.gateways.map(({ port }) => port);
  const clients = 8;
  const workload = new Workload({ seed: workloadSeed, clients, ports, prefix: 'restarts:' });
  const restart = async (members: readonly Member[], expected: readonly string[]): Promise<void> => {
    await restartEach(cluster, members, (name) => {
      const waited = `nobody waited for longer than ${Math.round(workload.longestMs)} ms`;
      console.log(`${name} was restarted, ${waited}: ${workload.summary()}`);
      workload.longestMs = 0;
    });
    const others = [...workload.errors.keys()].filter((word) => !expected.includes(word));
    if (others.length > 0) throw new Error(`restarts in order, and clients saw ${others.join(', ')}`);
  };
  workload.start();
  try {
    await restart([...cluster.tsos, ...cluster.nodes], ['TRYAGAIN']);
    // One that is not there takes no connection; and a request may cross the end of its connection, once for each.
    await restart(cluster.gateways, ['TRYAGAIN', 'refused', 'closed']);
  } finally {
    await workload.stop();
  }
  workload.check();
  const closed = workload.errors.get('closed') ?? 0;
  if (closed > clients * cluster.gateways.length) throw new Error(`${closed} requests were not answered`);
}
