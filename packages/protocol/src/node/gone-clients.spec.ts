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
