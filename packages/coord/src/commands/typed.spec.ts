import { describe, expect, it } from 'vitest';
import { LocalServer, type TestClient } from '../testing/index.js';

function client(): TestClient {
  return new LocalServer().client(3);
}

const wrongType = new Error('WRONGTYPE Operation against a key holding the wrong kind of value');

describe('KV.GET', () => {
  it('returns version, time to live and value', () => {
    const c = client();
    expect(c.line('KV.GET k')).toBeNull();
    const version = c.line('KV.PUT k v');
    expect(c.line('KV.GET k')).toEqual([version, -1, 'v']);
    expect(c.session.keyVersion).toBe(version);
    const later = c.line('KV.PUT k w TTL 500');
    expect(c.line('KV.GET k')).toEqual([later, 500, 'w']);
  });

  it('sees what other commands wrote, and the version they gave', () => {
    const c = client();
    c.line('SET k v');
    const version = c.session.keyVersion;
    expect(c.line('KV.GET k')).toEqual([version, -1, 'v']);
  });

  it('tells of an expiry that no exact number reaches as the latest one', () => {
    const c = client();
    c.line('SET k v PXAT 9223372036854775807');
    expect(c.line('KV.GET k')).toEqual([expect.any(Number), Number.MAX_SAFE_INTEGER, 'v']);
    expect(c.line('KV.MGET k')).toEqual([
      [expect.any(Number), expect.any(Number), Number.MAX_SAFE_INTEGER, 'v'],
    ]);
  });

  it('finds no expired key, and reports no version for it', () => {
    const server = new LocalServer();
    const c = server.client(3);
    c.line('KV.PUT k v TTL 100');
    server.env.advance(99);
    expect(c.line('KV.GET k')).toEqual([expect.any(Number), 1, 'v']);
    server.env.advance(1);
    expect(c.line('KV.GET k')).toBeNull();
    expect(c.session.keyVersion).toBe(0);
  });
});

describe('KV.PUT', () => {
  it('gives every write a larger version', () => {
    const c = client();
    const first = c.line('KV.PUT k 1') as number;
    expect(c.line('KV.PUT k 1')).toBeGreaterThan(first);
  });

  it('removes the time to live unless it is given again', () => {
    const c = client();
    c.line('KV.PUT k v TTL 100');
    const version = c.line('KV.PUT k v');
    expect(c.line('KV.GET k')).toEqual([version, -1, 'v']);
  });

  it.each(['0', '-1', '9007199254740991'])('refuses a time to live of %s', (ms) => {
    const c = client();
    expect(c.run('KV.PUT', 'k', 'v', 'TTL', ms)).toEqual(
      new Error("ERR invalid expire time in 'kv.put' command"),
    );
    expect(c.line('KV.GET k')).toBeNull();
  });

  it('writes only at the expected version', () => {
    const c = client();
    const version = c.line('KV.PUT k 1 VERSION 0') as number;
    expect(c.line('KV.PUT k 2 VERSION 0')).toEqual(
      new Error(`VERSION_MISMATCH the key is at version ${version}, not 0`),
    );
    expect(c.session.keyVersion).toBe(version);
    const next = c.line(`KV.PUT k 2 VERSION ${version}`) as number;
    expect(next).toBeGreaterThan(version);
    expect(c.line(`KV.PUT k 3 VERSION ${version}`)).toBeInstanceOf(Error);
    expect(c.line('KV.GET k')).toEqual([next, -1, '2']);
  });

  it('writes only where nothing is', () => {
    const c = client();
    expect(c.line('KV.PUT k 1 ABSENT')).toEqual(expect.any(Number));
    expect(c.line('KV.PUT k 2 ABSENT')).toBeInstanceOf(Error);
    expect(c.line('KV.PUT k 2 absent ttl 10 version 0')).toBeInstanceOf(Error);
    expect(c.line('KV.GET k')).toMatchObject([expect.any(Number), -1, '1']);
  });

  it('takes an expired key for a missing one', () => {
    const server = new LocalServer();
    const c = server.client(3);
    const version = c.line('KV.PUT k v TTL 100') as number;
    server.env.advance(100);
    expect(c.line(`KV.PUT k w VERSION ${version}`)).toEqual(
      new Error(`VERSION_MISMATCH the key is at version 0, not ${version}`),
    );
    expect(c.session.keyVersion).toBe(0);
    expect(c.line('KV.PUT k w VERSION 0')).toBeGreaterThan(version);
  });

  it('does not repeat a version after the key was removed and written again', () => {
    const c = client();
    const version = c.line('KV.PUT k v') as number;
    c.line('KV.DEL k');
    expect(c.line('KV.PUT k v')).toBeGreaterThan(version + 1);
  });

  it('replaces other types, as SET does, but not when a version is expected', () => {
    const c = client();
    c.line('RPUSH k a');
    expect(c.line('KV.GET k')).toEqual(wrongType);
    expect(c.line('KV.PUT k v VERSION 1')).toEqual(wrongType);
    expect(c.line('KV.PUT k v')).toEqual(expect.any(Number));
    expect(c.line('GET k')).toBe('v');
  });

  it.each(['KV.PUT k v VERSION', 'KV.PUT k v VERSION x', 'KV.PUT k v VERSION -1', 'KV.PUT k v NOW'])(
    'refuses %s',
    (line) => {
      expect(client().line(line)).toBeInstanceOf(Error);
    },
  );
});

describe('KV.DEL', () => {
  it('returns the version of the removal, 0 when there was nothing', () => {
    const c = client();
    expect(c.line('KV.DEL k')).toBe(0);
    const version = c.line('KV.PUT k v') as number;
    expect(c.line(`KV.DEL k VERSION ${version + 1}`)).toBeInstanceOf(Error);
    expect(c.line(`KV.DEL k VERSION ${version}`)).toBeGreaterThan(version);
    expect(c.line('KV.GET k')).toBeNull();
    expect(c.line('KV.DEL k VERSION 0')).toBe(0);
  });

  it('removes keys of any type', () => {
    const c = client();
    c.line('RPUSH k a');
    expect(c.line('KV.DEL k')).toBeGreaterThan(0);
    expect(c.line('EXISTS k')).toBe(0);
  });
});

describe('KV.MGET', () => {
  it('returns type, version, time to live and value of each key', () => {
    const c = client();
    const a = c.line('KV.PUT a 1 TTL 50');
    c.line('RPUSH l x');
    const l = c.session.keyVersion;
    expect(c.line('KV.MGET a none l a')).toEqual([[1, a, 50, '1'], null, [2, l, -1, null], [1, a, 50, '1']]);
  });
});

describe('KV.SCAN', () => {
  it('passes every key of a range once, with type and version', () => {
    const c = client();
    const versions = new Map<string, number>();
    for (let i = 0; i < 500; i++) versions.set(`k${i}`, c.run('KV.PUT', `k${i}`, 'v') as number);
    const found = new Map<string, number>();
    let cursor = 0;
    do {
      const [next, entries] = c.run('KV.SCAN', cursor, 'COUNT', 20, 'FROM', 'k2', 'TO', 'k3') as [
        number,
        [number, number, string],
      ];
      for (let i = 0; i < entries.length; i += 3) {
        expect(entries[i]).toBe(1);
        expect(found.has(entries[i + 2] as string)).toBe(false);
        found.set(entries[i + 2] as string, entries[i + 1] as number);
      }
      cursor = next;
    } while (cursor !== 0);
    const expected = new Map([...versions].filter(([key]) => key >= 'k2' && key < 'k3'));
    expect(new Map([...found].sort())).toEqual(new Map([...expected].sort()));
  });

  it('passes over expired keys and leaves them', () => {
    const server = new LocalServer();
    const c = server.client(3);
    c.line('KV.PUT a v TTL 10');
    c.line('KV.PUT b v');
    server.env.advance(10);
    expect(c.line('KV.SCAN 0 COUNT 100')).toEqual([0, [1, expect.any(Number), 'b']]);
  });

  it('refuses a cursor that is none', () => {
    expect(client().line('KV.SCAN -1')).toEqual(new Error('ERR invalid cursor'));
    expect(client().line('KV.SCAN x')).toEqual(new Error('ERR invalid cursor'));
  });
});

describe('KV.DELRANGE', () => {
  it('removes the keys of a range, a page at a time', () => {
    const c = client();
    for (let i = 0; i < 300; i++) c.run('KV.PUT', `k${i}`, 'v');
    c.line('RPUSH k1list x');
    let cursor = 0;
    let removed = 0;
    do {
      const [next, count] = c.run('KV.DELRANGE', cursor, 'COUNT', 10, 'FROM', 'k1', 'TO', 'k2') as [
        number,
        number,
      ];
      cursor = next;
      removed += count;
    } while (cursor !== 0);
    expect(removed).toBe(112);
    expect(c.line('DBSIZE')).toBe(189);
    expect(c.line('KV.GET k100')).toBeNull();
    expect(c.line('KV.GET k2')).not.toBeNull();
  });

  it('does not count expired keys', () => {
    const server = new LocalServer();
    const c = server.client(3);
    c.line('KV.PUT a v TTL 10');
    c.line('KV.PUT b v');
    server.env.advance(10);
    expect(c.line('KV.DELRANGE 0 COUNT 100')).toEqual([0, 1]);
    expect(c.line('KV.SCAN 0 COUNT 100')).toEqual([0, []]);
  });
});
