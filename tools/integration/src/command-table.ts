/** The reply of COMMAND as rows that can be compared: one for each command and subcommand. */
import type { WireReply } from '@holdfast/protocol/testing';

/** Each field as a text that is the same when it means the same. */
export interface CommandRow {
  readonly arity: string;
  readonly flags: string;
  /** First key, last key, step. */
  readonly positions: string;
  readonly categories: string;
  readonly tips: string;
  readonly keySpecs: string;
}

export type CommandTable = ReadonlyMap<string, CommandRow>;

export const comparedFields: readonly (keyof CommandRow)[] = [
  'arity',
  'flags',
  'positions',
  'categories',
  'tips',
  'keySpecs',
];

/** Rows by full name in lower case (`config|get`), from a reply in RESP3. */
export function readCommandTable(reply: WireReply): CommandTable {
  const rows = new Map<string, CommandRow>();
  const add = (entry: WireReply): void => {
    const [name, arity, flags, first, last, step, categories, tips, keySpecs, subcommands] = entry.items!;
    rows.set(name.text!.toLowerCase(), {
      arity: arity.text!,
      flags: words(flags),
      positions: [first, last, step].map(({ text }) => text).join(' '),
      categories: words(categories),
      tips: words(tips),
      keySpecs: keySpecs.items!.map(describe).sort().join(' '),
    });
    for (const subcommand of subcommands.items!) add(subcommand);
  };
  for (const entry of reply.items!) add(entry);
  return rows;
}

function words({ items }: WireReply): string {
  return items!
    .map(({ text }) => text!)
    .sort()
    .join(' ');
}

/** A key specification; notes, which are for humans, are left out. */
function describe({ items, text, type }: WireReply): string {
  if (items === null) return text ?? 'null';
  if (type === '~') return `{${items.map(describe).sort().join(' ')}}`;
  if (type !== '%') return `[${items.map(describe).join(' ')}]`;
  const pairs: string[] = [];
  for (let i = 0; i < items.length; i += 2) {
    if (items[i].text !== 'notes') pairs.push(`${describe(items[i])}=${describe(items[i + 1])}`);
  }
  return `(${pairs.sort().join(' ')})`;
}
