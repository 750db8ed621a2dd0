/** rate-limiter-flexible: points that are consumed, counted once, and given back when time has passed. */
import { Redis } from 'ioredis';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from './gateway.js';
import { pause } from './waiting.js';

let gateway: Gateway;
const clients: { ioredis?: Redis; 'node-redis'?: ReturnType<typeof createClient> } = {};

beforeAll(async () => {
  gateway = await startGateway();
  clients.ioredis = new Redis(gateway.url);
  clients['node-redis'] = createClient({ url: gateway.url });
  await clients['node-redis'].connect();
});

afterAll(async () => {
  clients.ioredis?.disconnect();
  clients['node-redis']?.destroy();
  await gateway.process.kill();
});

describe.each(['ioredis', 'node-redis'] as const)('over %s', (library) => {
  const limiter = (keyPrefix: string, settings: object): RateLimiterRedis =>
    new RateLimiterRedis({
      storeClient: clients[library],
      useRedisPackage: library === 'node-redis',
      keyPrefix: `${library}-${keyPrefix}`,
      points: 10,
      duration: 5,
      ...settings,
    });

  it('grants as many points as there are, however many ask at once', async () => {
    const limits = limiter('burst', {});
    const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => limits.consume('user')));
    const granted = outcomes.filter(({ status }) => status === 'fulfilled');
    expect(granted).toHaveLength(10);
    const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []));
    for (const reason of refused) {
      expect(reason).toBeInstanceOf(RateLimiterRes);
      expect(reason.remainingPoints).toBe(0);
      expect(reason.msBeforeNext).toBeGreaterThan(0);
    }
    expect((await limits.get('user'))?.consumedPoints).toBe(50);
  });

  it('refills when the duration is over', async () => {
    const limits = limiter('refill', { points: 2, duration: 1 });
    const first = await limits.consume('user', 2);
    expect(first).toMatchObject({ remainingPoints: 0, isFirstInDuration: true });
    const refusal: RateLimiterRes = await limits.consume('user').then(
      () => expect.fail('granted too much'),
      (reason) => reason,
    );
    expect(refusal.msBeforeNext).toBeLessThanOrEqual(1000);
    await pause(refusal.msBeforeNext + 10);
    expect(await limits.consume('user')).toMatchObject({ remainingPoints: 1, isFirstInDuration: true });
  });

  it('counts each key for itself, penalties and rewards included', async () => {
    const limits = limiter('keys', {});
    await limits.consume('a', 3);
    await limits.penalty('a', 4);
    await limits.reward('a', 2);
    expect(await limits.get('a')).toMatchObject({ consumedPoints: 5, remainingPoints: 5 });
    expect(await limits.get('b')).toBe(null);
    expect(await limits.delete('a')).toBe(true);
    expect(await limits.get('a')).toBe(null);
  });

  it('blocks who went too far for longer than the duration', async () => {
    const limits = limiter('block', { points: 1, duration: 1, blockDuration: 20 });
    await limits.consume('user');
    await expect(limits.consume('user')).rejects.toMatchObject({ remainingPoints: 0 });
    const { msBeforeNext } = (await limits.get('user'))!;
    expect(msBeforeNext).toBeGreaterThan(19_000);
  });
});
