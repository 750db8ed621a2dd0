/** What clients who keep values are told when leaders change and streams break, and by replicas: more than by a single server. */
import { describe, expect, it } from 'vitest';
import { TestCluster } from '../testing/test-cluster.js';
import { allChanged as all, company, heard, three, told } from '../testing/tracking-company.js';

describe('a client that tracks, when a shard changes hands', () => {
  it('is told that all may have changed, and tracks on', () => {
    const at = company();
    at.cache.run('MGET a b c');
    at.cluster.shards[2].lead('n0');
    expect(heard(at)).toEqual([all]);
    at.cache.run('MGET a b c');
    at.far.run('MSET a 1 b 1');
    expect(heard(at).sort()).toEqual([told('a'), told('b')]);
  });

  it('heard nothing when the same node led again', () => {
    const at = company();
    at.cache.run('GET a');
    at.cluster.shards[2].lead('n2');
    expect(heard(at)).toEqual([all]);
  });

  it('heard nothing when its node led no more and nobody was there instead', () => {
    const at = company();
    at.cache.run('GET a');
    at.cluster.shards[2].stepDown();
    expect(heard(at)).toEqual([all]);
  });

  it('heard nothing of what it read again there', () => {
    const at = company();
    at.cluster.leader(2).holdCommits();
    at.far.send('SET a 1');
    at.cluster.env.advance(10);
    expect(at.cache.run('GET a')).toEqual([]);
    at.cluster.shards[2].lead('n0', 'dropped');
    // Neither was executed there: both are sent again, the read before the write.
    expect(heard(at)).toEqual([all, '_null', told('a')]);
    expect(at.cache.run('GET a')).toEqual(['$"1"']);
    at.far.run('SET a 2');
    expect(heard(at)).toEqual([told('a')]);
  });

  it('is told once for all shards of a node that it lost', () => {
    const cluster = new TestCluster({ shards: 3, nodes: 1 });
    const [cache, other] = [cluster.client(3), cluster.client()];
    cache.run('CLIENT TRACKING ON', 'MGET a b c');
    cluster.nodes[0].cut();
    const at = { cluster, cache, other, far: other };
    expect(heard(at, 2000)).toEqual([all]);
    expect(cache.run('GET a')).toEqual(['_null']);
    other.run('SET a 1');
    expect(heard(at)).toEqual([told('a')]);
  });

  it('has its prefixes tracked there, and is told once that is so', () => {
    const at = company('BCAST PREFIX a');
    at.cluster.shards[2].lead('n0');
    expect(heard(at)).toContain(all);
    at.far.run('SET a 1');
    expect(heard(at)).toEqual([told('a')]);
    at.cluster.nodes[0].cut();
    expect(heard(at, 2000)).toContain(all);
    at.far.run('SET a 2');
    expect(heard(at)).toEqual([told('a')]);
  });

  it('has prefixes tracked where nobody led when it began', () => {
    const cluster = new TestCluster(three);
    const [cache, other] = [cluster.client(3), cluster.client()];
    cluster.shards[2].stepDown();
    cluster.env.advance(10);
    expect(cache.run('CLIENT TRACKING ON BCAST')).toEqual(['+OK']);
    const at = { cluster, cache, other, far: other };
    heard(at);
    cluster.shards[2].lead('n1');
    expect(heard(at)).toContain(all);
    other.run('SET a 1');
    expect(heard(at)).toEqual([told('a')]);
  });

  it('is told while its command waits there', () => {
    const at = company();
    at.cache.run('GET a');
    at.cache.send('BLPOP {a}list 0');
    at.cluster.env.advance(10);
    at.cluster.shards[2].lead('n1');
    expect(heard(at)).toEqual([all]);
    at.far.run('RPUSH {a}list x');
    expect(heard(at)).toEqual(['*[$"{a}list", $"x"]']);
  });
});

describe('a client of a storage node', () => {
  it('tracks what that leads, as a client of Redis Cluster does', () => {
    const cluster = new TestCluster(three);
    const [cache, other] = [cluster.client(3, true, 'n0'), cluster.client()];
    const at = { cluster, cache, other, far: other };
    expect(cache.run('CLIENT TRACKING ON', 'GET b')).toEqual(['+OK', '_null']);
    other.run('SET b 1');
    expect(heard(at)).toEqual([told('b')]);
    cache.run('CLIENT TRACKING OFF', 'CLIENT TRACKING ON BCAST');
    other.run('MSET a 1 b 1 c 1');
    expect(heard(at)).toEqual([told('b')]);
    cluster.shards[2].lead('n0');
    expect(heard(at)).toContain(all);
    other.run('MSET a 1 c 1');
    expect(heard(at)).toEqual([told('a')]);
  });

  it.each(['', 'OPTOUT', 'BCAST', 'BCAST PREFIX b NOLOOP'])(
    'is told of what it read from its replica, with ON %s',
    (options) => {
      const cluster = new TestCluster(three);
      const [cache, other] = [cluster.client(3, true, 'n0'), cluster.client()];
      const at = { cluster, cache, other, far: other };
      const follower = cluster.nodes[0].replicas.replica('s2')!;
      other.run('SET a old');
      follower.catchUp();
      cache.run(`CLIENT TRACKING ON ${options}`.trim());
      expect(cache.run('READONLY', 'GET a')).toEqual(['+OK', '$"old"']);
      other.run('SET a new');
      // The leader may have told it by now, and it asks again where that is not known yet.
      heard(at);
      expect(cache.run('GET a')).toEqual(['$"old"']);
      follower.catchUp();
      expect(heard(at)).toEqual([all]);
      expect(cache.run('GET a')).toEqual(['$"new"']);
    },
  );
});
