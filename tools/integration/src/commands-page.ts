/**
 * `docs/commands.md`: every command of Redis 7.2 and every one of ours, out of the registry, the list of Redis'
 * commands, and the reasons in `command-differences.json` and `command-notes.json`.
 */
import { readFileSync } from 'node:fs';
import { LocalServer } from '@holdfast/coord/testing';
import type { Command } from '@holdfast/engine';

/** Group and first version by full name: `config|get`. */
type RedisCommands = Readonly<Record<string, readonly [group: string, since: string]>>;

interface Row {
  readonly name: string;
  readonly since: string;
  readonly here: 'yes' | 'no' | 'differs' | 'newer' | 'own';
  readonly note: string;
}

const emulated = [7, 2];

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8')) as T;
}

/** Why a command is not here, by its full name. */
function absences(): Map<string, string> {
  const { absent } = read<{ absent: Readonly<Record<string, readonly string[]>> }>(
    'command-differences.json',
  );
  const reasons = new Map<string, string>();
  for (const [reason, names] of Object.entries(absent)) for (const name of names) reasons.set(name, reason);
  return reasons;
}

/** All commands of the registry by full name, subcommands among them. */
function ownCommands(): Map<string, Command> {
  const all = new Map<string, Command>();
  for (const command of new LocalServer().kv.registry.commands) {
    all.set(command.fullName, command);
    for (const subcommand of command.subcommands.values()) all.set(subcommand.fullName, subcommand);
  }
  return all;
}

function isNewer(since: string): boolean {
  const [major, minor] = since.split('.').map(Number);
  return major > emulated[0] || (major === emulated[0] && minor > emulated[1]);
}

/** How the command stands, and in which group of the page. Throws when nothing says why it is missing. */
export function commandRows(): Map<string, Row[]> {
  const redis = read<RedisCommands>('redis-7.2-commands.json');
  const notes = read<Readonly<Record<string, string>>>('command-notes.json');
  const reasons = absences();
  const own = ownCommands();
  const groups = new Map<string, Row[]>();
  const add = (group: string, row: Row): void => {
    const rows = groups.get(group);
    if (rows === undefined) groups.set(group, [row]);
    else rows.push(row);
  };
  for (const name of [...new Set([...Object.keys(redis), ...own.keys()])].sort()) {
    const known = redis[name];
    const command = own.get(name);
    const note = notes[name] ?? '';
    if (command === undefined) {
      const reason = reasons.get(name);
      if (reason === undefined) throw new Error(`${name} is not here, and nothing says why`);
      add(known[0], { name, since: known[1], here: 'no', note: reason });
      continue;
    }
    const { group, since } = command.declaration;
    if (known !== undefined) {
      add(known[0], { name, since: known[1], here: note === '' ? 'yes' : 'differs', note });
    } else {
      add(group, { name, since, here: isNewer(since) ? 'newer' : 'own', note });
    }
  }
  return groups;
}

/** Notes on commands that are not here: they should be none. */
export function strayNotes(): string[] {
  const own = ownCommands();
  return Object.keys(read<Readonly<Record<string, string>>>('command-notes.json')).filter(
    (name) => !own.has(name),
  );
}

function inMarkdown({ name, since, here, note }: Row): string {
  const shown = name.toUpperCase().replace('|', ' ');
  const stands = {
    yes: 'yes',
    no: '**no**',
    differs: 'differs',
    newer: `yes, of Redis ${since}`,
    own: 'ours',
  };
  return `| \`${shown}\` | ${here === 'own' ? '' : since} | ${stands[here]} | ${note} |`;
}

function count(rows: readonly Row[], here: Row['here']): number {
  return rows.filter((row) => row.here === here).length;
}

export function commandsPage(): string {
  const groups = commandRows();
  const all = [...groups.values()].flat();
  const lines = [
    '# Commands',
    '',
    'Every command of Redis 7.2, subcommands counted by themselves, and what else is here. Written by',
    '`npm run docs:commands` from the declarations of the commands; a test holds it to them.',
    '',
    `Of ${all.length - count(all, 'newer') - count(all, 'own')} commands of Redis 7.2, ${count(all, 'yes')} are here as they are there, ` +
      `${count(all, 'differs')} differ as noted, ${count(all, 'no')} are missing. ` +
      `${count(all, 'newer')} are of later versions of Redis, ${count(all, 'own')} are our own.`,
    '',
    'Arity, flags, positions of keys and ACL categories are compared with redis-server, one by one, by',
    '`tools/integration/src/command-table.spec.ts`; replies by the command lines of `tools/integration/matrix`.',
  ];
  for (const group of [...groups.keys()].sort()) {
    lines.push('', `## ${group}`, '', '| command | since | here | |', '|---|---|---|---|');
    for (const row of groups.get(group)!) lines.push(inMarkdown(row));
  }
  return `${lines.join('\n')}\n`;
}
