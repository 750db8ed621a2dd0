import { describe, expect, it } from 'vitest';
import { LocalServer, type Plain, type TestClient } from './testing/index.js';

interface Pair {
  readonly server: LocalServer;
  /** Keeps values, and tracks them. */
  readonly cache: TestClient;
  readonly other: TestClient;
}

function pairOf(options: string, dialect: 2 | 3 = 3): Pair {
  const server = new LocalServer();
  const cache = server.client(dialect);
  const other = server.client();
  expect(cache.line(`CLIENT TRACKING on${options === '' ? '' : ` ${options}`}`)).toBe('OK');
  return { server, cache, other };
}

/** All that arrived since. */
function arrived(client: TestClient): Plain[] {
  const messages: Plain[] = [];
  for (let next = client.take(); next !== undefined; next = client.take()) messages.push(next);
  return messages;
}

const invalidated = (...keys: string[]): Plain => ['invalidate', keys];

describe('CLIENT TRACKING', () => {
  it('tells once that a key changed that was read, whoever changes it and whether it was there', () => {
    const { cache, other } = pairOf('');
    cache.line('MGET a b');
    other.line('SET a 1');
    other.line('SET a 2');
    other.line('SET c 1');
    expect(arrived(cache)).toEqual([invalidated('a')]);
    cache.line('GET a');
    other.line('SELECT 4');
    other.line('SET b elsewhere');
    other.line('RENAME b a');
    expect(arrived(cache)).toEqual([invalidated('b'), invalidated('a')]);
  });

  it('tells the client itself after the reply to its own command, unless with NOLOOP', () => {
    const { cache } = pairOf('');
    cache.line('GET a');
    expect(cache.line('SET a 1')).toBe('OK');
    expect(arrived(cache)).toEqual([invalidated('a')]);
    cache.line('GET a');
    cache.line('MULTI');
    cache.line('INCR a');
    cache.line('GET a');
    expect(cache.line('EXEC')).toEqual([2, '2']);
    expect(arrived(cache)).toEqual([invalidated('a')]);
    const quiet = pairOf('NOLOOP');
    quiet.cache.line('MGET a b');
    quiet.cache.line('SET a 1');
    expect(arrived(quiet.cache)).toEqual([]);
    quiet.other.line('SET b 1');
    expect(arrived(quiet.cache)).toEqual([invalidated('b')]);
  });

  it('tells of a stream that its client waits for, before what it waited for', () => {
    const { cache, other } = pairOf('');
    expect(cache.line('XREAD BLOCK 0 STREAMS s $')).toBeUndefined();
    other.line('XADD s 1-0 a 1');
    expect(arrived(cache)).toEqual([invalidated('s'), { s: [['1-0', ['a', '1']]] }]);
    other.line('XADD s 2-0 a 1');
    expect(arrived(cache)).toEqual([invalidated('s')]);
  });

  it('tells of keys that expire, are evicted, or were read by a script', () => {
    const { server, cache, other } = pairOf('');
    other.line('SET a 1 PX 100');
    cache.line('GET a');
    server.env.advance(300);
    expect(arrived(cache)).toEqual([invalidated('a')]);
    other.line('SET b 1');
    cache.run('EVAL', "return redis.call('GET', 'b')", '0');
    other.line('CONFIG SET maxmemory-policy allkeys-random maxmemory 1');
    other.line('PING');
    expect(arrived(cache)).toEqual([invalidated('b')]);
  });

  it('tells of a key that a SET leaves absent, since its time is over, as WATCH does', () => {
    const { cache, other } = pairOf('');
    cache.line('GET a');
    cache.line('WATCH a');
    other.line('SET a 1 PXAT 1');
    expect(arrived(cache)).toEqual([invalidated('a')]);
    cache.line('MULTI');
    expect(cache.line('EXEC')).toBe(null);
  });

  it('tells of everything with one null when all keys go', () => {
    const { cache, other } = pairOf('');
    other.line('SET b 1');
    cache.line('GET a');
    other.line('FLUSHALL');
    expect(arrived(cache)).toEqual([['invalidate', null]]);
    other.line('FLUSHDB');
    expect(arrived(cache)).toEqual([['invalidate', null]]);
    other.line('SET a 1');
    expect(arrived(cache)).toEqual([]);
    expect(cache.line('FLUSHALL')).toBe('OK');
    expect(arrived(cache)).toEqual([['invalidate', null]]);
  });

  it('with OPTIN only of what is read after CLIENT CACHING YES, for a whole transaction', () => {
    const { cache, other } = pairOf('OPTIN');
    cache.line('GET a');
    cache.line('CLIENT CACHING YES');
    cache.line('GET b');
    cache.line('GET c');
    cache.line('CLIENT CACHING YES');
    cache.line('MULTI');
    cache.line('GET d');
    cache.line('GET e');
    cache.line('EXEC');
    cache.line('GET f');
    other.line('MSET a 1 b 1 c 1 d 1 e 1 f 1');
    expect(arrived(cache)).toEqual(['b', 'd', 'e'].map((key) => invalidated(key)));
    expect(String(cache.line('CLIENT CACHING NO'))).toContain(
      'only valid when tracking is enabled in OPTOUT',
    );
  });

  it('with OPTOUT of all but what is read after CLIENT CACHING NO', () => {
    const { cache, other } = pairOf('OPTOUT');
    cache.line('GET a');
    cache.line('CLIENT CACHING NO');
    cache.line('GET b');
    other.line('MSET a 1 b 1');
    expect(arrived(cache)).toEqual([invalidated('a')]);
  });

  it('with BCAST of all changes below the prefixes, in their order, at the end of a turn', () => {
    const { server, cache, other } = pairOf('BCAST PREFIX user: PREFIX item: NOLOOP');
    const everything = server.client(3);
    everything.line('CLIENT TRACKING on BCAST');
    other.line('MSET user:1 a user:2 b item:1 c other d');
    expect(arrived(cache)).toEqual([invalidated('item:1'), invalidated('user:1', 'user:2')]);
    expect(arrived(everything)).toEqual([invalidated('item:1', 'other', 'user:1', 'user:2')]);
    cache.line('SET user:3 mine');
    expect(arrived(cache)).toEqual([]);
    expect(arrived(everything)).toEqual([invalidated('user:3')]);
    expect(String(cache.line('CLIENT TRACKING on BCAST PREFIX user:1'))).toContain('overlaps');
    cache.line('CLIENT TRACKING off');
    other.line('SET user:1 z');
    expect(arrived(cache)).toEqual([]);
  });

  it('redirects to a client that listens in RESP2, and says when it is gone', () => {
    const server = new LocalServer();
    const [cache, listener, other] = [server.client(3), server.client(), server.client()];
    listener.line('SUBSCRIBE __redis__:invalidate');
    const { id } = listener.session;
    expect(cache.line(`CLIENT TRACKING on REDIRECT ${id}`)).toBe('OK');
    expect(cache.line('CLIENT GETREDIR')).toBe(id);
    cache.line('GET a');
    other.line('SET a 1');
    expect(arrived(listener)).toEqual([['message', '__redis__:invalidate', ['a']]]);
    other.line('FLUSHALL');
    expect(arrived(listener)).toEqual([['message', '__redis__:invalidate', null]]);
    cache.line('GET a');
    listener.close();
    other.line('SET a 2');
    expect(arrived(cache)).toEqual([['tracking-redir-broken', id]]);
    expect(cache.line('CLIENT TRACKINGINFO')).toEqual({
      flags: ['on', 'broken_redirect'],
      redirect: id,
      prefixes: [],
    });
    expect(String(other.line('CLIENT TRACKING on REDIRECT 9999'))).toContain('does not exist');
  });

  it('tells a subscriber of RESP2 that named itself', () => {
    const server = new LocalServer();
    const [cache, other] = [server.client(), server.client()];
    cache.line(`CLIENT TRACKING on BCAST REDIRECT ${cache.session.id}`);
    other.line('SET a 1');
    expect(arrived(cache)).toEqual([]);
    cache.line('SUBSCRIBE __redis__:invalidate');
    arrived(cache);
    other.line('SET a 2');
    expect(arrived(cache)).toEqual([['message', '__redis__:invalidate', ['a']]]);
  });

  it('forgets clients that leave, and keys that are too many', () => {
    const { server, cache, other } = pairOf('');
    const figure = (name: string): number =>
      Number(new RegExp(`${name}:(\\d+)`).exec(String(other.line('INFO')))?.[1]);
    for (let i = 0; i < 500; i++) cache.line(`GET k:${i}`);
    expect([
      figure('tracking_clients'),
      figure('tracking_total_keys'),
      figure('tracking_total_items'),
    ]).toEqual([1, 500, 500]);
    other.line('CONFIG SET tracking-table-max-keys 10');
    server.env.advance(1000);
    expect(figure('tracking_total_keys')).toBe(10);
    expect(arrived(cache).length).toBe(490);
    cache.line('RESET');
    expect(cache.line('CLIENT TRACKINGINFO')).toEqual({ flags: ['off'], redirect: -1, prefixes: [] });
    expect([figure('tracking_clients'), figure('tracking_total_keys')]).toEqual([0, 0]);
    expect(server.storage.observer).toBe(null);
  });

  it.each([
    ['on PREFIX a', 'PREFIX option requires BCAST'],
    ['on BCAST OPTIN', 'not compatible with BCAST'],
    ['on OPTIN OPTOUT', "can't specify both"],
    ['on BCAST PREFIX a PREFIX ab', "Prefix 'a' overlaps with another provided prefix 'ab'"],
    ['maybe', 'syntax error'],
    ['on NOSUCH', 'syntax error'],
  ])('refuses %s', (options, problem) => {
    const client = new LocalServer().client(3);
    expect(String(client.line(`CLIENT TRACKING ${options}`))).toContain(problem);
    expect(client.session.tracking).toBe(null);
  });

  it('has to be switched off before its mode is another', () => {
    const { cache } = pairOf('OPTIN');
    expect(String(cache.line('CLIENT TRACKING on BCAST'))).toContain("can't switch BCAST mode");
    expect(String(cache.line('CLIENT TRACKING on OPTOUT'))).toContain("can't switch OPTIN/OPTOUT");
    expect(cache.line('CLIENT TRACKING off')).toBe('OK');
    expect(cache.line('CLIENT TRACKING on OPTOUT')).toBe('OK');
  });
});
