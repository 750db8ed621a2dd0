/**
 * The manifest of Redis' append-only log since 7.0: which files it is made of, a line for each.
 *
 *     file appendonly.aof.1.base.rdb seq 1 type b        what was there at first; h: history, of no use any more
 *     file appendonly.aof.1.incr.aof seq 1 type i        what was written since, in this order
 */
import { join } from 'node:path';
import { KvError, splitWords } from '@holdfast/common';
import { type Disk, readSmallFile } from '@holdfast/log';

/** The paths of the files, in the order in which they are to be read. Throws KvError INVALID. */
export async function manifestFiles(disk: Disk, directory: string): Promise<string[]> {
  const manifests = (await disk.list(directory)).filter((name) => name.endsWith('.manifest'));
  if (manifests.length !== 1)
    throw new KvError(
      'INVALID',
      `${directory} has ${manifests.length} manifests of an append-only log, not one`,
    );
  const path = join(directory, manifests[0]);
  const text = Buffer.from((await readSmallFile(disk, path))!).toString('utf8');
  const bases: string[] = [];
  const increments: { readonly name: string; readonly sequence: number }[] = [];
  for (const line of text.split('\n')) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const { name, sequence, type } = fieldsOf(line, path);
    if (type === 'b') bases.push(name);
    else if (type === 'i') increments.push({ name, sequence });
  }
  const isOrdered = increments.every(({ sequence }, i) => i === 0 || sequence > increments[i - 1].sequence);
  if (bases.length > 1 || !isOrdered)
    throw new KvError('INVALID', `${path} makes no sense: its files have no order`);
  return [...bases, ...increments.map(({ name }) => name)].map((name) => join(directory, name));
}

function fieldsOf(line: string, path: string): { name: string; sequence: number; type: string } {
  const words = splitWords(line) ?? [];
  const fields = new Map<string, string>();
  for (let i = 0; i + 1 < words.length; i += 2) fields.set(String(words[i]), String(words[i + 1]));
  const name = fields.get('file') ?? '';
  const type = fields.get('type') ?? '';
  if (name === '' || name.includes('/') || !/^[bih]$/.test(type))
    throw new KvError('INVALID', `${path} has a line that makes no sense: ${line.trim()}`);
  return { name, sequence: Number(fields.get('seq') ?? 0), type };
}
