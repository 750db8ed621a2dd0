/** All commands, found by the name in a request without decoding it. */
// @hot-path
import type { Request } from '@holdfast/common';
import type { Command } from './command.js';
import { CommandFigures } from './command-figures.js';

const slots = 1024;

/** Hash of a name, letters in any case. */
function hashName(bytes: Uint8Array, start: number, length: number): number {
  let h = length;
  for (let i = 0; i < length; i++) h = (Math.imul(h, 31) + (bytes[start + i] & 0xdf)) | 0;
  return (h ^ (h >>> 10)) & (slots - 1);
}

export class Registry {
  /** In order of their names, containers before their subcommands' own lists. */
  readonly commands: readonly Command[];
  /** By the commands' ids. */
  readonly #figures: CommandFigures[];
  readonly #byName = new Map<string, Command>();
  readonly #buckets: Command[][] = Array.from({ length: slots }, () => []);

  constructor(commands: readonly Command[]) {
    this.commands = commands;
    const ids = new Set<number>();
    for (const command of commands) {
      const name = Buffer.from(command.name);
      if (this.#byName.has(command.name)) throw new Error(`two commands are called ${command.name}`);
      this.#byName.set(command.name, command);
      this.#buckets[hashName(name, 0, name.length)].push(command);
      for (const each of [command, ...command.subcommands.values()]) {
        if (ids.has(each.id)) throw new Error(`two commands have the id ${each.id}: ${each.fullName}`);
        ids.add(each.id);
      }
    }
    this.#figures = Array.from({ length: Math.max(...ids) + 1 }, () => new CommandFigures());
  }

  /** The command that a request names first, whatever its subcommand; null when there is none. */
  find(request: Request): Command | null {
    if (request.count === 0) return null;
    const bucket = this.#buckets[hashName(request.bytes, request.start(0), request.length(0))];
    for (let i = 0; i < bucket.length; i++) if (request.is(0, bucket[i].name)) return bucket[i];
    return null;
  }

  /** The command that a request names, its subcommand included; null when there is none. */
  resolve(request: Request): Command | null {
    const command = this.find(request);
    if (command === null || command.subcommands.size === 0) return command;
    if (request.count < 2) return command.run === null ? null : command;
    for (const subcommand of command.subcommands.values()) {
      if (request.is(1, subcommand.name)) return subcommand;
    }
    return null;
  }

  /** What this server counted of a command: the command itself may serve several. */
  figuresOf(command: Command): CommandFigures {
    return this.#figures[command.id];
  }

  /** All ids are below. */
  get idEnd(): number {
    return this.#figures.length;
  }

  /** How many commands ran, subcommands counted by themselves. */
  totalCalls(): number {
    let calls = 0;
    for (const figures of this.#figures) calls += figures.calls;
    return calls;
  }

  clearFigures(): void {
    for (const figures of this.#figures) figures.clear();
  }

  /** By name in any case; `config|get` for a subcommand. */
  byName(name: string): Command | undefined {
    const [first, second, ...more] = name.toUpperCase().split('|');
    const command = this.#byName.get(first);
    if (more.length > 0) return undefined;
    return second === undefined ? command : command?.subcommands.get(second);
  }
}
