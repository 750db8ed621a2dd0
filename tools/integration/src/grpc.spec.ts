/**
 * The gRPC API of the real server: our client, and one that knows nothing but what reflection tells it; beside
 * Redis clients on the same keys.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { connect, type KeyValueStore } from '@holdfast/client';
import { storeConformance } from '@holdfast/client/testing';
import { errorDetailsOf } from '@holdfast/rpc';
import { type ReflectedClient, reflectedClient } from '@holdfast/rpc/testing';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type GatewaySettings, type ServerProcess, spawnGateway, temporaryDirectory } from './server.js';

interface Served {
  readonly process: ServerProcess;
  readonly grpc: string;
  readonly redisPort: number;
}

async function serve(settings: GatewaySettings = {}): Promise<Served> {
  const gateway = spawnGateway(settings);
  const { redis, grpc } = JSON.parse(await gateway.readyLine()) as { redis: string; grpc: string };
  return { process: gateway, grpc, redisPort: Number(redis.slice(redis.lastIndexOf(':') + 1)) };
}

describe.each([
  ['memory', 'none'],
  ['level', 'file'],
])('our client, with %s storage', (storage, log) => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let server: Served;
  let store: KeyValueStore;

  beforeAll(async () => {
    directory = await temporaryDirectory();
    server = await serve({ storage, log, dir: directory.path });
  }, 60_000);

  beforeEach(async () => {
    store = connect({ address: server.grpc });
    await store.execute(['FLUSHALL']);
  });

  afterEach(() => store.close());

  afterAll(async () => {
    expect(await server.process.stop()).toBe(0);
    await directory.remove();
  }, 60_000);

  for (const { name, run } of storeConformance) it(name, () => run(store));
});

describe('one server', () => {
  let server: Served;
  let store: KeyValueStore;
  let redis: Redis;
  let generic: ReflectedClient;

  beforeAll(async () => {
    server = await serve();
    store = connect({ address: server.grpc });
    redis = new Redis({ port: server.redisPort, host: '127.0.0.1' });
    generic = await reflectedClient(server.grpc, 'kv.v1.KV');
  }, 60_000);

  afterEach(async () => {
    await redis.flushall();
  });

  afterAll(async () => {
    generic.close();
    redis.disconnect();
    await store.close();
    expect(await server.process.stop()).toBe(0);
  }, 60_000);

  it('has the same keys for Redis and gRPC: values, times to live, versions', async () => {
    const bytes = Buffer.from([0, 255, 13, 10, 128]);
    await redis.set('k', bytes, 'PX', 100_000);
    const found = (await store.get('k'))!;
    expect(found.value).toEqual(bytes);
    expect(found.ttlMs).toBeGreaterThan(90_000);
    const version = await store.put('k', 'from gRPC', { expectedVersion: found.version });
    expect(version).toBeGreaterThan(found.version);
    expect(await redis.get('k')).toBe('from gRPC');
    expect(await redis.pttl('k')).toBe(-1);
    await redis.append('k', '!');
    await expect(store.put('k', 'late', { expectedVersion: version })).rejects.toMatchObject({
      code: 'VERSION_MISMATCH',
    });
    expect(await store.execute(['HSET', 'h', 'f', 'v'])).toBe(1);
    expect(await redis.hgetall('h')).toEqual({ f: 'v' });
    await expect(store.get('h')).rejects.toMatchObject({ code: 'WRONGTYPE' });
    await redis.del('k', 'h');
    expect(await store.get('k')).toBeNull();
  });

  it('breaks a WATCH of a Redis client by a write over gRPC', async () => {
    await redis.set('k', '1');
    await redis.watch('k');
    await store.put('k', '2');
    expect(await redis.multi().set('k', '3').exec()).toBeNull();
    expect(await redis.get('k')).toBe('2');
  });

  it('wakes a call over gRPC that waits by a push of a Redis client', async () => {
    const popped = store.execute(['BLPOP', 'l', '10'], { encoding: 'utf8', timeoutMs: 20_000 });
    await expect.poll(async () => (await redis.info('clients')).includes('blocked_clients:1')).toBe(true);
    await redis.rpush('l', 'job');
    expect(await popped).toEqual(['l', 'job']);
  });

  it('tells a stranger through reflection what it serves', async () => {
    expect([...generic.services].sort()).toEqual(['grpc.health.v1.Health', 'kv.v1.KV']);
    const health = await reflectedClient(server.grpc, 'grpc.health.v1.Health');
    for (const service of ['', 'kv.v1.KV']) {
      expect(await health.unary('Check', { service })).toEqual({ status: 'SERVING' });
    }
    health.close();
  });

  it('answers every kind of call of a stranger', async () => {
    const key = Buffer.from('a');
    const { version } = await generic.unary('Put', { key, value: Buffer.from('1'), ttl_ms: 100_000 });
    const { ttl_ms: ttlMs, ...got } = await generic.unary('Get', { key });
    expect(got).toMatchObject({ found: true, value: Buffer.from('1'), version });
    expect(ttlMs).toBeGreaterThan(90_000);
    for (const name of ['b', 'c']) await generic.unary('Put', { key: Buffer.from(name), value: key });
    const { entries } = await generic.unary('BatchGet', { keys: [key, Buffer.from('none')] });
    expect(entries).toMatchObject([{ type: 'VALUE_TYPE_STRING', version }, { version: 0 }]);
    const pages = await generic.serverStream('Scan', { prefix: Buffer.alloc(0), reverse: true, limit: 2 });
    const keys = pages
      .flatMap(({ entries: found }) => found as { key: Buffer }[])
      .map((entry) => String(entry.key));
    expect(keys).toEqual(['c', 'b']);
    const { version: incremented, value } = await generic.unary('Execute', {
      args: ['INCRBY', 'a', '5'].map(Buffer.from),
    });
    expect(value).toMatchObject({ integer: 6, kind: 'integer' });
    const { values } = await generic.unary('Transact', {
      compare: [{ key, expected_version: incremented }],
      commands: [{ args: ['INCR', 'a'].map(Buffer.from) }, { args: ['GET', 'b'].map(Buffer.from) }],
    });
    expect(values).toMatchObject([{ integer: 7 }, { bytes: Buffer.from('a') }]);
    expect(await generic.unary('Delete', { key })).toMatchObject({ deleted: true });
    expect(await generic.unary('DeleteRange', { range: { start: key } })).toMatchObject({ deleted: 2 });
    expect(await redis.dbsize()).toBe(0);
  });

  it('fails with a status and a reason', async () => {
    await redis.rpush('l', 'a');
    const failure = async (method: string, request: object): Promise<unknown[]> => {
      const error = await generic.unary(method, request).then(
        () => null,
        (reason) => reason,
      );
      return [error?.code, errorDetailsOf(error)?.reason];
    };
    const key = Buffer.from('l');
    expect(await failure('Get', { key })).toEqual([9, 'WRONGTYPE']);
    expect(await failure('Put', { key: Buffer.from('k'), expected_version: 5 })).toEqual([
      10,
      'VERSION_MISMATCH',
    ]);
    expect(await failure('Put', { key: Buffer.from('k'), ttl_ms: 0 })).toEqual([3, 'ERR']);
    expect(await failure('Execute', { args: ['MULTI'].map(Buffer.from) })).toEqual([3, 'UNSUPPORTED']);
    expect(await failure('Execute', { args: ['NOSUCHCOMMAND'].map(Buffer.from) })).toEqual([3, 'ERR']);
    expect(await failure('BatchGet', { keys: Array(1001).fill(key) })).toEqual([8, 'LIMIT']);
    expect(await failure('Get', { key, database: 16 })).toEqual([3, 'INVALID']);
  });
});

it('asks gRPC clients for the password too', async () => {
  const server = await serve({ requirepass: 'secret' });
  const stranger = connect({ address: server.grpc, timeoutMs: 5000 });
  await expect(stranger.get('k')).rejects.toMatchObject({ code: 'DENIED' });
  await stranger.close();
  const friend = connect({ address: server.grpc, password: 'secret' });
  await friend.put('k', 'v');
  expect((await friend.get('k'))?.value.toString()).toBe('v');
  await friend.close();
  expect(await server.process.stop()).toBe(0);
});

it('keeps a program alive that waits for a server out of reach, until its calls are over', async () => {
  const program = `
    import { connect } from '@holdfast/client';
    const store = connect({ address: '127.0.0.1:1', timeoutMs: 1500 });
    console.log(await store.get('k').catch(({ code }) => code));
    console.log(await store.put('k', 'v').catch(({ code }) => code));`;
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const args = ['--input-type=module', '-e', program];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd });
  expect(stdout).toBe('UNAVAILABLE\nUNAVAILABLE\n');
}, 60_000);
