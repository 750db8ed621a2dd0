/**
 * The command matrix: files of command lines in `matrix/`, run against two servers and compared reply by
 * reply.
 *
 *     # a comment
 *     ===                 a new sequence: both servers are emptied
 *     SET k "a \x00 b"    a command line, quoted as for redis-cli
 *     ~ SMEMBERS s        the order of the reply's items is not fixed: they are sorted first
 *     %2 HGETALL h        the same for a flat list of groups of two
 *     ? PTTL k            only the types of the reply are compared
 *     2> GET k            on a second connection
 *
 * The second connection of a sequence is made when it is used first.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { renderReply, type WireReply } from '@holdfast/protocol/testing';

export type Comparison = 'exact' | 'sorted' | 'types';

export interface MatrixLine {
  /** As it stands in the file, without its marks. */
  readonly text: string;
  readonly args: readonly Buffer[];
  readonly comparison: Comparison;
  /** Of how many items a group is that stays together when sorted. */
  readonly group: number;
  readonly connection: 1 | 2;
}

export interface MatrixSequence {
  /** File and number, for messages. */
  readonly name: string;
  readonly lines: readonly MatrixLine[];
}

const directory = fileURLToPath(new URL('../matrix/', import.meta.url));

export interface MatrixFile {
  readonly name: string;
  readonly sequences: readonly MatrixSequence[];
}

export function readMatrix(): MatrixFile[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.txt'))
    .sort()
    .map((file) => ({ name: file, sequences: parseMatrix(file, readFileSync(directory + file, 'utf8')) }));
}

export function parseMatrix(file: string, content: string): MatrixSequence[] {
  const sequences: { name: string; lines: MatrixLine[] }[] = [];
  content.split('\n').forEach((line, index) => {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) return;
    if (text === '===' || sequences.length === 0) {
      sequences.push({ name: `${file}:${index + 1}`, lines: [] });
      if (text === '===') return;
    }
    sequences.at(-1)!.lines.push(parseLine(text));
  });
  return sequences.filter(({ lines }) => lines.length > 0);
}

function parseLine(line: string): MatrixLine {
  const match = /^(2> )?(?:(~|%\d+|\?) )?(.*)$/s.exec(line)!;
  const [, second, mark = '', text] = match;
  return {
    text,
    args: splitWords(text),
    comparison: mark === '' ? 'exact' : mark === '?' ? 'types' : 'sorted',
    group: mark.startsWith('%') ? Number(mark.slice(1)) : 1,
    connection: second === undefined ? 1 : 2,
  };
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '"': '"', '\\': '\\' };

/** Words of a line; `"..."` with `\n \r \t \" \\ \xHH`, and `@N*word` for a word repeated N times. */
function splitWords(line: string): Buffer[] {
  const words = line.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? [];
  return words.map((word) => {
    const repeated = /^@(\d+)\*(.+)$/.exec(word);
    if (repeated !== null) return Buffer.from(repeated[2].repeat(Number(repeated[1])));
    if (!word.startsWith('"')) return Buffer.from(word, 'utf8');
    const text = Buffer.from(word.slice(1, -1), 'utf8').toString('latin1');
    const plain = text.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (_, hex?: string, letter?: string) =>
      hex === undefined ? (escapes[letter!] ?? letter!) : String.fromCharCode(Number.parseInt(hex, 16)),
    );
    return Buffer.from(plain, 'latin1');
  });
}

/** What of a reply is compared. */
export function comparable(reply: WireReply, { comparison, group }: MatrixLine): string {
  if (comparison === 'exact' || reply.type === '-') return renderReply(reply);
  if (comparison === 'types') return typesOf(reply);
  return renderReply(sorted(reply, group));
}

export function typesOf(reply: WireReply): string {
  if (reply.items !== null) return `${reply.type}[${reply.items.map(typesOf).join(', ')}]`;
  return reply.type + (reply.text === null ? 'null' : '');
}

/** Maps are sorted by pairs, at every level. */
export function sorted(reply: WireReply, group: number): WireReply {
  const items = reply.items?.map((item) => sorted(item, group)) ?? null;
  if (items === null) return reply;
  const size = reply.type === '%' ? 2 : group;
  const groups: { key: string; items: WireReply[] }[] = [];
  for (let i = 0; i < items.length; i += size) {
    const members = items.slice(i, i + size);
    groups.push({ key: members.map(renderReply).join(), items: members });
  }
  groups.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return { ...reply, items: groups.flatMap((each) => each.items) };
}
