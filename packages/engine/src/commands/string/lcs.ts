import type { Request } from '@holdfast/common';
import { valueTypes } from '@holdfast/storage';
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { integer, key, notAnInteger, option, syntaxError, token, unparsed } from '../../grammar.js';

interface Options {
  /** Only how long it is. */
  length: boolean;
  /** Where it is, in matches of at least `lengthMin`. */
  indexes: boolean;
  lengthMin: number;
  withLength: boolean;
}

/** The options, or what is wrong with them: Redis looks at the types of the keys before. */
function readOptions(request: Request): Options | string {
  const options: Options = { length: false, indexes: false, lengthMin: 0, withLength: false };
  for (let i = 3; i < request.count; i++) {
    if (request.is(i, 'LEN')) options.length = true;
    else if (request.is(i, 'IDX')) options.indexes = true;
    else if (request.is(i, 'WITHMATCHLEN')) options.withLength = true;
    else if (request.is(i, 'MINMATCHLEN') && i + 1 < request.count) {
      options.lengthMin = request.integer(++i);
      if (Number.isNaN(options.lengthMin)) return notAnInteger;
    } else return syntaxError;
  }
  if (!options.length || !options.indexes) return options;
  return 'ERR If you want both the length and indexes, please just use IDX.';
}

interface Match {
  readonly a: number;
  readonly b: number;
  readonly length: number;
}

/** A copy of a string, empty when the key is missing; null when it holds another type. */
function readOperand(ctx: Context, key: number): Buffer | null {
  const { db } = ctx;
  const ref = ctx.read(key);
  if (ref === 0) return Buffer.alloc(0);
  if (db.type(ref) !== valueTypes.string) return null;
  db.readString(ref);
  return Buffer.from(db.valueBytes.subarray(db.valueStart, db.valueStart + db.valueLength));
}

/** The table of `longestCommon`; what is wrong when there can't be one. */
function newTable(ctx: Context, a: Buffer, b: Buffer): Uint32Array | string {
  const cells = (a.length + 1) * (b.length + 1);
  if (cells * 4 > ctx.kv.config.number('proto-max-bulk-len')) {
    return 'ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len';
  }
  try {
    return new Uint32Array(cells);
  } catch {
    return 'ERR Insufficient memory, failed allocating transient memory for LCS';
  }
}

/** Dynamic programming over prefixes; matches are found from the end, as Redis reports them. */
function longestCommon(
  a: Buffer,
  b: Buffer,
  table: Uint32Array,
): { length: number; matches: Match[]; text: Buffer } {
  const width = b.length + 1;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      const at = i * width + j;
      if (a[i - 1] === b[j - 1]) table[at] = table[at - width - 1] + 1;
      else table[at] = Math.max(table[at - width], table[at - 1]);
    }
  }
  const length = table[a.length * width + b.length];
  const text = Buffer.alloc(length);
  const matches: Match[] = [];
  let left = length;
  for (let i = a.length, j = b.length; i > 0 && j > 0; ) {
    if (a[i - 1] === b[j - 1]) {
      text[--left] = a[i - 1];
      const last = matches.at(-1);
      if (last !== undefined && last.a === i && last.b === j) {
        matches[matches.length - 1] = { a: i - 1, b: j - 1, length: last.length + 1 };
      } else {
        matches.push({ a: i - 1, b: j - 1, length: 1 });
      }
      i--;
      j--;
    } else if (table[(i - 1) * width + j] > table[i * width + j - 1]) {
      i--;
    } else {
      j--;
    }
  }
  return { length, matches, text };
}

export const lcs = defineCommand({
  id: 121,
  name: 'LCS',
  group: 'string',
  since: '7.0.0',
  complexity: 'O(N*M) where N and M are the lengths of s1 and s2, respectively',
  summary: 'Finds the longest common substring.',
  flags: ['readonly'],
  keySpecs: [
    { access: 'RO', uses: ['access'], begin: { index: 1 }, find: { lastKey: 1, step: 1, limit: 0 } },
  ],
  args: {
    first: key('RO', 'access'),
    second: key('RO', 'access'),
    length: unparsed(token('LEN')),
    indexes: unparsed(token('IDX')),
    minimum: unparsed(option('MINMATCHLEN', { length: integer() })),
    withLength: unparsed(token('WITHMATCHLEN')),
  },
  run(ctx, { first, second }, reply) {
    const a = readOperand(ctx, first);
    const b = a === null ? null : readOperand(ctx, second);
    if (a === null || b === null) return reply.error('ERR The specified keys must contain string values');
    const wanted = readOptions(ctx.request);
    if (typeof wanted === 'string') return reply.error(wanted);
    const table = newTable(ctx, a, b);
    if (typeof table === 'string') return reply.error(table);
    const { length, matches, text } = longestCommon(a, b, table);
    if (wanted.length) return reply.integer(length);
    if (!wanted.indexes) return reply.bulk(text, 0, text.length);
    const shown = matches.filter((match) => match.length >= wanted.lengthMin);
    reply.map(2);
    reply.text('matches');
    reply.array(shown.length);
    for (const match of shown) {
      reply.array(wanted.withLength ? 3 : 2);
      for (const start of [match.a, match.b]) {
        reply.array(2);
        reply.integer(start);
        reply.integer(start + match.length - 1);
      }
      if (wanted.withLength) reply.integer(match.length);
    }
    reply.text('len');
    reply.integer(length);
  },
});
