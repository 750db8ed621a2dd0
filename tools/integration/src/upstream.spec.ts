/** Moving here from redis-server without stopping: REPLICAOF, under writes, and REPLICAOF NO ONE. */
import { type Random, randomBelow } from '@holdfast/common';
import { freePorts, SeededRandom } from '@holdfast/common/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause, type RunningServer, startGateway, startRedis, temporaryDirectory } from './server.js';
import { WireClient } from './wire-client.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));

let redis: Awaited<ReturnType<typeof startRedis>>;
let port: number;
let upstream: WireClient;

beforeAll(async () => {
  [port] = await freePorts(1);
  redis = await startRedis(
    '--port',
    String(port),
    '--repl-diskless-sync-delay',
    '0',
    '--enable-debug-command',
    'yes',
  );
  upstream = await WireClient.connect(redis.address);
}, 60_000);

afterAll(async () => {
  upstream?.close();
  await redis?.stop();
});

/** A write of some type to one of few keys. */
function randomWrite(random: Random): string[] {
  const key = `k${randomBelow(random, 300)}`;
  const text = 'x'.repeat(randomBelow(random, 200)) + randomBelow(random, 1000);
  const number = String(randomBelow(random, 1000));
  const writes: string[][] = [
    ['SET', `s${key}`, text],
    ['SET', `s${key}`, number, 'EX', '1000'],
    ['INCR', `n${key}`],
    ['RPUSH', `l${key}`, text, number],
    ['LPOP', `l${key}`],
    ['SADD', `e${key}`, number, text],
    ['SPOP', `e${key}`],
    ['SADD', `i${key}`, number],
    ['ZADD', `z${key}`, number, text],
    ['HSET', `h${key}`, text, number],
    ['HDEL', `h${key}`, text],
    ['XADD', `x${key}`, '*', 'f', text],
    ['PFADD', `p${key}`, text],
    ['SETRANGE', `r${key}`, number, text],
    ['DEL', `s${key}`],
    ['EXPIRE', `z${key}`, '100000'],
    ['EVAL', "return redis.call('INCRBY', KEYS[1], ARGV[1])", '1', `n${key}`, number],
  ];
  return writes[randomBelow(random, writes.length)];
}

async function load(random: Random, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 100) {
    await Promise.all(upstream.pipeline(Array.from({ length: 100 }, () => randomWrite(random))));
  }
}

async function textOf(client: WireClient, ...args: string[]): Promise<string> {
  return (await client.call(...args)).text ?? '';
}

async function replicationField(client: WireClient, name: string): Promise<string> {
  const info = await textOf(client, 'INFO', 'replication');
  return new RegExp(`^${name}:(.*)\r$`, 'm').exec(info)?.[1] ?? '';
}

/** Waits until all that upstream has is here too. */
async function caughtUp(client: WireClient): Promise<void> {
  for (;;) {
    const [wanted, reached, link] = await Promise.all([
      replicationField(upstream, 'master_repl_offset'),
      replicationField(client, 'slave_repl_offset'),
      replicationField(client, 'master_link_status'),
    ]);
    if (link === 'up' && Number(reached) >= Number(wanted)) return;
    await pause(20);
  }
}

async function sameData(client: WireClient): Promise<void> {
  expect(await textOf(client, 'DEBUG', 'DIGEST')).toBe(await textOf(upstream, 'DEBUG', 'DIGEST'));
}

describe.each([
  ['memory', {}],
  ['level', { storage: 'level', log: 'file' }],
] as const)('%s storage', (_, settings) => {
  let gateway: RunningServer;
  let client: WireClient;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

  beforeAll(async () => {
    directory = await temporaryDirectory();
    gateway = await startGateway({ ...settings, dir: directory.path, 'enable-debug-command': 'yes' });
    client = await WireClient.connect(gateway.address);
  }, 60_000);

  afterAll(async () => {
    client?.close();
    await gateway?.process.stop();
    await directory?.remove();
  });

  it(`has what upstream has, written before, meanwhile and after (HOLDFAST_SEED=${seed})`, {
    timeout: 60_000,
  }, async () => {
    const random = new SeededRandom(seed);
    await upstream.call('FLUSHALL');
    await upstream.call(
      'FUNCTION',
      'LOAD',
      'REPLACE',
      '#!lua name=l\nredis.register_function{function_name="f", callback=function() return "7" end, flags={"no-writes"}}',
    );
    await load(random, 3000);
    await client.call('SET', 'mine', 'goes');
    expect(await textOf(client, 'REPLICAOF', '127.0.0.1', String(port))).toBe('OK');
    await load(random, 3000);
    await caughtUp(client);
    await sameData(client);
    expect(await textOf(client, 'FCALL_RO', 'f', '0')).toBe('7');
    await upstream
      .pipeline([['MULTI'], ['SELECT', '3'], ['SET', 'k', 'v'], ['SELECT', '0'], ['EXEC']])
      .at(-1);
    await load(random, 2000);
    await caughtUp(client);
    await sameData(client);
  });

  it('reads, does not write, and says what it is', async () => {
    expect((await client.call('SET', 'k', 'v')).text).toBe(
      "READONLY You can't write against a read only replica.",
    );
    expect((await client.call('EVAL', "return redis.call('SET', 'k', 'v')", '0')).text).toContain('READONLY');
    expect((await client.call('GET', 'nosuch')).type).toMatch(/[$_]/);
    const role = await client.call('ROLE');
    expect(role.items?.slice(0, 4).map((item) => item.text)).toEqual([
      'slave',
      '127.0.0.1',
      String(port),
      'connected',
    ]);
  });

  it('goes on where the link broke', { timeout: 30_000 }, async () => {
    await upstream.call('CLIENT', 'KILL', 'TYPE', 'replica');
    await load(new SeededRandom(seed + 1), 500);
    await caughtUp(client);
    await sameData(client);
    expect(await textOf(upstream, 'INFO', 'stats')).toMatch(/sync_partial_ok:[1-9]/);
  });

  it('is its own master again, with the data', async () => {
    expect(await textOf(client, 'REPLICAOF', 'NO', 'ONE')).toBe('OK');
    await sameData(client);
    expect(await textOf(client, 'SET', 'mine', 'again')).toBe('OK');
    expect(await replicationField(client, 'role')).toBe('master');
  });
});
