/** Redlock: locks that exclude, that are extended, and that are lost. */
import { Redis } from 'ioredis';
import Redlock from 'redlock';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Gateway, startGateway } from './gateway.js';
import { pause, until } from './waiting.js';

let gateway: Gateway;
let client: Redis;

function open(settings: Redlock.Options): Redlock {
  return new Redlock([client as unknown as Redlock.CompatibleRedisClient], settings);
}

beforeAll(async () => {
  gateway = await startGateway();
  client = new Redis(gateway.url);
});

beforeEach(async () => {
  await client.flushall();
});

afterAll(async () => {
  client.disconnect();
  await gateway.process.kill();
});

it('lets one in at a time', async () => {
  const locks = open({ retryCount: 200, retryDelay: 5, retryJitter: 5 });
  let inside = 0;
  const crowd: number[] = [];
  const visit = async () => {
    const lock = await locks.lock('door', 5000);
    crowd.push(++inside);
    await pause(3);
    inside--;
    await lock.unlock();
  };
  await Promise.all(Array.from({ length: 20 }, visit));
  expect(crowd).toEqual(Array.from({ length: 20 }, () => 1));
  expect(await client.exists('door')).toBe(0);
});

it('refuses while another holds it, all of several or none', async () => {
  const locks = open({ retryCount: 0 });
  const held = await locks.lock('b', 5000);
  await expect(locks.lock(['a', 'b', 'c'] as unknown as string, 5000)).rejects.toThrow('Exceeded 0 attempts');
  expect(await client.keys('*')).toEqual(['b']);
  await held.unlock();
  const all = await locks.lock(['a', 'b', 'c'] as unknown as string, 5000);
  expect((await client.keys('*')).sort()).toEqual(['a', 'b', 'c']);
  await all.unlock();
});

it('keeps a lock that is extended in time', async () => {
  const locks = open({ retryCount: 0 });
  let lock = await locks.lock('k', 200);
  for (let i = 0; i < 4; i++) {
    await pause(100);
    lock = await lock.extend(200);
    await expect(locks.lock('k', 200)).rejects.toThrow('Exceeded 0 attempts');
  }
  expect(await client.pttl('k')).toBeGreaterThan(0);
});

it('loses a lock that is not, and then neither extends nor unlocks that of the next', async () => {
  const locks = open({ retryCount: 0 });
  const lost = await locks.lock('k', 60);
  await until('it expired', async () => (await client.exists('k')) === 0);
  const next = await locks.lock('k', 5000);
  // The library trusts its own clock before it asks.
  lost.expiration = Date.now() + 5000;
  await expect(lost.extend(5000)).rejects.toThrow('Exceeded 0 attempts');
  await expect(lost.unlock()).rejects.toThrow('Unable to fully release');
  expect(await client.get('k')).toBe(next.value);
});
