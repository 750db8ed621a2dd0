/** Clients that go while something of theirs is at a node. */
import { expect, it } from 'vitest';
import { TestCluster } from '../testing/test-cluster.js';

const runs = ({ nodes, router }: TestCluster): number =>
  nodes.reduce((n, { replicas }) => n + router.channelOf(replicas.node)!.runCount, 0);

it.each(['BLPOP a 0', 'XREAD BLOCK 0 STREAMS a $', 'WAIT 5 0'])(
  'a gateway kept clients that had gone while %s waited at a node',
  (command) => {
    const cluster = new TestCluster({ shards: 3, nodes: 3 });
    const [client, other] = [cluster.client(), cluster.client()];
    client.send(command, 'GET a');
    cluster.env.advance(0);
    client.close();
    expect(other.run('SET b 1')).toEqual(['+OK']);
    cluster.env.advance(100);
    expect(runs(cluster)).toBe(0);
    expect(other.run('RPUSH a x', 'LLEN a')).toEqual([':1', ':1']);
  },
);

it.each([
  ['BLPOP a 0', 'RPUSH a x', 'LLEN a', ':1'],
  ['BLMOVE a {a}b LEFT LEFT 0', 'RPUSH a x', 'EXISTS {a}b', ':0'],
  ['BZPOPMIN a 0', 'ZADD a 1 x', 'ZCARD a', ':1'],
])(
  'what came right behind CLIENT KILL was still given to the killed client: %s',
  (waits, gives, asks, left) => {
    const cluster = new TestCluster({ shards: 3, nodes: 3 });
    const [killed, other] = [cluster.client(), cluster.client()];
    const [id] = killed.run('CLIENT ID');
    killed.send(waits);
    cluster.env.advance(0);
    // A socket says later that it is closed.
    killed.close = () => {};
    expect(other.run(`CLIENT KILL ID ${id.slice(1)}`, gives, asks)).toEqual([':1', ':1', left]);
  },
);

it('what came right behind the end of a client was still given to it', () => {
  const cluster = new TestCluster({ shards: 3, nodes: 3 });
  const [gone, other] = [cluster.client(), cluster.client()];
  gone.send('BLPOP a 0');
  cluster.env.advance(0);
  gone.close();
  expect(other.run('RPUSH a x', 'LLEN a')).toEqual([':1', ':1']);
});

it.each(['BLPOP b 0', 'WAIT 5 0', 'WAITAOF 0 5 0'])(
  'a gateway did not end the connection of who closed its side during %s: its answer was still owed',
  (command) => {
    const client = new TestCluster({ shards: 3, nodes: 3 }).client();
    expect(client.run('SET a 1', 'GET a', command)).toEqual(['+OK', '$"1"']);
    expect(client.session.isBlocked).toBe(true);
    expect(client.session.unanswered).toBe(0);
  },
);
