/** `npm run cluster -- up | status | down`. */
import { resolve } from 'node:path';
import { KvError, systemEnv } from '@holdfast/common';
import { Command, InvalidArgumentError, Option } from 'commander';
import { DevCluster, type MemberState } from './dev-cluster.js';
import type { PlanOptions } from './plan.js';

const say = (text: string): void => void process.stderr.write(`${text}\n`);

function clusterOf(command: Command): DevCluster {
  const { dir } = command.optsWithGlobals<{ dir: string }>();
  return new DevCluster(resolve(dir), systemEnv(), say);
}

const program = new Command('npm run cluster --')
  .description(
    'A whole cluster on this machine: three members of etcd, two timestamp services, storage nodes, a gateway.',
  )
  .option('--dir <directory>', 'where all of its data is', '.data/cluster')
  .showSuggestionAfterError();

program
  .command('up')
  .description('starts what does not run, and waits until everything serves; may be run again at any time')
  .option('--nodes <count>', 'storage nodes', count, 3)
  .option('--gateways <count>', 'gateways', count, 1)
  .option('--shards <count>', 'shards, when the cluster is made', count, 4)
  .option('--replicas <count>', 'replicas of each shard, when the cluster is made', count, 3)
  .addOption(new Option('--storage <kind>', 'of the nodes').choices(['memory', 'level']).default('memory'))
  .action(async (options: PlanOptions, command: Command) => {
    const given = Object.keys(options).filter((name) => command.getOptionValueSource(name) === 'cli');
    const cluster = clusterOf(command);
    await cluster.up(options, new Set(given));
    await show(cluster);
  });

program
  .command('status')
  .description('what runs, and where')
  .action(async (_: unknown, command: Command) => {
    const isWhole = await show(clusterOf(command));
    process.exitCode = isWhole ? 0 : 1;
  });

program
  .command('down')
  .description('ends all of it; the data stays')
  .action(async (_: unknown, command: Command) => {
    const stopped = await clusterOf(command).down();
    say(stopped === 0 ? 'nothing was running' : `${stopped} processes ended`);
  });

function count(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text))
    throw new InvalidArgumentError('It must be a whole number from 1 to 9999.');
  return Number(text);
}

/** Whether all of it serves. */
async function show(cluster: DevCluster): Promise<boolean> {
  const states = await cluster.states();
  const out = (text: string): void => void process.stdout.write(`${text}\n`);
  for (const state of states) out(lineOf(state));
  const gateway = states.find(({ kind }) => kind === 'gateway');
  if (gateway?.isReady) {
    const { redis, grpc } = gateway.addresses;
    const [host, port] = redis.split(':');
    out(`\nredis-cli -h ${host} -p ${port}`);
    out(`gRPC ${grpc}`);
    out(`npm run kvctl -- status --etcd ${cluster.etcd}`);
  }
  return states.every(({ isReady }) => isReady);
}

function lineOf({ name, pid, isReady, addresses, log }: MemberState): string {
  const state = pid === 0 ? 'down' : isReady ? 'ready' : 'not ready';
  const where = Object.entries(addresses).map(([purpose, address]) => `${purpose} ${address}`);
  return `${name.padEnd(9)} ${state.padEnd(9)} ${String(pid || '-').padEnd(8)} ${where.join('  ')}  ${log}`;
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof KvError)) throw error;
  say(error.message);
  process.exitCode = 1;
}
