/** `npm run crashes -- [--kills N] [--seed N] [--storage KIND]`: kills servers under load, and looks for what is lost. */
import { Command, Option } from 'commander';
import { survive } from './crash-run.js';

const program = new Command('npm run crashes --')
  .description(
    'Kills a server under load again and again; nothing acknowledged may be lost, nothing half there.',
  )
  .option('--kills <count>', 'how often, for each storage', Number, 500)
  .option('--seed <number>', 'where it searches', Number, Date.now() % 1_000_000)
  .addOption(new Option('--storage <kind>', 'one of them alone').choices(['memory', 'level']))
  .addOption(
    new Option('--fsync <policy>', 'of the log').choices(['always', 'everysec', 'no']).default('always'),
  )
  .parse();
const { fsync, kills, seed, storage } = program.opts<{
  fsync: string;
  kills: number;
  seed: number;
  storage?: string;
}>();

console.log(`seed ${seed}`);
await Promise.all(
  (storage === undefined ? ['memory', 'level'] : [storage]).map(async (kind) => {
    const onKill = (killed: number, writes: number): void => {
      if (killed % 50 === 0)
        console.log(`${kind}: ${killed} kills, ${writes} acknowledged writes, none lost`);
    };
    await survive({ settings: { storage: kind, log: 'file', fsync }, kills, seed, onKill });
  }),
);
process.exit(0);
