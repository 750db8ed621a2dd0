import { describe, expect, it } from 'vitest';
import { LocalServer } from './testing/index.js';

describe('keyspace events of new keys', () => {
  it('do not come for a key that gets another value from what is stored in it', () => {
    const server = new LocalServer();
    const [client, listener] = [server.client(), server.client()];
    listener.line('PSUBSCRIBE __keyevent@0__:new');
    client.line('CONFIG SET notify-keyspace-events En');
    for (const line of ['SADD s a b', 'ZADD z 1 a', 'RPUSH l 2 1', 'SET k v']) client.line(line);
    const stores = [
      'SUNIONSTORE k s',
      'ZUNIONSTORE k 1 z',
      'SORT l STORE k',
      'SINTERSTORE k s s',
      'BITOP NOT k no',
    ];
    for (const line of stores) client.line(line);
    client.line('SUNIONSTORE other s');
    const keys: unknown[] = [];
    for (let next = listener.take(); next !== undefined; next = listener.take())
      keys.push((next as string[])[3]);
    expect(keys).toEqual(['s', 'z', 'l', 'k', 'other']);
  });

  it('come for a key whose time was over when it was written, which counts as expired', () => {
    const server = new LocalServer();
    const [client, listener] = [server.client(), server.client()];
    listener.line('PSUBSCRIBE __keyevent@0__:*');
    client.line('CONFIG SET notify-keyspace-events EAn');
    const events = (line: string): unknown[] => {
      client.line(line);
      const names: unknown[] = [];
      for (let next = listener.take(); next !== undefined; next = listener.take())
        names.push((next as string[])[2].slice('__keyevent@0__:'.length));
      return names;
    };
    expect(events('SET k v PXAT 1')).toEqual(['new', 'set', 'expire', 'expired']);
    expect(events('SET k v')).toEqual(['new', 'set']);
    expect(events('SET k v EXAT 1')).toEqual(['set', 'expire', 'expired']);
    expect(client.line('INFO stats')).toContain('expired_keys:2\r\n');
  });

  it('do not come for a library of functions, which is no key', () => {
    const server = new LocalServer();
    const [client, listener] = [server.client(), server.client()];
    listener.line('PSUBSCRIBE __key*__:*');
    client.line('CONFIG SET notify-keyspace-events AKEn');
    const code = "#!lua name=lib\nredis.register_function('f', function() return 1 end)";
    expect(client.run('FUNCTION', 'LOAD', code)).toBe('lib');
    expect(listener.take()).toBe(undefined);
    client.line('SET k v');
    expect(listener.take()).toEqual(['pmessage', '__key*__:*', '__keyspace@0__:k', 'new']);
  });

  it('come before the event of the command, once for each key, only when they are asked for', () => {
    const server = new LocalServer();
    const [client, listener] = [server.client(), server.client()];
    const arrived = (): string[] => {
      const events: string[] = [];
      for (let next = listener.take(); next !== undefined; next = listener.take()) {
        const [, , channel, key] = next as string[];
        events.push(`${channel.slice('__keyevent@0__:'.length)} ${key}`);
      }
      return events;
    };
    listener.line('PSUBSCRIBE __keyevent@0__:*');
    client.line('CONFIG SET notify-keyspace-events EA');
    client.line('SET a 1');
    expect(arrived()).toEqual(['set a']);
    client.line('CONFIG SET notify-keyspace-events EAn');
    client.line('SET a 2');
    client.line('RPUSH l 1 2');
    client.line('RPUSH l 3');
    client.line('RENAME a b');
    client.run('EVAL', "redis.call('SET', 'c', 1) redis.call('SET', 'c', 2)", '0');
    client.line('MULTI');
    client.line('HSET h f v');
    client.line('EXEC');
    expect(arrived()).toEqual([
      'set a',
      'new l',
      'rpush l',
      'rpush l',
      'new b',
      'rename_from a',
      'rename_to b',
      'new c',
      'set c',
      'set c',
      'new h',
      'hset h',
    ]);
    expect(server.storage.creations).toBe(null);
  });
});

describe('keyspace events of misses', () => {
  it('come twice for a stream that XREAD looks for, as Redis does it', () => {
    const server = new LocalServer();
    const [client, listener] = [server.client(), server.client()];
    listener.line('PSUBSCRIBE __keyevent@0__:keymiss');
    client.line('CONFIG SET notify-keyspace-events Em');
    client.line('XADD s 1 f v');
    client.line('XREAD STREAMS none s 0 0');
    client.line('GET none');
    const keys: unknown[] = [];
    for (let next = listener.take(); next !== undefined; next = listener.take())
      keys.push((next as string[])[3]);
    expect(keys).toEqual(['none', 'none', 'none']);
    expect(String(client.line('INFO stats'))).toContain('keyspace_hits:2');
  });

  it('do not come for OBJECT, which counts hits and misses all the same', () => {
    const server = new LocalServer();
    const [client, listener] = [server.client(), server.client()];
    listener.line('PSUBSCRIBE __keyevent@0__:keymiss');
    client.line('CONFIG SET notify-keyspace-events Em');
    client.line('SET k v');
    for (const line of [
      'OBJECT ENCODING k',
      'OBJECT REFCOUNT k',
      'OBJECT IDLETIME k',
      'OBJECT ENCODING none',
    ])
      client.line(line);
    expect(listener.take()).toBeUndefined();
    expect(String(client.line('INFO stats'))).toMatch(/keyspace_hits:3\r\nkeyspace_misses:1\r/);
  });
});
