/** The command line as a whole: its commands, the options that all of them have, how it ends. */
import { KvError } from '@holdfast/common';
import { Command, CommanderError } from 'commander';
import { type AccessOptions, accessOptions } from './access.js';
import { positiveInteger } from './arguments.js';
import { addBackup } from './commands/backup.js';
import { addCheck } from './commands/check.js';
import { addConsistency } from './commands/consistency.js';
import { addExport } from './commands/export.js';
import { addImport } from './commands/import.js';
import { addInit } from './commands/init.js';
import { addLeader } from './commands/leader.js';
import { addNode } from './commands/node.js';
import { addNodes } from './commands/nodes.js';
import { addRestore } from './commands/restore.js';
import { addShards } from './commands/shards.js';
import { addStatus } from './commands/status.js';
import { addTso } from './commands/tso.js';
import { type Action, Context, type Machine } from './context.js';
import { exitCodeOf, exitCodes } from './exit-codes.js';
import { Interrupted, Interruption } from './interruption.js';
import { timeoutMsDefault } from './limits.js';

const version = '0.1.0';

/** What is left of 80 columns beside the longest option. */
const descriptionWidthMin = 30;

const afterHelp = `
Exit codes: 0 done; 1 refused, or a problem was found; 2 wrong usage;
3 not reachable or not in time, may be tried again; 4 told, but whether it was
done is not known; 130 and 143 ended by SIGINT and SIGTERM.`;

/** Resolves with the exit code. */
export async function run(argv: readonly string[], machine: Machine): Promise<number> {
  let exitCode: number = exitCodes.done;
  const interruption = new Interruption(machine.signals);
  const action: Action =
    (command) =>
    async (...given) => {
      // commander: the arguments, the options, the command.
      const self = given.at(-1) as Command;
      const context = new Context(machine, interruption, self.optsWithGlobals<AccessOptions>());
      const args = given.slice(0, -2) as string[];
      await command(context, self.opts(), ...args);
      exitCode = context.exitCode;
    };
  try {
    await programOf(machine, action).parseAsync([...argv], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    machine.streams.error(
      `${interruption.signal === null ? messageOf(error) : endOf(interruption, error)}\n`,
    );
    return interruption.signal === null ? exitCodeOf(error) : interruption.exitCode;
  } finally {
    interruption.ignore();
  }
}

function programOf({ streams }: Machine, action: Action): Command {
  const program = new Command('kvctl')
    .description(
      'Looks at a Holdfast cluster and changes what it consists of; checks and moves the data of a server.',
    )
    .version(version)
    .exitOverride()
    .showSuggestionAfterError()
    .configureHelp({ minWidthToWrap: descriptionWidthMin })
    .configureOutput({ writeOut: streams.out, writeErr: streams.error })
    .addHelpText('after', afterHelp);
  for (const option of accessOptions(timeoutMsDefault, positiveInteger)) program.addOption(option);
  const all = [
    addStatus,
    addNodes,
    addShards,
    addTso,
    addInit,
    addNode,
    addLeader,
    addConsistency,
    addCheck,
    addImport,
    addExport,
    addBackup,
    addRestore,
  ];
  for (const add of all) add(program, action);
  return program;
}

function endOf({ signal }: Interruption, error: unknown): string {
  const what = error instanceof Interrupted ? 'what was not finished is removed' : (error as Error).message;
  return `kvctl: ended by ${signal}: ${what}`;
}

function messageOf(error: unknown): string {
  // What is not ours is a defect, and its stack is needed to mend it.
  return error instanceof KvError ? `kvctl: ${error.message}` : `kvctl: a defect: ${(error as Error).stack}`;
}
