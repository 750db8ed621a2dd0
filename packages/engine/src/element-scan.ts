/** What HSCAN and SSCAN share: their options, and a page of entries that match. */
import type { Reply } from '@holdfast/common';
import { type Entry, EntryView, type FieldTable } from '@holdfast/storage';
import type { Context } from './context.js';
import { GlobPattern } from './glob-pattern.js';
import { cursor, integer, notAnInteger, option, pattern, syntaxError, unparsed } from './grammar.js';

/** The options are read once the key was seen: of a key that is not there they may be anything. */
export const scanArguments = {
  cursor: cursor(),
  match: unparsed(option('MATCH', { pattern: pattern() })),
  count: unparsed(option('COUNT', { count: integer() })),
};

export interface ScanOptions {
  pattern: GlobPattern | null;
  count: number;
  noValues: boolean;
}

const view = new EntryView();

/** The options from argument `first` on; null after replying what is wrong with them. */
export function readScanOptions(
  { request }: Context,
  first: number,
  hasValues: boolean,
  reply: Reply,
): ScanOptions | null {
  const options: ScanOptions = { pattern: null, count: 10, noValues: false };
  for (let i = first; i < request.count; i++) {
    const hasNext = i + 1 < request.count;
    if (hasNext && request.is(i, 'COUNT')) {
      options.count = request.integer(++i);
      const problem = problemOfCount(options.count);
      if (problem !== null) return refuse(reply, problem);
    } else if (hasNext && request.is(i, 'MATCH')) {
      options.pattern = new GlobPattern(request.view(++i));
    } else if (request.is(i, 'NOVALUES')) {
      if (!hasValues) return refuse(reply, 'ERR NOVALUES option can only be used in HSCAN');
      options.noValues = true;
    } else {
      return refuse(reply, syntaxError);
    }
  }
  return options;
}

/** A page of entries from `cursor` on, into `found`: those that match. Returns the next cursor. */
export function scanTable(table: FieldTable, cursor: number, options: ScanOptions, found: Entry[]): number {
  found.length = 0;
  const next = table.scan(cursor, options.count, found);
  const { pattern } = options;
  if (pattern === null || pattern.isAll) return next;
  let kept = 0;
  for (let i = 0; i < found.length; i++) {
    table.read(found[i], view);
    if (pattern.matches(view.bytes, view.start, view.length)) found[kept++] = found[i];
  }
  found.length = kept;
  return next;
}

/** The beginning of a page: the next cursor, and how many elements follow. */
export function replyPage(reply: Reply, cursor: number, count: number): void {
  reply.array(2);
  reply.text(String(cursor));
  reply.array(count);
}

function problemOfCount(count: number): string | null {
  if (count !== count) return notAnInteger;
  return count < 1 ? syntaxError : null;
}

function refuse(reply: Reply, message: string): null {
  reply.error(message);
  return null;
}
