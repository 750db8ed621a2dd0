import { ValueReply } from '@holdfast/common';
import { describe, expect, it, vi } from 'vitest';
import { LocalHost } from '../local-host.js';
import { LocalServer, type TestClient } from '../testing/index.js';

describe('DEBUG', () => {
  it('is off unless the configuration says otherwise', () => {
    const server = new LocalServer();
    const client = server.client();
    for (const [allowed, isOk] of [
      ['no', false],
      ['local', true],
      ['yes', true],
    ] as const) {
      server.kv.config.set('enable-debug-command', allowed);
      expect(client.line('DEBUG JMAP') === 'OK').toBe(isOk);
    }
  });

  it('has a digest that depends on nothing but the content', () => {
    const [a, b] = [new LocalServer(1).client(), new LocalServer(2).client()];
    const fill = (client: TestClient, order: readonly string[]): void => {
      for (const each of order) client.line(`SET ${each} ${each}`);
      client.line('RPUSH l a b');
      client.line('ZADD z 1 a 2 b');
    };
    fill(a, ['x', 'y', 'w']);
    fill(b, ['w', 'y', 'x']);
    expect(a.line('DEBUG DIGEST')).toMatch(/^[0-9a-f]{40}$/);
    expect(a.line('DEBUG DIGEST')).toBe(b.line('DEBUG DIGEST'));
    b.line('EXPIRE x 100');
    expect(a.line('DEBUG DIGEST')).not.toBe(b.line('DEBUG DIGEST'));
    // As redis-server has them.
    expect(a.line('DEBUG DIGEST-VALUE l none')).toEqual([
      '62f55a532623cf6c3d81081db480b6fd8461eb3f',
      '0000000000000000000000000000000000000000',
    ]);
  });

  it('sends its sample of a message behind the reply, as messages are', () => {
    const client = new LocalServer().client();
    client.line('HELLO 3');
    expect(client.line('DEBUG PROTOCOL push')).toBe('Some real reply following the push reply');
    expect(client.take()).toEqual(['server-cpu-usage', 42]);
  });

  it('sends it behind a transaction, not among its replies', () => {
    const client = new LocalServer().client();
    client.line('HELLO 3');
    client.line('MULTI');
    client.line('DEBUG PROTOCOL push');
    client.line('PING');
    expect(client.line('EXEC')).toEqual(['Some real reply following the push reply', 'PONG']);
    expect(client.take()).toEqual(['server-cpu-usage', 42]);
  });

  it('says whether a list is of the structure that Redis would print', () => {
    const client = new LocalServer().client();
    client.line('RPUSH l a');
    expect(client.line('DEBUG LISTPACK l')).toBe('Listpack structure printed on stdout');
    expect(client.line('DEBUG QUICKLIST l')).toEqual(new Error('ERR Not a quicklist encoded object.'));
    expect(client.line('DEBUG LISTPACK none')).toEqual(new Error('ERR no such key'));
  });

  it('tells clients that track of a reload: what they keep is none of theirs any more', () => {
    const server = new LocalServer();
    const client = server.client();
    client.line('HELLO 3');
    client.line('CLIENT TRACKING ON');
    server.client().line('DEBUG RELOAD');
    expect(client.take()).toEqual(['invalidate', null]);
  });

  it('reloads everything from its description', () => {
    const server = new LocalServer();
    const client = server.client();
    client.line('DEBUG POPULATE 1000');
    client.line('RPUSH l a b c');
    client.line('ZADD z 1 a');
    client.line('SET e v EX 100');
    client.line('SELECT 3');
    client.line('SET other v');
    const digest = client.line('DEBUG DIGEST');
    expect(client.line('DEBUG RELOAD')).toBe('OK');
    expect(client.line('DEBUG DIGEST')).toBe(digest);
    client.line('SELECT 0');
    expect(client.line('DBSIZE')).toBe(1003);
    expect(client.line('TTL e')).toBe(100);
    expect(client.line('SET new v')).toBe('OK');
  });

  it('reloads libraries of functions too, and what it described last when asked for', () => {
    const c = new LocalServer().client();
    const failed = new Error('ERR Error trying to load the RDB dump, check server logs.');
    const load = (name: string) =>
      c.run(
        'FUNCTION',
        'LOAD',
        `#!lua name=${name}\nredis.register_function('${name}', function() return 1 end)`,
      );
    load('one');
    c.line('SET k old');
    expect(c.line('DEBUG RELOAD NOSAVE')).toEqual(failed);
    expect(c.line('DEBUG RELOAD')).toBe('OK');
    expect(c.line('FCALL one 0')).toBe(1);
    expect(c.line('DEBUG RELOAD NOFLUSH')).toEqual(failed);
    expect(c.line('DEBUG RELOAD NOFLUSH MERGE')).toBe('OK');
    load('two');
    c.line('SET k new');
    expect(c.line('debug reload nosave noflush merge')).toBe('OK');
    expect(c.line('FCALL one 0')).toBe(1);
    expect(c.line('FCALL two 0')).toBe(1);
    expect(c.line('GET k')).toBe('new');
    expect(c.line('DEBUG RELOAD NOSAVE')).toBe('OK');
    expect(c.line('FCALL one 0')).toBe(1);
    expect(c.line('FCALL two 0')).toEqual(new Error('ERR Function not found'));
    expect(c.line('GET k')).toBe('old');
    expect(c.line('DEBUG RELOAD TWICE')).toEqual(
      new Error('ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.'),
    );
  });

  it('tells about a key', () => {
    const client = new LocalServer().client();
    client.line('SET k 12');
    expect(client.line('DEBUG OBJECT k')).toMatch(
      /^Value at:0x[0-9a-f]+ refcount:1 encoding:int serializedlength:\d+ lru:\d+ lru_seconds_idle:\d+$/,
    );
    expect(client.line('DEBUG OBJECT none')).toEqual(new Error('ERR no such key'));
  });

  it('sleeps for the number that a text begins with, and for no time where there is none', () => {
    const server = new LocalServer();
    const client = server.client();
    const slept = vi.spyOn(LocalHost.prototype, 'sleep').mockImplementation(() => undefined);
    const seconds = ['0.25', '0.5s', ' 2', '0\r\n', 'never', '-1', 'inf', 'nan'];
    expect(seconds.map((text) => client.run('DEBUG', 'SLEEP', text))).toEqual(seconds.map(() => 'OK'));
    expect(slept.mock.calls).toEqual([[250], [500], [2000]]);
  });

  it('stops active expiry', () => {
    const server = new LocalServer();
    const client = server.client();
    client.line('DEBUG SET-ACTIVE-EXPIRE 0');
    client.line('SET k v PX 10');
    server.env.advance(1000);
    expect(client.line('DBSIZE')).toBe(1);
    client.line('DEBUG SET-ACTIVE-EXPIRE 1');
    server.env.advance(1000);
    expect(client.line('DBSIZE')).toBe(0);
  });
});

it('tells in MEMORY STATS what the allocators have and use', () => {
  const stats = new LocalServer().client().line('MEMORY STATS') as Record<string, number>;
  expect(stats['allocator.allocated']).toBeGreaterThan(0);
  const unused = stats['allocator.active'] - stats['allocator.allocated'];
  expect(stats['allocator-fragmentation.bytes']).toBe(unused);
  expect(stats['allocator-rss.bytes']).toBe(stats['allocator.resident'] - stats['allocator.active']);
  for (const name of ['allocator-fragmentation.ratio', 'allocator-rss.ratio', 'rss-overhead.ratio']) {
    expect(Number(stats[name]), name).toBeGreaterThan(0);
  }
});

describe('MEMORY USAGE', () => {
  it('an empty stream has no elements to look at', () => {
    const client = new LocalServer().client();
    client.line('XGROUP CREATE x g $ MKSTREAM');
    expect(client.line('MEMORY USAGE x')).toBeGreaterThan(0);
    expect(client.line('MEMORY USAGE x SAMPLES 0')).toBe(client.line('MEMORY USAGE x'));
  });

  it('grows with the value', () => {
    const client = new LocalServer().client();
    client.run('SET', 'k', 'x'.repeat(1000));
    expect(client.line('MEMORY USAGE k')).toBeGreaterThan(1000);
    expect(client.line('MEMORY USAGE none')).toBeNull();
    client.run('RPUSH', 'l', ...Array.from({ length: 100 }, () => 'x'.repeat(50)));
    const usage = client.line('MEMORY USAGE l') as number;
    expect(usage).toBeGreaterThan(5000);
    expect(client.line('MEMORY USAGE l SAMPLES 0')).toBe(usage);
    expect(client.line('MEMORY USAGE l SAMPLES -1')).toEqual(new Error('ERR syntax error'));
  });

  it('looks at all elements, however many, without having all of them on the heap, where they ended the server', () => {
    const client = new LocalServer().client();
    const [count, longest] = [25_000, 10_000];
    // Of unequal lengths, so that none is missed or taken twice.
    const names = Array.from({ length: count }, (_, i) => `${i}`.padEnd(6 + (i % 50), 'x'));
    const bytes = names.reduce((sum, name) => sum + name.length, 0);
    client.run('RPUSH', 'l', ...names);
    client.run('SADD', 's', ...names);
    client.run('HSET', 'h', ...names.flatMap((name) => [name, 'v']));
    client.run('ZADD', 'z', ...names.flatMap((name) => ['1', name]));
    for (const name of names) client.run('XADD', 'x', '*', name, 'v');
    const array = vi.spyOn(ValueReply.prototype, 'array');
    const [list, set, hash, sortedSet, stream] = ['l', 's', 'h', 'z', 'x'].map(
      (key) => client.line(`MEMORY USAGE ${key} SAMPLES 0`) as number,
    );
    const lengths = array.mock.calls.map(([length]) => length);
    array.mockRestore();
    expect(Math.max(...lengths)).toBeLessThan(longest * 3);
    const [record, packed, table] = [41, 4, 32];
    expect(list).toBe(record + bytes + count * packed);
    expect(set).toBe(record + bytes + count * table);
    expect(hash).toBe(record + bytes + count * (table + 1));
    expect(sortedSet).toBe(hash);
    expect(stream).toBeGreaterThan(bytes);
  });
});
