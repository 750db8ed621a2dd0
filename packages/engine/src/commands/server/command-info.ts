/** A command as COMMAND and COMMAND INFO describe it. */
import type { Reply } from '@holdfast/common';
import { aclCategories } from '../../acl/categories.js';
import type { Command } from '../../command.js';
import type { CommandFlag } from '../../command-declaration.js';
import type { KeySpec, KeyUsage } from '../../grammar.js';

/** Kept to ourselves, as Redis does. */
const hiddenFlags: ReadonlySet<CommandFlag> = new Set(['may_replicate']);

/** How a key is used; what is no key (a channel) is not accessed. */
export function replyFlags({ access, uses }: KeyUsage, reply: Reply): void {
  const flags: readonly string[] = uses.includes('not_key') ? uses : [access, ...uses];
  reply.set(flags.length);
  for (const flag of flags) reply.simple(flag);
}

function describeKeySpec(spec: KeySpec, reply: Reply): void {
  reply.map(spec.notes === undefined ? 3 : 4);
  if (spec.notes !== undefined) {
    reply.text('notes');
    reply.text(spec.notes);
  }
  reply.text('flags');
  replyFlags(spec, reply);
  reply.text('begin_search');
  if ('search' in spec.begin) {
    replyUnknown(reply);
    reply.text('find_keys');
    replyUnknown(reply);
    return;
  }
  reply.map(2);
  reply.text('type');
  if ('index' in spec.begin) {
    reply.text('index');
    reply.text('spec');
    reply.map(1);
    reply.text('index');
    reply.integer(spec.begin.index);
  } else {
    reply.text('keyword');
    reply.text('spec');
    reply.map(2);
    reply.text('keyword');
    reply.text(spec.begin.keyword);
    reply.text('startfrom');
    reply.integer(spec.begin.startFrom);
  }
  reply.text('find_keys');
  reply.map(2);
  reply.text('type');
  const isRange = 'lastKey' in spec.find;
  reply.text(isRange ? 'range' : 'keynum');
  reply.text('spec');
  const fields = isRange
    ? { lastkey: spec.find.lastKey, keystep: spec.find.step, limit: spec.find.limit }
    : { keynumidx: spec.find.keyNumIndex, firstkey: spec.find.firstKey, keystep: spec.find.step };
  reply.map(3);
  for (const [name, value] of Object.entries(fields)) {
    reply.text(name);
    reply.integer(value);
  }
}

function replyUnknown(reply: Reply): void {
  reply.map(2);
  reply.text('type');
  reply.text('unknown');
  reply.text('spec');
  reply.map(0);
}

/** First, last and step, as clients before key specifications want them. */
function legacyPositions({ keySpecs }: Command): [number, number, number] {
  const [spec] = keySpecs;
  if (spec === undefined || !('index' in spec.begin) || !('lastKey' in spec.find)) return [0, 0, 0];
  let { lastKey, step } = spec.find;
  const first = spec.begin.index;
  if (lastKey >= 0) lastKey += first;
  // Neighbouring keys of several specifications make one range.
  for (const next of keySpecs.slice(1)) {
    if ('index' in next.begin && next.begin.index === lastKey + 1 && 'lastKey' in next.find) {
      lastKey = next.find.lastKey < 0 ? next.find.lastKey : next.begin.index + next.find.lastKey;
      step = 1;
    }
  }
  return [first, lastKey, step];
}

export function describeCommand(command: Command, reply: Reply): void {
  const [first, last, step] = legacyPositions(command);
  const flags: string[] = [...command.flags].filter((flag) => !hiddenFlags.has(flag));
  if (command.hasMovableKeys) flags.push('movablekeys');
  const categories = aclCategories.filter((each) => command.categories.includes(each));
  const tips = command.declaration.tips ?? [];
  reply.array(10);
  reply.text(command.fullName);
  reply.integer(command.arity);
  reply.set(flags.length);
  for (const flag of flags) reply.simple(flag);
  reply.integer(first);
  reply.integer(last);
  reply.integer(step);
  reply.set(categories.length);
  for (const category of categories) reply.simple(`@${category}`);
  reply.set(tips.length);
  for (const tip of tips) reply.text(tip);
  reply.set(command.keySpecs.length);
  for (const spec of command.keySpecs) describeKeySpec(spec, reply);
  reply.set(command.subcommands.size);
  for (const subcommand of command.subcommands.values()) describeCommand(subcommand, reply);
}
