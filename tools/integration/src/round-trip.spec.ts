/**
 * All types, in all their encodings, from redis-server into a file, from there into a server of ours, out of it into
 * another file, and back into redis-server: nothing has changed. And the append-only logs of Redis.
 */
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Random, randomBelow } from '@holdfast/common';
import { freePorts, SeededRandom } from '@holdfast/common/testing';
import { kvctl } from '@holdfast/kvctl/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause, type RunningServer, startGateway, startRedis } from './server.js';
import { type Address, WireClient } from './wire-client.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const debug = ['--enable-debug-command', 'yes'];

async function done(...argv: string[]): Promise<string> {
  const { code, error, out } = await kvctl(...argv);
  expect([code, error]).toEqual([0, expect.anything()]);
  return out;
}

/** Values of all types: those of `size` 3 are small for their encodings, those of 600 large. */
function values(random: Random, name: string, size: number, text: (i: number) => string): string[][] {
  const each = Array.from({ length: size }, (_, i) => i);
  return [
    ['RPUSH', `list:${name}`, ...each.map(text)],
    ['SADD', `set:${name}`, ...each.map(text)],
    ['SADD', `intset:${name}`, ...each.map((i) => String(i * randomBelow(random, 1e6)))],
    ['ZADD', `zset:${name}`, ...each.flatMap((i) => [String(randomBelow(random, 1e9) / 7), text(i)])],
    ['ZADD', `infinite:${name}`, '-inf', 'a', '+inf', 'b', '0', 'c', '1e300', 'd'],
    ['HSET', `hash:${name}`, ...each.flatMap((i) => [text(i), text(i + 1)])],
    ...each.map((i) => [
      'XADD',
      `stream:${name}`,
      `${1000 + i}-${i}`,
      'field',
      text(i),
      ...(i % 3 === 0 ? ['more', text(i)] : []),
    ]),
    ['XDEL', `stream:${name}`, '1001-1'],
    ['XGROUP', 'CREATE', `stream:${name}`, 'group', '0'],
    ['XGROUP', 'CREATE', `stream:${name}`, 'idle', '$'],
    ['XREADGROUP', 'GROUP', 'group', 'first', 'COUNT', '5', 'STREAMS', `stream:${name}`, '>'],
    ['XREADGROUP', 'GROUP', 'group', 'second', 'COUNT', '3', 'STREAMS', `stream:${name}`, '>'],
    ['XACK', `stream:${name}`, 'group', '1000-0'],
    ['XGROUP', 'CREATECONSUMER', `stream:${name}`, 'idle', 'nobody'],
  ];
}

async function seedData(client: WireClient, random: Random): Promise<void> {
  const binary = String.fromCharCode(0, 255, 10, 13, 128);
  const all: string[][] = [
    ['FUNCTION', 'LOAD', "#!lua name=lib\nredis.register_function('f', function() return 7 end)"],
    ['SET', 'int8', '-7'],
    ['SET', 'int16', '30000'],
    ['SET', 'int32', '-2000000000'],
    ['SET', 'int64', '9007199254740993'],
    ['SET', 'empty', ''],
    ['SET', 'compressible', 'abcabcabc'.repeat(5000)],
    ['SET', 'binary', binary.repeat(50)],
    ['SET', binary, 'a key of any bytes'],
    ['APPEND', 'raw', 'short'],
    ['PFADD', 'hll', ...Array.from({ length: 500 }, (_, i) => String(i))],
    ['SETBIT', 'bits', '100000', '1'],
    ['XADD', 'emptied', '5-5', 'a', 'b'],
    ['XDEL', 'emptied', '5-5'],
    ...values(random, 'small', 3, (i) => `e${i}`),
    ...values(random, 'large', 600, (i) => `element ${i}`),
    ...values(random, 'long', 40, (i) => `${i} ${'x'.repeat(100 + randomBelow(random, 9000))}`),
    ...values(random, 'numbers', 200, (i) => String(i * 1000 - 100)),
    ['RPUSH', 'huge-elements', 'y'.repeat(100_000), '1', 'z'.repeat(20_000)],
    ['PEXPIREAT', 'hash:small', '9999999999999'],
    ['PEXPIREAT', 'int8', '4102444800123'],
    ['EXPIREAT', 'stream:large', '4102444800'],
    ['SELECT', '9'],
    ['SET', 'in the tenth', 'database', 'PXAT', '4102444800000'],
    ...values(random, 'ninth', 5, (i) => `n${i}`),
    ['SELECT', '15'],
    ['SET', 'in the last', 'v'],
    ['SELECT', '0'],
  ];
  for (const reply of await Promise.all(
    client.pipeline(all.map((args) => args.map((arg) => Buffer.from(arg, 'latin1')))),
  ))
    expect(reply.type === '-' ? reply.text : '').toBe('');
}

/** Everything that a client can see of the data. */
async function view(address: Address): Promise<Record<string, unknown>> {
  const client = await WireClient.connect(address);
  const keys: Record<string, unknown> = {};
  for (const database of [0, 9, 15]) {
    await client.call('SELECT', database);
    const names = (await client.call('KEYS', '*')).items!.map(({ text }) => Buffer.from(text!, 'latin1'));
    const asked = names.flatMap((name) => [
      ['TYPE', name],
      ['PEXPIRETIME', name],
      ['OBJECT', 'ENCODING', name],
      ['DEBUG', 'DIGEST-VALUE', name],
    ]);
    const replies = await Promise.all(client.pipeline(asked));
    names.forEach((name, i) => {
      const [type, expiry, encoding, digest] = replies.slice(i * 4, i * 4 + 4);
      const texts = [type, expiry, encoding, digest.items![0]].map(({ text }) => text);
      keys[`${database} ${name.toString('latin1')}`] = texts.join(' ');
    });
    // The digest of a score depends on how the release writes numbers: the numbers themselves are compared.
    for (const name of names.filter((_, i) => replies[i * 4].text === 'zset')) {
      const items = (await client.call('ZRANGE', name, 0, -1, 'WITHSCORES')).items!.map(({ text }) => text!);
      const scores = items.map((text, i) => (i % 2 === 0 || text.includes('inf') ? text : Number(text)));
      keys[`${database} ${name.toString('latin1')}`] = JSON.stringify(scores);
    }
    for (const name of names.filter((_, i) => replies[i * 4].text === 'stream')) {
      const groups = await client.call('XINFO', 'STREAM', name, 'FULL', 'COUNT', 0);
      keys[`${database} ${name.toString('latin1')}, groups`] = withoutTimes(groups);
    }
  }
  const functions = JSON.stringify(await client.call('FUNCTION', 'LIST', 'WITHCODE'));
  client.close();
  return { ...keys, functions };
}

/** When consumers were seen is another moment for each server; how its radix tree is packed, too. */
function withoutTimes(reply: unknown): string {
  return JSON.stringify(reply).replace(
    /\{[^{}]*"(seen-time|active-time|radix-tree-keys|radix-tree-nodes)"[^{}]*\},\{[^{}]*\},?/g,
    '',
  );
}

let root: string;
let redis: Awaited<ReturnType<typeof startRedis>>;
let client: WireClient;
let port: number;
let expected: Record<string, unknown>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'holdfast-trip-'));
  [port] = await freePorts(1);
  redis = await startRedis('--port', String(port), '--repl-diskless-sync-delay', '0', ...debug);
  client = await WireClient.connect(redis.address);
  await seedData(client, new SeededRandom(seed));
  expected = await view(redis.address);
}, 60_000);

afterAll(async () => {
  client?.close();
  await redis?.stop();
  await rm(root, { recursive: true, force: true });
});

async function viewOfRedis(...settings: string[]): Promise<Record<string, unknown>> {
  const other = await startRedis(...debug, ...settings);
  try {
    return await view(other.address);
  } finally {
    await other.stop();
  }
}

async function viewOfGateway(directory: string, storage: string): Promise<Record<string, unknown>> {
  let gateway: RunningServer | null = null;
  try {
    gateway = await startGateway({
      dir: directory,
      storage,
      log: 'file',
      'redis-version': '7.0',
      'enable-debug-command': 'yes',
    });
    return await view(gateway.address);
  } finally {
    await gateway?.process.stop();
  }
}

describe(`data of all types (HOLDFAST_SEED=${seed})`, () => {
  it.each(['memory', 'level'])(
    'is the same after the way through %s storage',
    async (storage) => {
      const [there, back] = [join(root, `${storage}.there.rdb`), join(root, `${storage}.back`)];
      const directory = join(root, storage);
      expect(await done('export', '--from', `127.0.0.1:${port}`, there)).toContain('keys');
      await done('import', there, directory, '--storage', storage);
      await expect(viewOfGateway(directory, storage)).resolves.toEqual(expected);
      await done('check', directory);
      await done('export', directory, `${back}.rdb`);
      await expect(viewOfRedis('--dir', root, '--dbfilename', `${storage}.back.rdb`)).resolves.toEqual(
        expected,
      );
    },
    120_000,
  );

  it('goes into a server that is running, but not over what is there', async () => {
    const file = join(root, 'running.rdb');
    await done('export', '--from', `127.0.0.1:${port}`, file);
    const gateway = await startGateway({ 'redis-version': '7.0', 'enable-debug-command': 'yes' });
    const { port: to } = gateway.address as { port: number };
    try {
      await done('import', file, '--to', `127.0.0.1:${to}`);
      await expect(view(gateway.address)).resolves.toEqual(expected);
      await done('export', '--from', `127.0.0.1:${to}`, join(root, 'from-us.rdb'));
      await expect(viewOfRedis('--dir', root, '--dbfilename', 'from-us.rdb')).resolves.toEqual(expected);
      const { code, error } = await kvctl('import', file, '--to', `127.0.0.1:${to}`);
      expect([code, error]).toEqual([1, expect.stringContaining('BUSYKEY')]);
      await done('import', file, '--replace', '--to', `127.0.0.1:${to}`);
    } finally {
      await gateway.process.stop();
    }
  }, 60_000);

  it('is refused as a whole when a byte of the file is another one', async () => {
    const file = join(root, 'whole.rdb');
    await done('export', '--from', `127.0.0.1:${port}`, file);
    const bytes = await readFile(file);
    await done('check', file);
    const random = new SeededRandom(seed + 1);
    for (let i = 0; i < 20; i++) {
      const damaged = Buffer.from(bytes);
      damaged[randomBelow(random, bytes.length)] ^= 1 << randomBelow(random, 8);
      await writeFile(`${file}.damaged`, damaged);
      expect((await kvctl('check', `${file}.damaged`)).code).toBe(1);
      const { code, error } = await kvctl('import', `${file}.damaged`, join(root, 'damaged'));
      expect([code, error]).toEqual([1, expect.stringContaining('whole.rdb.damaged')]);
    }
    expect((await readdir(root)).filter((name) => name.startsWith('damaged'))).toEqual([]);
  });
});

describe("Redis' append-only log", () => {
  /** A server with one, written by `write`, and stopped. Where its files are. */
  async function written(
    name: string,
    write: (client: WireClient) => Promise<void>,
    ...settings: string[]
  ): Promise<{ directory: string; expected: Record<string, unknown> }> {
    const directory = await mkdtemp(join(root, `${name}-`));
    const server = await startRedis(...debug, '--dir', directory, '--appendonly', 'yes', ...settings);
    try {
      const writer = await WireClient.connect(server.address);
      await write(writer);
      writer.close();
      return { directory: join(directory, 'appendonlydir'), expected: await view(server.address) };
    } finally {
      await server.process.stop();
    }
  }

  const load = async (writer: WireClient): Promise<void> => {
    await seedData(writer, new SeededRandom(seed));
    await Promise.all(writer.pipeline([['BGREWRITEAOF']]));
    while (!/aof_rewrite_in_progress:0/.test((await writer.call('INFO', 'persistence')).text!))
      await pause(20);
    await Promise.all(
      writer.pipeline([
        ['MULTI'],
        ['SET', 'a', '1'],
        ['INCR', 'a'],
        ['EXEC'],
        ['RPUSH', 'l', 'x', 'y'],
        ['SET', 'e', 'v', 'EX', '100000'],
        ['SELECT', '9'],
        ['INCR', 'counted'],
        ['EVAL', "redis.call('INCR', 'counted') redis.call('SADD', 's', 'm')", '0'],
      ]),
    );
  };

  it.each([
    ['with an RDB file at its beginning', 'yes'],
    ['of commands alone', 'no'],
  ])(
    'is taken, %s',
    async (_, preamble) => {
      const { directory, expected: wanted } = await written('aof', load, '--aof-use-rdb-preamble', preamble);
      const target = join(root, `aof-${preamble}`);
      await done('import', directory, target, '--storage', 'level');
      await expect(viewOfGateway(target, 'level')).resolves.toEqual(wanted);
    },
    60_000,
  );

  it('that ends within a command or a transaction is taken up to there, and that is said', async () => {
    const { directory } = await written('cut', async (writer) => {
      await Promise.all(
        writer.pipeline([['SET', 'a', '1'], ['MULTI'], ['SET', 'b', '2'], ['SET', 'c', '3'], ['EXEC']]),
      );
    });
    const [last] = (await readdir(directory)).filter((name) => name.endsWith('.incr.aof'));
    const whole = await readFile(join(directory, last));
    for (const cut of [3, 20, 50]) {
      const copy = join(root, `cut-${cut}`);
      await cp(directory, copy, { recursive: true });
      await truncate(join(copy, last), whole.length - cut);
      const target = join(root, `cut-${cut}-data`);
      expect(await done('import', copy, target)).toContain('left out');
      const gateway = await startGateway({ dir: target });
      const reader = await WireClient.connect(gateway.address);
      const [a, b] = await Promise.all(
        reader.pipeline([
          ['GET', 'a'],
          ['EXISTS', 'b', 'c'],
        ]),
      );
      expect([a.text, b.text]).toEqual(['1', '0']);
      reader.close();
      await gateway.process.stop();
    }
    await writeFile(join(directory, last), Buffer.concat([whole, Buffer.from('nonsense\r\n')]));
    const { code, error } = await kvctl('import', directory, join(root, 'nonsense'));
    expect([code, error]).toEqual([1, expect.stringMatching(/incr\.aof, offset \d+: bad file format/)]);
  }, 60_000);

  it('in one file, as Redis before 7.0 wrote it, is taken', async () => {
    const file = join(root, 'appendonly.aof');
    await writeFile(file, '*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n');
    expect(await done('import', file, join(root, 'old'))).toContain('2 keys or commands');
    await writeFile(file, '*1\r\n$9\r\nFT.SEARCH\r\n');
    const { code, error } = await kvctl('import', file, join(root, 'unknown'));
    expect([code, error]).toEqual([1, expect.stringContaining('FT.SEARCH is not taken here')]);
    await expect(readdir(join(root, 'unknown'))).rejects.toThrow();
  });
});
