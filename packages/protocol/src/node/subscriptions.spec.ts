/** A connection of a gateway that publishes to itself hears it in its place. */
import { expect, it } from 'vitest';
import { TestCluster } from '../testing/test-cluster.js';

/** `a` is of the third shard, b of the first. */
const three = { shards: 3, nodes: 3 };

it('what a connection published before its UNSUBSCRIBE was lost', () => {
  const client = new TestCluster(three).client(3);
  expect(client.run('SUBSCRIBE a', 'PUBLISH a 1', 'UNSUBSCRIBE a', 'PING')).toEqual([
    '>[$"subscribe", $"a", :1]',
    ':1',
    '>[$"message", $"a", $"1"]',
    '>[$"unsubscribe", $"a", :0]',
    '+PONG',
  ]);
});

it('an UNSUBSCRIBE of all waits for what scripts, transactions and patterns brought', () => {
  const client = new TestCluster(three).client(3);
  client.run('PSUBSCRIBE a* b*', 'SSUBSCRIBE c');
  const publish = "redis.call('publish', 'b', '2') return 'done'";
  expect(
    client.run(
      'MULTI',
      'PUBLISH a 1',
      'SET a 1',
      'EXEC',
      ['EVAL', publish, '1', 'b'],
      'SPUBLISH c 3',
      'PUNSUBSCRIBE',
      'SUNSUBSCRIBE',
      'GET a',
    ),
  ).toEqual([
    '+OK',
    '+QUEUED',
    '+QUEUED',
    expect.stringContaining('OK'),
    '>[$"pmessage", $"a*", $"a", $"1"]',
    '$"done"',
    '>[$"pmessage", $"b*", $"b", $"2"]',
    ':1',
    '>[$"smessage", $"c", $"3"]',
    '>[$"punsubscribe", $"a*", :1]',
    '>[$"punsubscribe", $"b*", :0]',
    '>[$"sunsubscribe", $"c", :0]',
    '$"1"',
  ]);
});

it('what a connection published before its SUBSCRIBE came after it, when others listened', () => {
  const cluster = new TestCluster(three);
  cluster.client().run('SUBSCRIBE a');
  expect(cluster.client(3).run('PUBLISH a 1', 'SUBSCRIBE a', 'PUBLISH a 2')).toEqual([
    ':1',
    '>[$"subscribe", $"a", :1]',
    ':2',
    '>[$"message", $"a", $"2"]',
  ]);
});

it('a client that goes while its UNSUBSCRIBE waits leaves nothing behind', () => {
  const cluster = new TestCluster(three);
  const client = cluster.client(3);
  client.run('SUBSCRIBE a');
  client.send('PUBLISH a 1', 'UNSUBSCRIBE');
  client.close();
  cluster.env.advance(0);
  expect(cluster.client().run('PUBSUB NUMSUB a', 'PUBLISH a 1')).toEqual(['*[$"a", :0]', ':0']);
});

it('a client that was RESET was counted among the listeners for ever', () => {
  const cluster = new TestCluster(three);
  const client = cluster.client(3);
  client.run('SUBSCRIBE a b', 'PSUBSCRIBE a*', 'SSUBSCRIBE a', 'RESET');
  const asked = ['PUBSUB NUMSUB a b', 'PUBSUB NUMPAT', 'PUBLISH a 1', 'SPUBLISH a 1'];
  expect(cluster.client().run(...asked)).toEqual(['*[$"a", :0, $"b", :0]', ':0', ':0', ':0']);
});

it('what a connection published before its RESET was lost', () => {
  const client = new TestCluster(three).client(3);
  client.run('SUBSCRIBE a');
  expect(client.run('PUBLISH a 1', 'RESET', 'PING')).toEqual([
    ':1',
    '>[$"message", $"a", $"1"]',
    '+RESET',
    '+PONG',
  ]);
});

it('what a connection published before its QUIT was lost', () => {
  const client = new TestCluster(three).client(3);
  client.run('SUBSCRIBE a');
  expect(client.run('PUBLISH a 1', 'QUIT', 'PING')).toEqual([':1', '>[$"message", $"a", $"1"]', '+OK']);
});

it('a client that was killed, or went before it was subscribed, was counted among the listeners for ever', () => {
  const cluster = new TestCluster(three);
  const [killed, gone, client] = [cluster.client(3), cluster.client(), cluster.client()];
  const id = killed.run('CLIENT ID')[0].slice(1);
  killed.run('SUBSCRIBE a', 'PSUBSCRIBE a*', 'SSUBSCRIBE a');
  gone.send('SUBSCRIBE b');
  gone.close();
  expect(client.run('PUBLISH a 1', `CLIENT KILL ID ${id}`)).toEqual([':2', ':1']);
  const asked = ['PUBSUB NUMSUB a b', 'PUBSUB NUMPAT', 'PUBLISH a 1', 'SPUBLISH a 1', 'PUBLISH b 1'];
  expect(client.run(...asked)).toEqual(['*[$"a", :0, $"b", :0]', ':0', ':0', ':0', ':0']);
});

it('clients of a gateway were counted as one, once a leader refused what it was asked on their behalf', () => {
  const cluster = new TestCluster(three);
  const [client, ...listeners] = [1, 2, 3, 4].map(() => cluster.client());
  for (const each of listeners) each.run('SUBSCRIBE a', 'SSUBSCRIBE a', 'PSUBSCRIBE a*');
  const [, , shard] = cluster.shards;
  shard.lead('n0');
  cluster.env.advance(1);
  shard.lead('n1');
  shard.stepDown();
  cluster.env.advance(1);
  shard.lead('n0');
  cluster.env.advance(100);
  const asked = ['PUBLISH a 1', 'SPUBLISH a 1', 'PUBSUB SHARDNUMSUB a'];
  expect(client.run(...asked)).toEqual([':6', ':3', '*[$"a", :3]']);
});

it.each([2, 3] as const)(
  'CLIENT REPLY SKIP hid from a client of RESP%i that it had subscribed',
  (dialect) => {
    const client = new TestCluster(three).client(dialect);
    const sign = dialect === 3 ? '>' : '*';
    expect(client.run('CLIENT REPLY SKIP', 'SUBSCRIBE a', 'UNSUBSCRIBE a', 'ECHO x')).toEqual([
      `${sign}[$"subscribe", $"a", :1]`,
      `${sign}[$"unsubscribe", $"a", :0]`,
      '$"x"',
    ]);
  },
);
