/** What node-redis does beyond sending commands: pools, isolation, scripts, iterators, a cache of its own. */
import { createClient, createClientPool, defineScript, WatchError } from 'redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from './gateway.js';
import { until } from './waiting.js';

let gateway: Gateway;
const opened: { destroy(): void }[] = [];

beforeAll(async () => {
  gateway = await startGateway();
});

afterAll(() => gateway.process.kill());

afterEach(() => {
  for (const client of opened.splice(0)) client.destroy();
});

const takeAll = defineScript({
  NUMBER_OF_KEYS: 1,
  SCRIPT: "local v = redis.call('LRANGE', KEYS[1], 0, -1) redis.call('DEL', KEYS[1]) return v",
  parseCommand: (parser, key: string) => parser.pushKey(key),
  transformReply: (reply: unknown) => reply as string[],
});

describe.each([2, 3] as const)('in RESP%i', (RESP) => {
  const settings = () => ({ url: gateway.url, RESP, scripts: { takeAll } });
  const create = () => createClient(settings());
  let client: ReturnType<typeof create>;

  async function open(): Promise<ReturnType<typeof create>> {
    const each = create();
    each.on('error', () => {});
    opened.push(each);
    await each.connect();
    return each;
  }

  beforeEach(async () => {
    client = await open();
    await client.flushAll();
  });

  it('shapes replies the same in both protocols', async () => {
    await client.hSet('h', { a: '1', b: '2' });
    await client.zAdd('z', [
      { value: 'x', score: 1.5 },
      { value: 'y', score: Number.POSITIVE_INFINITY },
    ]);
    expect({ ...(await client.hGetAll('h')) }).toEqual({ a: '1', b: '2' });
    expect(await client.zRangeWithScores('z', 0, -1)).toEqual([
      { value: 'x', score: 1.5 },
      { value: 'y', score: Number.POSITIVE_INFINITY },
    ]);
    expect(await client.zScore('z', 'x')).toBe(1.5);
    await client.xAdd('s', '1-1', { field: 'value' });
    expect(await client.xRange('s', '-', '+')).toMatchObject([{ id: '1-1', message: { field: 'value' } }]);
    expect(await client.configGet('maxmemory*')).toMatchObject({ maxmemory: '0' });
    await client.geoAdd('g', { longitude: 13.361389, latitude: 38.115556, member: 'Palermo' });
    const [position] = await client.geoPos('g', 'Palermo');
    expect(Number(position?.longitude)).toBeCloseTo(13.361389, 4);
  });

  it('runs scripts by their hash, and functions of libraries', async () => {
    for (let i = 0; i < 3; i++) {
      await client.rPush('l', ['a', 'b']);
      expect(await client.takeAll('l')).toEqual(['a', 'b']);
      if (i === 1) await client.scriptFlush();
    }
    const code =
      "#!lua name=lib\nredis.register_function('add', function(keys, args) return redis.call('INCRBY', keys[1], args[1]) end)";
    expect(await client.functionLoad(code, { REPLACE: true })).toBe('lib');
    expect(await client.fCall('add', { keys: ['n'], arguments: ['5'] })).toBe(5);
    expect(await client.functionList()).toMatchObject([
      { library_name: 'lib', functions: [{ name: 'add' }] },
    ]);
  });

  it('isolates transactions in a pool, and sees changes by others', async () => {
    const pool = createClientPool(settings(), { minimum: 1, maximum: 5 });
    opened.push(pool);
    await pool.connect();
    await pool.set('n', '0');
    const increment = (): Promise<void> =>
      pool
        .execute(async (isolated) => {
          await isolated.watch('n');
          const n = Number(await isolated.get('n'));
          await isolated
            .multi()
            .set('n', n + 1)
            .exec();
        })
        .catch((error) => {
          if (!(error instanceof WatchError)) throw error;
          return increment();
        });
    await Promise.all(Array.from({ length: 30 }, increment));
    expect(await pool.get('n')).toBe('30');
  });

  it('iterates over keys and fields, each at least once', async () => {
    const numbers = Array.from({ length: 1000 }, (_, i) => i);
    await client.mSet(Object.fromEntries(numbers.map((i) => [`key:${i}`, String(i)])));
    await client.hSet('hash', Object.fromEntries(numbers.map((i) => [`f${i}`, i])));
    const keys = new Set<string>();
    for await (const page of client.scanIterator({ MATCH: 'key:*', COUNT: 100 }))
      for (const key of page) keys.add(key);
    expect(keys.size).toBe(1000);
    const fields = new Set<string>();
    for await (const page of client.hScanIterator('hash', { COUNT: 100 }))
      for (const { field } of page) fields.add(field);
    expect(fields.size).toBe(1000);
  });

  it('hears channels, patterns and shard channels, and hears no more', async () => {
    const subscriber = await open();
    const heard: string[] = [];
    const listen = (message: string, channel: string) => heard.push(`${channel} ${message}`);
    await subscriber.subscribe('news', listen);
    await subscriber.pSubscribe('n?ise', listen);
    await subscriber.sSubscribe('shard', listen);
    await client.publish('news', 'a');
    await client.publish('noise', 'b');
    await client.sPublish('shard', 'c');
    await until('all are heard', () => heard.length === 3);
    expect(heard.sort()).toEqual(['news a', 'noise b', 'shard c']);
    await subscriber.unsubscribe('news');
    expect(await client.publish('news', 'd')).toBe(0);
  });

  it('comes back after its connection was killed, subscriptions and all', async () => {
    const subscriber = await open();
    const heard: string[] = [];
    await subscriber.subscribe('news', (message) => heard.push(message));
    await client.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub']);
    await until('it listens again', async () => (await client.publish('news', 'again')) === 1);
    await until('it is heard', () => heard.includes('again'));
  });

  it('gives bytes and numbers the types that were asked for', async () => {
    const bytes = client.withTypeMapping({ 36: Buffer });
    await client.set('k', Buffer.from([0, 255, 13, 10]));
    expect(await bytes.get('k')).toEqual(Buffer.from([0, 255, 13, 10]));
    await client.set('n', '9223372036854775806');
    const exact = client.withTypeMapping({ 58: String });
    expect(await exact.incr('n')).toBe('9223372036854775807');
  });
});

it('keeps a cache of what it read, and forgets what others change', async () => {
  const writer = createClient({ url: gateway.url });
  opened.push(writer);
  await writer.connect();
  const reader = createClient({ url: gateway.url, RESP: 3, clientSideCache: { ttl: 0, maxEntries: 100 } });
  opened.push(reader);
  await reader.connect();
  await writer.set('k', 'old');
  expect(await reader.get('k')).toBe('old');
  const readsBefore = await readCount(writer);
  for (let i = 0; i < 10; i++) expect(await reader.get('k')).toBe('old');
  expect(await readCount(writer)).toBe(readsBefore);
  await writer.set('k', 'new');
  await until('it is told', async () => (await reader.get('k')) === 'new');
});

/** How often GET ran at the server. */
async function readCount(client: { info(section: string): Promise<string> }): Promise<number> {
  return Number((await client.info('commandstats')).match(/cmdstat_get:calls=(\d+)/)?.[1]);
}
