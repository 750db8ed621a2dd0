/** What ioredis does beyond sending commands: autopipelining, scripts, streams of keys, and coming back. */
import { Redis, type RedisOptions } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Gateway, startGateway } from './gateway.js';
import { until } from './waiting.js';

let gateway: Gateway;
let redis: Redis;
const opened: Redis[] = [];

function open(options: Omit<RedisOptions, 'replyMapping'> = {}): Redis {
  const client = new Redis({ host: gateway.host, port: gateway.port, ...options });
  client.on('error', () => {});
  opened.push(client);
  return client;
}

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(() => gateway.process.kill());

beforeEach(async () => {
  redis = open();
  await redis.flushall();
});

afterEach(() => {
  for (const client of opened.splice(0)) client.disconnect();
});

it('pipelines by itself what is asked in one turn', async () => {
  const client = open({ enableAutoPipelining: true });
  await client.ping();
  const numbers = Array.from({ length: 500 }, (_, i) => i);
  const sets = numbers.map((i) => client.set(`k${i}`, i));
  const wrong = client.lpush('k1', 'x');
  const gets = numbers.map((i) => client.get(`k${i}`));
  await expect(wrong).rejects.toThrow('WRONGTYPE');
  expect(await Promise.all(sets)).toEqual(numbers.map(() => 'OK'));
  expect(await Promise.all(gets)).toEqual(numbers.map(String));
});

it('answers a pipeline in order, with the errors of its own', async () => {
  const replies = await redis.pipeline().set('k', 'word').incr('k').append('k', 's').get('k').exec();
  expect(replies?.map(([error, value]) => error?.message ?? value)).toEqual([
    'OK',
    'ERR value is not an integer or out of range',
    5,
    'words',
  ]);
});

it('runs scripts by their hash, and sends them when they are not known', async () => {
  const client = open({
    scripts: {
      takeAll: {
        numberOfKeys: 1,
        lua: "local v = redis.call('LRANGE', KEYS[1], 0, -1) redis.call('DEL', KEYS[1]) return v",
      },
    },
  }) as Redis & { takeAll(key: string): Promise<string[]> };
  for (let i = 0; i < 3; i++) {
    await client.rpush('l', 'a', 'b');
    expect(await client.takeAll('l')).toEqual(['a', 'b']);
    if (i === 1) await client.script('FLUSH');
  }
  expect(await client.exists('l')).toBe(0);
});

it('gives up a transaction whose key was changed by another', async () => {
  await redis.set('balance', 10);
  await redis.watch('balance');
  await open().set('balance', 20);
  expect(await redis.multi().decrby('balance', 5).exec()).toBe(null);
  await redis.watch('balance');
  expect(await redis.multi().decrby('balance', 5).exec()).toEqual([[null, 15]]);
});

it('streams keys and members, each at least once', async () => {
  const numbers = Array.from({ length: 2000 }, (_, i) => i);
  await redis.mset(Object.fromEntries(numbers.map((i) => [`key:${i}`, i])));
  await redis.hset('hash', Object.fromEntries(numbers.map((i) => [`f${i}`, i])));
  const keys = new Set<string>();
  for await (const page of redis.scanStream({ match: 'key:*', count: 100 }))
    for (const key of page) keys.add(key);
  expect(keys.size).toBe(2000);
  const fields = new Map<string, string>();
  for await (const page of redis.hscanStream('hash', { count: 100 }))
    for (let i = 0; i < page.length; i += 2) fields.set(page[i], page[i + 1]);
  expect([...fields].every(([field, value]) => field === `f${value}`)).toBe(true);
  expect(fields.size).toBe(2000);
});

it('puts a prefix before keys, wherever they stand', async () => {
  const client = open({ keyPrefix: 'app:' });
  await client.mset('a', '1', 'b', '2');
  await client.zadd('z', 1, 'x');
  await client.zunionstore('sum', 2, 'z', 'z');
  await client.eval('return redis.call("SET", KEYS[1], ARGV[1])', 1, 'e', 'v');
  expect((await redis.keys('*')).sort()).toEqual(['app:a', 'app:b', 'app:e', 'app:sum', 'app:z']);
});

it('hears messages of channels and patterns, bytes included', async () => {
  const subscriber = open();
  const heard: unknown[] = [];
  subscriber.on('message', (channel, message) => heard.push([channel, message]));
  subscriber.on('pmessageBuffer', (pattern, channel, message) =>
    heard.push([pattern, channel.toString(), message]),
  );
  await subscriber.subscribe('news');
  await subscriber.psubscribe('n?ise');
  expect(await redis.publish('news', 'hello')).toBe(1);
  expect(await redis.publish('noise', Buffer.from([0, 255]))).toBe(1);
  await until('both are heard', () => heard.length === 2);
  expect(heard).toEqual([
    ['news', 'hello'],
    ['n?ise', 'noise', Buffer.from([0, 255])],
  ]);
});

it('waits for elements, and is served in order', async () => {
  const waiting = [open(), open()];
  const pops: Promise<[string, string] | null>[] = [];
  for (const client of waiting) {
    const id = await client.client('ID');
    pops.push(client.blpop('queue', 10));
    await until(
      'it waits',
      async () => String(await redis.client('LIST')).match(`id=${id} .*flags=b`) !== null,
    );
  }
  await redis.rpush('queue', 'first', 'second');
  expect(await Promise.all(pops)).toEqual([
    ['queue', 'first'],
    ['queue', 'second'],
  ]);
});

it('comes back after its connection was killed: name, database, subscriptions, what was not answered', async () => {
  const client = open({ connectionName: 'phoenix', db: 3, retryStrategy: () => 10 });
  const subscriber = open({ connectionName: 'listener', retryStrategy: () => 10 });
  const heard: string[] = [];
  subscriber.on('message', (_channel, message) => heard.push(message));
  await subscriber.subscribe('news');
  await client.set('k', 'v');
  const waiting = client.blpop('queue', 10);
  const idOf = async (name: string) =>
    String(await redis.client('LIST')).match(`id=(\\d+) .*name=${name} `)?.[1];
  const ids = [await idOf('phoenix'), await idOf('listener')];
  for (const id of ids) await redis.client('KILL', 'ID', id!);
  await until('both are back', async () => {
    const now = [await idOf('phoenix'), await idOf('listener')];
    return now.every((id, i) => id !== undefined && id !== ids[i]);
  });
  await until('it listens again', async () => (await redis.publish('news', 'again')) === 1);
  await open({ db: 3 }).rpush('queue', 'element');
  expect(await waiting).toEqual(['queue', 'element']);
  expect(await client.get('k')).toBe('v');
  await until('it is heard', () => heard.includes('again'));
});

it('sees what others do by MONITOR', async () => {
  const monitor = await open().monitor();
  const seen: string[][] = [];
  monitor.on('monitor', (_time, args: string[]) => seen.push(args));
  await redis.set('k', 'v "quoted"');
  await until('it is seen', () => seen.some(([name]) => name.toUpperCase() === 'SET'));
  expect(seen.find(([name]) => name.toUpperCase() === 'SET')?.slice(1)).toEqual(['k', 'v "quoted"']);
  monitor.disconnect();
});
