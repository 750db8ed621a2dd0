/** A command as COMMAND DOCS documents it: a name and a map. */
import type { Reply } from '@holdfast/common';
import type { Command } from '../../command.js';
import { parseUsage } from '../../grammar/usage.js';
import type { ArgumentDoc } from '../../grammar.js';
import { deprecations, systemCommands } from '../deprecations.js';
import { usages } from '../usages.js';

function describeArgument(doc: ArgumentDoc, reply: Reply): void {
  const fields: [string, () => void][] = [
    ['name', () => reply.text(doc.name)],
    ['type', () => reply.text(doc.type)],
  ];
  if (doc.arguments === undefined) fields.push(['display_text', () => reply.text(doc.display ?? doc.name)]);
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
  const { fullName } = command;
  const usage = Object.hasOwn(usages, fullName) ? usages[fullName] : undefined;
  const args = usage === undefined ? command.describeArguments() : parseUsage(usage);
  const subcommands = [...command.subcommands.values()];
  const texts = textsOf(command);
  const flag = Object.hasOwn(deprecations, fullName)
    ? 'deprecated'
    : systemCommands.has(fullName)
      ? 'syscmd'
      : '';
  reply.text(fullName);
  reply.map(texts.length + Number(flag !== '') + Number(args.length > 0) + Number(subcommands.length > 0));
  for (const [field, text] of texts) {
    reply.text(field);
    reply.text(text);
  }
  if (flag !== '') {
    reply.text('doc_flags');
    reply.set(1);
    reply.simple(flag);
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

function textsOf({ declaration, fullName }: Command): (readonly [string, string])[] {
  const { summary, since, group, complexity } = declaration;
  const texts = Object.entries({ summary, since, group, complexity }).filter(([, text]) => text !== '');
  if (!Object.hasOwn(deprecations, fullName)) return texts;
  const { instead, since: deprecatedSince } = deprecations[fullName];
  return [...texts, ['deprecated_since', deprecatedSince], ['replaced_by', instead]];
}
