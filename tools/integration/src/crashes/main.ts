/**
 * `npm run crashes -- [--kills N | --power-cuts N | --disk-faults N] [--seed N] [--storage KIND]`: kills servers under load,
 * cuts their power, or lets their disk fail, and looks for what is lost.
 */
import { Command, Option } from 'commander';
import { survive } from './crash-run.js';
import { surviveDiskFaults } from './disk-fault-run.js';
import { survivePowerCuts } from './power-run.js';

const program = new Command('npm run crashes --')
  .description(
    'Ends a server under load again and again; nothing acknowledged may be lost, nothing half there, nothing removed come back.',
  )
  .option(
    '--kills <count>',
    'how often by SIGKILL, for each storage; one end of four is an orderly one',
    Number,
    500,
  )
  .option('--power-cuts <count>', 'cut the power instead, so often, for each storage: needs strace', Number)
  .option('--disk-faults <runs>', 'let calls of LevelDB fail instead, in so many runs: needs strace', Number)
  .option('--seed <number>', 'where it searches', Number, Date.now() % 1_000_000)
  .addOption(new Option('--storage <kind>', 'one of them alone').choices(['memory', 'level']))
  .addOption(
    new Option('--fsync <policy>', 'of the log; drawn for each life if it is killed, else always').choices([
      'always',
      'everysec',
      'no',
    ]),
  )
  .parse();
const { diskFaults, fsync, kills, powerCuts, seed, storage } = program.opts<{
  fsync?: string;
  diskFaults?: number;
  kills: number;
  powerCuts?: number;
  seed: number;
  storage?: string;
}>();

console.log(`seed ${seed}`);
const kinds = diskFaults !== undefined ? ['level'] : ['memory', 'level'];
await Promise.all(
  (storage === undefined ? kinds : [storage]).map(async (kind) => {
    const given = { storage: kind, log: 'file', ...(fsync !== undefined && { fsync }) };
    const settings = { fsync: 'always', ...given };
    if (diskFaults !== undefined) await failOften(kind, settings, diskFaults);
    else if (powerCuts !== undefined) await cutPower(kind, settings, powerCuts);
    else await killOften(kind, given);
  }),
);
process.exit(0);

async function killOften(kind: string, settings: Readonly<Record<string, string>>): Promise<void> {
  await survive({
    settings,
    kills,
    seed,
    onEnd: ({ kills: done, stops, writes }) => {
      if ((done + stops) % 50 === 0 || done === kills)
        console.log(
          `${kind}: ${done} kills, ${stops} orderly ends, ${writes} acknowledged writes, none lost, nothing came back`,
        );
    },
  });
}

async function cutPower(
  kind: string,
  settings: Readonly<Record<string, string>>,
  cuts: number,
): Promise<void> {
  await survivePowerCuts({
    settings,
    cuts,
    seed,
    onCut: ({ cuts: done, logs, tables, writes }) => {
      if (done % 15 === 0 || done >= cuts)
        console.log(
          `${kind}: ${done} power cuts, ${writes} acknowledged writes, none lost; ${logs} logs and ${tables} tables of LevelDB`,
        );
    },
  });
}

async function failOften(
  kind: string,
  settings: Readonly<Record<string, string>>,
  runs: number,
): Promise<void> {
  await surviveDiskFaults({
    settings,
    runs,
    seed,
    onRun: ({ endings, refusals, runs: done, writes }) => {
      if (done % 10 === 0 || done === runs)
        console.log(
          `${kind}: ${done} runs, ${refusals} of them with refused writes, ${endings} in which it did not start, ${writes} acknowledged writes, none lost`,
        );
    },
  });
}
