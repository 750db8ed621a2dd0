/** What clients of a gateway see while leaders change, streams break and nodes end. */
import { describe, expect, it } from 'vitest';
import { TestCluster } from '../testing/test-cluster.js';

/** b is of the first shard, c of the second, a of the third; each shard has replicas on all nodes. */
const three = { shards: 3, nodes: 3 };
const undetermined =
  '-UNDETERMINED the leader of the shard was lost: whether the command took effect is not known';
const tryAgain = '-TRYAGAIN no leader of the shard was found in time: the command was not executed';

describe('when another node leads', () => {
  it('requests go there, and what was there stays', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    client.run('SET a 1', 'SET b 2');
    cluster.shards[2].lead('n0');
    expect(client.run('GET a', 'INCR a', 'GET b', 'GET a')).toEqual(['$"1"', ':2', '$"2"', '$"2"']);
  });

  it('what was executed and never committed is done again there', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    cluster.leader(2).holdCommits();
    expect(client.run('SET a 1', 'APPEND a x', 'GET b')).toEqual([]);
    cluster.shards[2].lead('n0', 'dropped');
    cluster.env.advance(500);
    expect(client.take()).toEqual(['+OK', ':2', '$null']);
  });

  it('a write that may be committed is undetermined, a read is done again', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    client.run('SET a 1');
    cluster.leader(2).holdCommits();
    expect(client.run('SET a 2', 'GET a')).toEqual([]);
    cluster.shards[2].lead('n0', 'unknown');
    cluster.env.advance(500);
    expect(client.take()).toEqual([undetermined, '$"1"']);
  });

  it('who waits for a key waits on, there', () => {
    const cluster = new TestCluster(three);
    const [waiter, client] = [cluster.client(), cluster.client()];
    expect(waiter.run('BLPOP a 0')).toEqual([]);
    cluster.shards[2].lead('n0');
    cluster.env.advance(500);
    expect(waiter.take()).toEqual([]);
    client.run('RPUSH a 1');
    expect(waiter.run('PING')).toEqual(['*[$"a", $"1"]', '+PONG']);
  });

  it.each(['BLPOP a 1', 'BLMOVE a {a}b LEFT LEFT 1', 'BZPOPMIN a 1', 'XREAD BLOCK 1000 STREAMS a $'])(
    'a wait of %s began anew, and lasted longer than it was to',
    (command) => {
      const cluster = new TestCluster(three);
      const client = cluster.client();
      expect(client.run(command)).toEqual([]);
      cluster.env.advance(600);
      cluster.shards[2].lead('n0');
      cluster.env.advance(390);
      expect(client.take()).toEqual([]);
      cluster.env.advance(20);
      expect(client.take()).toEqual(['*null']);
    },
  );

  it('a wait whose time is over when somebody leads again is over', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    client.run('BLPOP a 1');
    cluster.env.advance(600);
    cluster.shards[2].stepDown();
    cluster.env.advance(600);
    cluster.shards[2].lead('n1');
    cluster.env.advance(200);
    expect(client.run('BLPOP a 1')).toEqual(['*null']);
    cluster.env.advance(990);
    expect(client.take()).toEqual([]);
  });

  it('a watched key refuses the transaction, which has not run', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    client.run('SET a 1', 'WATCH a');
    cluster.shards[2].lead('n0');
    cluster.env.advance(500);
    expect(client.run('MULTI', 'SET a 2', 'EXEC', 'GET a')).toEqual(['+OK', '+QUEUED', '*null', '$"1"']);
    expect(client.run('MULTI', 'SET a 2', 'EXEC')).toEqual(['+OK', '+QUEUED', '*[+OK]']);
  });

  it('messages are heard from there', () => {
    const cluster = new TestCluster(three);
    const [subscriber, client] = [cluster.client(), cluster.client()];
    subscriber.run('SUBSCRIBE a', 'SSUBSCRIBE a');
    cluster.shards[2].lead('n0');
    cluster.env.advance(500);
    expect(client.run('PUBLISH a 1', 'SPUBLISH a 2')).toEqual([':1', ':1']);
    expect(subscriber.take()).toEqual(
      expect.arrayContaining(['*[$"message", $"a", $"1"]', '*[$"smessage", $"a", $"2"]']),
    );
  });
});

describe('while nobody leads', () => {
  it('requests wait, in their order, for somebody who does', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    cluster.shards[2].stepDown();
    expect(client.run('SET a 1', 'GET b', 'GET a')).toEqual([]);
    cluster.env.advance(1000);
    cluster.shards[2].lead('n1');
    cluster.env.advance(500);
    expect(client.take()).toEqual(['+OK', '$null', '$"1"']);
  });

  it('nobody is asked, not even who said that it leads no longer, until somebody says that it does', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    client.run('SET a 1');
    const route = [...cluster.router.routes][2];
    cluster.shards[2].stepDown();
    cluster.env.advance(0);
    expect(route.channel).toBeNull();
    // Who has not heard of it says what was so.
    const leader = { node: 'n2', epoch: 1, addresses: cluster.nodes[2].replicas.addresses };
    cluster.nodes[0].replicas.tell({ shard: 's2', role: 'follower', epoch: 1, leader });
    cluster.env.advance(0);
    expect([route.name, route.channel]).toEqual(['s2', null]);
    expect(client.run('GET a')).toEqual([]);
    cluster.shards[2].lead('n2');
    cluster.env.advance(0);
    expect(route.channel).not.toBeNull();
    expect(client.take()).toEqual(['$"1"']);
  });

  it('they are given up after their time', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    cluster.shards[2].stepDown();
    expect(client.run('SET a 1', 'GET b')).toEqual([]);
    cluster.env.advance(6000);
    expect(client.take()).toEqual([tryAgain, '$null']);
  });
});

describe('when a stream breaks', () => {
  it('writes on their way are undetermined, and the client goes on', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    cluster.leader(2).holdCommits();
    expect(client.run('SET a 1', 'GET a')).toEqual([]);
    cluster.nodes[2].cut();
    cluster.leader(2).commit();
    cluster.env.advance(1000);
    expect(client.take()).toEqual([undetermined, '$"1"']);
    expect(client.run('GET a')).toEqual(['$"1"']);
  });

  it('to a node that is gone for long, its shards are asked of others', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    client.run('SET a 1');
    cluster.nodes[2].isReachable = false;
    cluster.nodes[2].cut();
    expect(client.run('GET a')).toEqual([]);
    cluster.shards[2].lead('n1');
    cluster.env.advance(500);
    expect(client.take()).toEqual(['$"1"']);
  });
});

describe('when a node ends in order', () => {
  it('nothing is left unknown, and its stream is ended by the gateway', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    client.run('SET a 1');
    cluster.leader(2).holdCommits();
    expect(client.run('INCR a')).toEqual([]);
    cluster.nodes[2].exporter.sayGoodbye();
    cluster.env.advance(0);
    expect(client.run('INCR a')).toEqual([]);
    cluster.leader(2).commit();
    cluster.env.advance(1);
    expect(client.take()).toEqual([':2']);
    cluster.shards[2].lead('n0');
    cluster.env.advance(500);
    expect(client.take()).toEqual([':3']);
    expect(cluster.nodes[2].exporter.connectionCount).toBe(0);
  });
});
