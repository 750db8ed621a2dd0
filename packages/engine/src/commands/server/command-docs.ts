/** A command as COMMAND DOCS documents it: a name and a map. */
import type { Reply } from '@holdfast/common';
import type { Command } from '../../command.js';
import { parseUsage } from '../../grammar/usage.js';
import type { ArgumentDoc } from '../../grammar.js';
import { usages } from '../usages.js';

function describeArgument(doc: ArgumentDoc, reply: Reply): void {
  const fields: [string, () => void][] = [
    ['name', () => reply.text(doc.name)],
    ['type', () => reply.text(doc.type)],
  ];
  if (doc.keySpecIndex !== undefined) fields.push(['key_spec_index', () => reply.integer(doc.keySpecIndex!)]);
  if (doc.token !== undefined) fields.push(['token', () => reply.text(doc.token!)]);
  if (doc.flags.length > 0) {
    fields.push([
      'flags',
      () => {
        reply.set(doc.flags.length);
        for (const flag of doc.flags) reply.simple(flag);
      },
    ]);
  }
  if (doc.arguments !== undefined) {
    fields.push(['arguments', () => describeArguments(doc.arguments!, reply)]);
  }
  reply.map(fields.length);
  for (const [name, write] of fields) {
    reply.text(name);
    write();
  }
}

function describeArguments(docs: readonly ArgumentDoc[], reply: Reply): void {
  reply.array(docs.length);
  for (const doc of docs) describeArgument(doc, reply);
}

export function documentCommand(command: Command, reply: Reply): void {
  const { declaration } = command;
  const usage = Object.hasOwn(usages, command.fullName) ? usages[command.fullName] : undefined;
  const args = usage === undefined ? command.describeArguments() : parseUsage(usage);
  const subcommands = [...command.subcommands.values()];
  reply.text(command.fullName);
  reply.map(4 + (args.length > 0 ? 1 : 0) + (subcommands.length > 0 ? 1 : 0));
  for (const field of ['summary', 'since', 'group', 'complexity'] as const) {
    reply.text(field);
    reply.text(declaration[field]);
  }
  if (args.length > 0) {
    reply.text('arguments');
    describeArguments(args, reply);
  }
  if (subcommands.length === 0) return;
  reply.text('subcommands');
  reply.map(subcommands.length);
  for (const subcommand of subcommands) documentCommand(subcommand, reply);
}
