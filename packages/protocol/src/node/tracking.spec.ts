/** What clients of a gateway who keep values are told: what a single server would tell them. */
import type { Session } from '@holdfast/coord';
import { describe, expect, it } from 'vitest';
import { TestCluster } from '../testing/test-cluster.js';
import { allChanged as all, company, heard, three, told, trackers } from '../testing/tracking-company.js';

/** What a gateway's session is told by nodes. */
interface Told {
  openLanes(): Iterable<unknown>;
  pushed(lane: unknown, bytes: Buffer, start: number, length: number): void;
}

describe('a client of a gateway that tracks keys', () => {
  it('is told once of each that it read, of every shard, whoever changes it where', () => {
    const at = company();
    const { cache, far, other } = at;
    expect(cache.run('GET a', 'MGET b nope a', 'GET c')).toEqual([
      '_null',
      '*[_null, _null, _null]',
      '_null',
    ]);
    expect(other.run('SET a 1', 'SET a 2')).toEqual(['+OK', '+OK']);
    expect(heard(at)).toEqual([told('a')]);
    far.run('MSET b 1 c 1 d 1');
    expect(heard(at).sort()).toEqual([told('b'), told('c')]);
    far.run('SET nope 1');
    expect(heard(at)).toEqual([told('nope')]);
    expect(other.run('INFO stats')[0]).toContain('tracking_total_keys:0');
  });

  it('hears of its own changes behind their replies, and with NOLOOP does not', () => {
    const { cache } = company();
    expect(cache.run('GET a', 'SET a 1', 'GET a')).toEqual(['_null', '+OK', '$"1"', told('a')]);
    const quiet = company('NOLOOP');
    quiet.cache.run('MGET a b c', 'SET a 1', 'MSET b 1 c 1', 'GET a', 'MULTI', 'INCR a', 'EXEC');
    expect(heard(quiet)).toEqual([]);
    quiet.cache.run('GET a');
    quiet.other.run('SET a 1');
    expect(heard(quiet)).toEqual([told('a')]);
  });

  it('may begin again with NOLOOP, and cease', () => {
    const at = company();
    at.cache.run('MGET a b c', 'CLIENT TRACKING ON NOLOOP', 'SET a 1');
    expect(heard(at)).toEqual([]);
    expect(at.cache.run('CLIENT TRACKING OFF', 'CLIENT TRACKINGINFO')).toEqual([
      '+OK',
      '%[$"flags", ~[$"off"], $"redirect", :-1, $"prefixes", *[]]',
    ]);
    at.other.run('MSET b 2 c 2');
    expect(heard(at)).toEqual([]);
    expect(trackers(at.cluster)).toBe(0);
  });

  it('chooses by CLIENT CACHING, for a command or a whole transaction', () => {
    const at = company('OPTIN');
    at.cache.run('GET a', 'CLIENT CACHING YES', 'GET {a}b', 'GET {a}c', 'CLIENT CACHING YES', 'MULTI');
    at.cache.run(
      'GET {a}d',
      'GET {a}e',
      'EXEC',
      'GET {a}f',
      'CLIENT CACHING YES',
      'MGET b c',
      'MGET {b}2 c2',
    );
    at.other.run(
      ...['a', '{a}b', '{a}c', '{a}d', '{a}e', '{a}f', 'b', 'c', '{b}2', 'c2'].map((key) => `SET ${key} 1`),
    );
    expect(heard(at).sort()).toEqual(['b', 'c', '{a}b', '{a}d', '{a}e'].map((key) => told(key)).sort());
    const out = company('OPTOUT');
    out.cache.run('GET a', 'CLIENT CACHING NO', 'GET b', 'GET c');
    out.other.run('MSET a 1 b 1 c 1');
    expect(heard(out).sort()).toEqual([told('a'), told('c')]);
  });

  it('is told of prefixes at all shards, whatever it reads', () => {
    const at = company('BCAST PREFIX user: PREFIX item:');
    at.cache.run('GET other');
    at.other.run('MSET user:1 x user:2 x user:3 x user:4 x other 1');
    expect(
      heard(at)
        .join()
        .match(/user:\d/g)!
        .sort(),
    ).toEqual(['user:1', 'user:2', 'user:3', 'user:4']);
    // What held before is ended first, and nobody listens for a moment.
    expect(at.cache.run('CLIENT TRACKING ON BCAST PREFIX more:')).toEqual(['+OK', all]);
    at.far.run('SET item:7 x', 'SET more:8 x', 'SET moor:9 x');
    expect(heard(at).sort()).toEqual([told('item:7'), told('more:8')]);
    at.cache.run('CLIENT TRACKING OFF');
    at.far.run('SET item:7 x');
    expect(heard(at)).toEqual([]);
    expect(trackers(at.cluster)).toBe(0);
  });

  it('is not told of its own changes with BCAST NOLOOP', () => {
    const at = company('BCAST NOLOOP');
    at.cache.run('MSET a 1 b 1 c 1', 'MULTI', 'SET a 2', 'EXEC', [
      'EVAL',
      "redis.call('SET', KEYS[1], '3')",
      '1',
      'b',
    ]);
    expect(heard(at)).toEqual([]);
    at.far.run('SET a 9');
    expect(heard(at)).toEqual([told('a')]);
  });

  it('may have another connection told, in RESP2 by messages', () => {
    const cluster = new TestCluster(three);
    const [listener, cache, other] = [cluster.client(), cluster.client(), cluster.client()];
    const [id] = listener.run('CLIENT ID', 'SUBSCRIBE __redis__:invalidate');
    cache.run(`CLIENT TRACKING ON REDIRECT ${id.slice(1)}`, 'GET a', 'GET b');
    other.run('SET a 1');
    const at = { cluster, cache: listener, other, far: other };
    expect(heard(at)).toEqual(['*[$"message", $"__redis__:invalidate", *[$"a"]]']);
    cluster.shards[0].lead('n1');
    expect(heard(at)).toEqual([
      expect.stringMatching(/^\*\[\$"message", \$"__redis__:invalidate", [$*]null\]$/),
    ]);
    cache.run('GET a');
    listener.close();
    other.run('SET a 2');
    expect(cache.run('CLIENT TRACKINGINFO')[0]).toContain('broken_redirect');
  });

  it('is told of everything when everything goes', () => {
    const at = company();
    for (const line of ['FLUSHALL', 'FLUSHDB', 'SWAPDB 0 1']) {
      at.cache.run('MGET a b c');
      at.far.run(line);
      expect(heard(at)).toEqual([all]);
    }
    expect(at.cache.run('GET a', 'FLUSHALL')).toEqual(['_null', '+OK', all]);
  });

  it('is told once of what flushes all shards, one after the other, and again where it read meanwhile', () => {
    const at = company();
    const [first, second] = [at.cluster.leader(0), at.cluster.leader(1)];
    for (let i = 0; i < 2; i++) {
      at.other.run('MSET a 1 b 1 c 1');
      at.cache.run('MGET a b c');
      for (const leader of [first, second]) leader.holdCommits();
      at.far.send('FLUSHALL');
      expect(heard(at)).toEqual([all]);
      second.commitAtOnce();
      expect(heard(at)).toEqual([]);
      expect(at.cache.run('GET b')).toEqual([]);
      first.commitAtOnce();
      expect(heard(at).sort()).toEqual([all, '_null']);
    }
  });

  it('is told once of its own FLUSHALL, although that is not answered yet', () => {
    const at = company();
    at.other.run('MSET a 1 b 1 c 1');
    at.cache.run('MGET a b c');
    at.cluster.leader(1).holdCommits();
    at.cache.send('FLUSHALL');
    expect(heard(at)).toEqual([all]);
    at.cluster.leader(1).commitAtOnce();
    expect(heard(at)).toEqual(['+OK']);
  });

  it('passes over what makes no sense of what a node says', () => {
    const at = company();
    at.cache.run('GET a', 'GET b');
    const session = at.cache.session as Session & Told;
    const [lane] = session.openLanes();
    for (const text of [
      ':1',
      '+invalidate',
      '>2|+invalidate|:5',
      '>2|+invalidate|*2|$1|b|:1',
      '>1|+invalidate',
    ]) {
      const bytes = Buffer.from(`${text.replaceAll('|', '\r\n')}\r\n`);
      session.pushed(lane, bytes, 0, bytes.length);
    }
    expect(heard(at)).toEqual([]);
    at.other.run('SET b 1');
    expect(heard(at)).toEqual([told('b')]);
  });

  it('is told of keys whose time is over, of scripts and of what they read', () => {
    const at = company();
    at.other.run('SET a 1 PX 100');
    at.cache.run('GET a', ['EVAL', "return redis.call('GET', KEYS[1])", '1', 'b']);
    expect(heard(at)).toEqual([told('a')]);
    at.other.run(['EVAL', "return redis.call('SET', KEYS[1], 1)", '1', 'b']);
    expect(heard(at)).toEqual([told('b')]);
  });

  it('is told while it waits', () => {
    const at = company();
    at.cache.run('GET a', 'GET b');
    at.cache.send('BLPOP {a}list 0');
    at.other.run('SET a 1', 'SET b 1');
    expect(heard(at).sort()).toEqual([told('a'), told('b')]);
    at.other.run('RPUSH {a}list x');
    expect(heard(at)).toEqual(['*[$"{a}list", $"x"]']);
  });

  it('was told before the late reply of what outdated it', () => {
    const at = company();
    at.cache.send('XREAD BLOCK 0 STREAMS c $');
    at.other.run('XADD c 1-0 f v', 'XADD c 2-0 f v');
    expect(heard(at)).toEqual(['%[$"c", *[*[$"1-0", *[$"f", $"v"]]]]', told('c'), told('c')]);
  });

  it('leaves nothing behind when it goes, or is RESET', () => {
    const at = company();
    at.cache.run('MGET a b c');
    expect(trackers(at.cluster)).toBe(3);
    at.cache.run('RESET');
    at.cluster.env.advance(100);
    expect(trackers(at.cluster)).toBe(0);
    const broadcast = at.cluster.client(3);
    broadcast.run('CLIENT TRACKING ON BCAST');
    expect(trackers(at.cluster)).toBe(3);
    broadcast.close();
    at.cluster.env.advance(100);
    expect(trackers(at.cluster)).toBe(0);
  });

  it('is told of keys that are too many to be remembered', () => {
    const at = company();
    at.other.run('CONFIG SET tracking-table-max-keys 2');
    expect(at.cache.run('MGET {a}1 {a}2 {a}3')).toEqual(['*[_null, _null, _null]', told('{a}1')]);
  });
});

describe('what is on its way to a client that tracks', () => {
  it('came after the news that it is old', () => {
    const at = company();
    at.other.run('MSET a old b 1');
    at.cluster.leader(0).holdCommits();
    expect(at.cache.run('SET b 2', 'GET a')).toEqual([]);
    at.far.run('SET a new');
    // What it may have kept before is not to wait for a shard that does not answer.
    expect(heard(at, 10)).toEqual([told('a')]);
    at.cluster.leader(0).commit();
    expect(heard(at, 10)).toEqual(['+OK', '$"old"', told('a')]);
  });

  it('was put together after the news that a part of it is old', () => {
    const at = company();
    at.other.run('MSET a old b 1');
    at.cluster.leader(0).holdCommits();
    at.far.send('SET b 2');
    at.cluster.env.advance(10);
    expect(at.cache.run('MGET a b', 'GET {a}2')).toEqual([]);
    at.other.run('SET a new', 'SET {a}2 new');
    expect(heard(at, 10)).toEqual([told('a'), told('{a}2')]);
    at.cluster.leader(0).commit();
    expect(heard(at, 10)).toEqual(['*[$"old", $"2"]', '_null', told('a', '{a}2')]);
  });

  it('does not wait for a command that lasts behind it', () => {
    const at = company();
    at.other.run('MSET a old b 1');
    at.cluster.leader(0).holdCommits();
    at.cache.send('SET b 2', 'GET a', 'BLPOP c 0');
    at.cluster.env.advance(10);
    at.far.run('SET a new');
    expect(heard(at, 10)).toEqual([told('a')]);
    at.cluster.leader(0).commit();
    expect(heard(at, 10)).toEqual(['+OK', '$"old"', told('a')]);
  });

  it('is not told before the change is committed', () => {
    const at = company();
    at.cache.run('GET a');
    at.cluster.leader(2).holdCommits();
    at.far.send('SET a 1');
    expect(heard(at, 50)).toEqual([]);
    at.cluster.leader(2).commit();
    expect(heard(at, 50)).toEqual([told('a')]);
  });

  it('becomes everything when it is too much', () => {
    const at = company('BCAST');
    at.cluster.leader(0).holdCommits();
    at.cache.send('SET b 2', 'GET a');
    at.cluster.env.advance(10);
    for (let i = 0; i < 40; i++)
      at.far.run(`MSET ${Array.from({ length: 50 }, (_, j) => `{a}${i}:${j} v`).join(' ')}`);
    expect(heard(at, 10)).toHaveLength(40);
    at.cluster.leader(0).commit();
    expect(heard(at, 10)).toEqual(['+OK', '_null', all, told('b')]);
  });
});
