/**
 * What COMMAND says of each command, here and by redis-server: arity, flags, positions of keys, ACL
 * categories, tips. What differs is listed in `command-differences.json`, each with its reason; anything else
 * fails, and so does a listed difference that is none any more.
 */
import { readFileSync } from 'node:fs';
import { LocalServer } from '@holdfast/coord/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CommandRow, type CommandTable, comparedFields, readCommandTable } from './command-table.js';
import { startRedis } from './server.js';
import { WireClient } from './wire-client.js';
import { WireSession } from './wire-server.js';

interface Difference {
  readonly command: string;
  readonly field: keyof CommandRow;
  readonly redis: string;
  readonly holdfast: string;
  readonly reason: string;
}

interface Differences {
  /** Commands that Redis has and we don't, by reason; `name|*` stands for all subcommands. */
  readonly absent: Readonly<Record<string, readonly string[]>>;
  readonly differences: readonly Difference[];
}

const { absent, differences } = JSON.parse(
  readFileSync(new URL('../command-differences.json', import.meta.url), 'utf8'),
) as Differences;

let redis: Awaited<ReturnType<typeof startRedis>>;
let theirs: CommandTable;
let ours: CommandTable;

beforeAll(async () => {
  redis = await startRedis();
  const client = await WireClient.connect(redis.address);
  await client.call('HELLO', 3);
  theirs = readCommandTable(await client.call('COMMAND'));
  client.close();
  ours = readCommandTable(new WireSession(new LocalServer(), 3).run(['COMMAND'])[0]);
}, 60_000);

afterAll(async () => {
  await redis?.stop();
});

type Found = Omit<Difference, 'reason'>;

function sorted(found: readonly Found[]): Found[] {
  const keyOf = ({ command, field }: Found): string => `${command} ${field}`;
  return [...found].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

it('describes every command as redis-server does', () => {
  const found: Found[] = [];
  for (const [command, row] of theirs) {
    const own = ours.get(command);
    if (own === undefined) continue;
    for (const field of comparedFields) {
      if (row[field] !== own[field]) found.push({ command, field, redis: row[field], holdfast: own[field] });
    }
  }
  expect(sorted(found)).toEqual(sorted(differences.map(({ reason, ...difference }) => difference)));
});

it('has every command that redis-server has, or a reason why not', () => {
  const listed = Object.values(absent).flat();
  const isListed = (name: string): boolean =>
    listed.includes(name) || listed.some((each) => each.endsWith('|*') && name.startsWith(each.slice(0, -1)));
  const missing = [...theirs.keys()].filter((name) => !ours.has(name));
  expect(missing.filter((name) => !isListed(name))).toEqual([]);
  const isUsed = (each: string): boolean =>
    missing.some((name) => name === each || (each.endsWith('|*') && name.startsWith(each.slice(0, -1))));
  expect(listed.filter((each) => !isUsed(each))).toEqual([]);
});

it('gives a reason for each difference', () => {
  for (const { command, reason } of differences) expect(reason, command).not.toBe('');
});
