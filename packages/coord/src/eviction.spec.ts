import { oracleEpochMs, timestampsPerMs } from '@holdfast/tso';
import { describe, expect, it } from 'vitest';
import { LocalServer, type TestClient } from './testing/index.js';

const kib = 1024;

/** A server whose versions tell the time, as an oracle's do. */
function serverOfTime(seed = 1): LocalServer {
  const server = new LocalServer(seed);
  let last = 0;
  server.storage.stamp.source = {
    next(count) {
      last = Math.max(last + 1, (server.env.clock.now() - oracleEpochMs) * timestampsPerMs);
      last += count;
      return last - count;
    },
  };
  return server;
}

function used(client: TestClient): number {
  return Number(/used_memory:(\d+)/.exec(String(client.line('INFO memory')))?.[1]);
}

function evicted(client: TestClient): number {
  return Number(/evicted_keys:(\d+)/.exec(String(client.line('INFO stats')))?.[1]);
}

/** Allows so many bytes more than are used now. */
function limit(client: TestClient, policy: string, moreBytes: number): number {
  const bytes = used(client) + moreBytes;
  client.line(`CONFIG SET maxmemory ${bytes} maxmemory-policy ${policy}`);
  return bytes;
}

function fill(client: TestClient, prefix: string, count: number, ...options: string[]): number {
  let refused = 0;
  for (let i = 0; i < count; i++) {
    const reply = client.run('SET', `${prefix}:${i}`, 'x'.repeat(64), ...options);
    if (reply instanceof Error) refused++;
  }
  return refused;
}

function keysOf(client: TestClient, pattern: string): string[] {
  return client.line(`KEYS ${pattern}`) as string[];
}

const oom = "OOM command not allowed when used memory > 'maxmemory'.";

describe('eviction', () => {
  it.each(['allkeys-lru', 'allkeys-lfu', 'allkeys-random'])(
    'keeps memory within its limit by %s',
    (policy) => {
      const client = serverOfTime().client();
      const bytes = limit(client, policy, 100 * kib);
      expect(fill(client, 'k', 5000)).toBe(0);
      expect(used(client)).toBeLessThan(bytes + 4096);
      expect(evicted(client)).toBe(5000 - Number(client.line('DBSIZE')));
      expect(evicted(client)).toBeGreaterThan(3000);
    },
  );

  it.each(['volatile-lru', 'volatile-lfu', 'volatile-random', 'volatile-ttl'])(
    'removes keys that expire, and no others, by %s; then nothing more is taken in',
    (policy) => {
      const client = serverOfTime().client();
      const bytes = limit(client, policy, 200 * kib);
      fill(client, 'kept', 500);
      expect(fill(client, 'gone', 3000, 'EX', '1000')).toBe(0);
      expect(used(client)).toBeLessThan(bytes + 4096);
      expect(keysOf(client, 'kept:*').length).toBe(500);
      expect(fill(client, 'more', 3000)).toBeGreaterThan(1000);
      expect(keysOf(client, 'gone:*')).toEqual([]);
      expect(client.line('SET k v')).toEqual(new Error(oom));
      expect(client.line('DEL kept:1 kept:2 kept:3')).toBe(3);
      expect(client.line('SET k v')).toBe('OK');
    },
  );

  it('removes the key that would expire first by volatile-ttl, of all databases', () => {
    const client = serverOfTime().client();
    for (let i = 0; i < 100; i++) client.run('SET', `a:${i}`, 'x'.repeat(500), 'EX', String(1000 + 2 * i));
    client.line('SELECT 3');
    for (let i = 0; i < 100; i++) client.run('SET', `b:${i}`, 'x'.repeat(500), 'EX', String(1001 + 2 * i));
    // A longer life is no reason to go.
    client.line('PERSIST b:0');
    client.line('EXPIRE b:1 9000');
    limit(client, 'volatile-ttl', 0);
    for (let i = 0; i < 10; i++) client.run('SET', `c:${i}`, 'x'.repeat(500));
    const left = keysOf(client, 'b:*');
    expect(left).toContain('b:0');
    expect(left).toContain('b:1');
    expect(left).not.toContain('b:2');
    client.line('SELECT 0');
    expect(keysOf(client, 'a:*')).not.toContain('a:0');
    expect(keysOf(client, 'a:*')).toContain('a:50');
  });

  it('spares by LRU what was read, and by LFU what is read often', () => {
    for (const policy of ['allkeys-lru', 'allkeys-lfu']) {
      const server = serverOfTime(7);
      const client = server.client();
      const bytes = limit(client, policy, 300 * kib);
      fill(client, 'hot', 200);
      for (let round = 0; round < 40; round++) {
        server.env.advance(2000);
        for (let i = 0; i < 200; i++) client.line(`GET hot:${i}`);
        fill(client, `cold:${round}`, 200);
      }
      expect(used(client)).toBeLessThan(bytes + 4096);
      expect(keysOf(client, 'hot:*').length).toBeGreaterThan(190);
    }
  });

  it('never removes a key in the middle of a transaction or script', () => {
    const client = serverOfTime().client();
    limit(client, 'allkeys-lru', 20 * kib);
    fill(client, 'k', 500);
    client.line('MULTI');
    for (let i = 0; i < 300; i++) client.run('SET', `t:${i}`, 'x'.repeat(64));
    client.line('KEYS t:*');
    const replies = client.line('EXEC') as string[][];
    expect(replies[300].length).toBe(300);
    const script =
      "for i = 1, 300 do redis.call('SET', 's:' .. i, string.rep('x', 64)) end return #redis.call('KEYS', 's:*')";
    expect(client.run('EVAL', script, '0')).toBe(300);
    client.line('SET after x');
    expect(Number(client.line('DBSIZE'))).toBeLessThan(300);
  });

  it('refuses a transaction and scripts that need memory when there is none', () => {
    const client = serverOfTime().client();
    client.line('SET k v');
    client.line('MULTI');
    client.line('SET k w');

    expect(client.line('GET k')).toBe('QUEUED');
    client.line('DISCARD');
    client.line('CONFIG SET maxmemory 1');
    expect(client.line('GET k')).toBe('v');
    expect(client.line('MULTI')).toBe('OK');
    expect(client.line('SET k w')).toEqual(new Error(oom));
    expect(client.line('EXEC')).toEqual(
      new Error('EXECABORT Transaction discarded because of previous errors.'),
    );
    const write = "return redis.call('SET', 'k', 'w')";
    expect(String(client.run('EVAL', write, '0'))).toContain('OOM command not allowed');
    expect(client.run('EVAL', "return redis.call('GET', 'k')", '0')).toBe('v');
    expect(client.run('EVAL', "redis.call('DEL', 'k') return redis.call('SET', 'k', 'w')", '0')).toBe('OK');
    expect(client.run('EVAL', `#!lua\n${write}`, '0')).toEqual(new Error(oom));
    expect(client.run('EVAL', `#!lua flags=allow-oom\n${write}`, '0')).toBe('OK');
    expect(client.run('EVAL', "#!lua flags=no-writes\nreturn redis.call('GET', 'k')", '0')).toBe('w');
  });

  it('refuses to queue whatever it is when there is no memory, but ends a transaction', () => {
    const client = serverOfTime().client();
    client.line('SET k v');
    client.line('CONFIG SET maxmemory 1');
    client.line('MULTI');
    expect(client.line('GET k')).toEqual(new Error(oom));
    expect(client.line('DEL k')).toEqual(new Error(oom));
    expect(client.line('DISCARD')).toBe('OK');
    client.line('MULTI');
    expect(client.line('RESET')).toBe('RESET');
    client.line('MULTI');
    expect(client.line('EXEC')).toEqual([]);
    expect(client.line('DEL k')).toBe(1);
  });

  it('refuses EXEC when memory ran short after its commands were queued', () => {
    const server = serverOfTime();
    const client = server.client();
    client.line('MULTI');
    client.line('SET k v');
    server.client().line('CONFIG SET maxmemory 1');
    expect(client.line('EXEC')).toEqual(new Error(`EXECABORT Transaction discarded because of: ${oom}`));
    expect(client.line('EXISTS k')).toBe(0);
  });

  it('is a change: those who watch the key are told, and an event is published', () => {
    const server = serverOfTime();
    const client = server.client();
    const watcher = server.client();
    const listener = server.client();
    client.line('SET k v');
    watcher.line('WATCH k');
    listener.line('SUBSCRIBE __keyevent@0__:evicted');
    client.line('CONFIG SET notify-keyspace-events Ee maxmemory-policy allkeys-random');
    client.line('CONFIG SET maxmemory 1');
    client.line('PING');
    expect(client.line('EXISTS k')).toBe(0);
    expect(listener.take()).toEqual(['message', '__keyevent@0__:evicted', 'k']);
    client.line('CONFIG SET maxmemory 0');
    watcher.line('MULTI');
    watcher.line('SET k w');
    expect(watcher.line('EXEC')).toBe(null);
  });

  it('leaves everything as it is while CLIENT PAUSE holds back writes', () => {
    const client = serverOfTime().client();
    fill(client, 'k', 100);
    client.line('CLIENT PAUSE 1000 WRITE');
    client.line('CONFIG SET maxmemory 1 maxmemory-policy allkeys-random');
    client.line('GET k:1');
    expect(client.line('DBSIZE')).toBe(100);
  });

  it('counts what clients have waiting from the moment that there is a limit', () => {
    const server = serverOfTime();
    const client = server.client();
    server.client().inputBytes = 1024 * kib;
    limit(client, 'volatile-random', 100 * kib);
    client.line('SET goes 1 EX 1000');
    client.line(`SETRANGE stays ${200 * kib} x`);
    expect(client.line('EXISTS stays goes')).toBe(1);
  });

  it('gives memory of large collections back before it removes other keys', () => {
    const client = serverOfTime().client();
    for (let i = 0; i < 2000; i++) client.run('HSET', 'h', `field:${i}`, 'x'.repeat(100));
    fill(client, 'k', 100);
    client.line('DEL h');
    client.line('CONFIG SET maxmemory-policy allkeys-random');
    client.line(`CONFIG SET maxmemory ${used(client) - 100 * kib}`);
    client.line('SET one more');
    expect(client.line('DBSIZE')).toBe(101);
  });
});

describe('OBJECT IDLETIME and FREQ', () => {
  it('IDLETIME counts from the last access, TTL and its kin aside', () => {
    const server = serverOfTime();
    const client = server.client();
    client.line('SET k v');
    server.env.advance(5000);
    client.line('TTL k');
    client.line('TYPE k');
    client.line('EXISTS k');
    expect(client.line('OBJECT IDLETIME k')).toBe(5);
    client.line('GET k');
    expect(client.line('OBJECT IDLETIME k')).toBe(0);
    server.env.advance(3000);
    client.line('CLIENT NO-TOUCH ON');
    client.line('GET k');
    expect(client.line('OBJECT IDLETIME k')).toBe(3);
    client.line('TOUCH k');
    expect(client.line('OBJECT IDLETIME k')).toBe(0);
    expect(client.line('OBJECT FREQ k')).toBeInstanceOf(Error);
  });

  it('FREQ rises with accesses and falls with time', () => {
    const server = serverOfTime();
    const client = server.client();
    client.line('CONFIG SET maxmemory-policy allkeys-lfu');
    client.line('SET k v');
    expect(client.line('OBJECT FREQ k')).toBe(5);
    for (let i = 0; i < 500; i++) client.line('GET k');
    const often = Number(client.line('OBJECT FREQ k'));
    expect(often).toBeGreaterThan(10);
    expect(often).toBeLessThan(30);
    client.line('RENAME k l');
    expect(client.line('OBJECT FREQ l')).toBeGreaterThanOrEqual(often);
    server.env.advance(3 * 60_000);
    expect(client.line('OBJECT FREQ l')).toBeLessThanOrEqual(often - 2);
    expect(client.line('OBJECT IDLETIME l')).toBeInstanceOf(Error);
  });

  it('RESTORE sets what it is told', () => {
    const client = serverOfTime().client();
    client.line('SET k v');
    const payload = Buffer.from(String(client.line('DUMP k')), 'latin1');
    client.run('RESTORE', 'a', '0', payload, 'IDLETIME', '1000');
    expect(client.line('OBJECT IDLETIME a')).toBe(1000);
    client.line('CONFIG SET maxmemory-policy allkeys-lfu');
    client.run('RESTORE', 'b', '0', payload, 'FREQ', '100');
    expect(client.line('OBJECT FREQ b')).toBe(100);
  });
});
