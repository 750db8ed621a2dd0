/** SAVE and its kin through a gateway: each node saves all that it hosts. */
import { beforeEach, describe, expect, it } from 'vitest';
import { type PipeClient, TestCluster } from '../testing/test-cluster.js';

let cluster: TestCluster;
let client: PipeClient;
/** What each node still has to do, and how it ends. */
let finish: Map<string, (error?: Error) => void>;
let keepers: Map<string, { lastFinishedMs: number; savedWrites: number; take: () => Promise<void> }>;

beforeEach(() => {
  cluster = new TestCluster({ shards: 1, nodes: 3 });
  finish = new Map();
  keepers = new Map();
  for (const { replicas } of cluster.nodes) {
    const { node, snapshots } = replicas;
    const take = (): Promise<void> =>
      new Promise((resolve, reject) => {
        finish.set(node, (error) => (error === undefined ? resolve() : reject(error)));
      });
    const keeper = { lastFinishedMs: 0, savedWrites: 0, take };
    keepers.set(node, keeper);
    snapshots.add('s0', keeper);
  }
  client = cluster.client();
});

async function settled(): Promise<void> {
  await new Promise(setImmediate);
  cluster.env.advance(0);
}

/** A field of INFO persistence. */
function told(field: string): string {
  const [info] = client.run('INFO persistence');
  return new RegExp(`${field}:(\\w+)`).exec(info)![1];
}

describe('SAVE', () => {
  it('is answered when every node has saved, and keeps its place', async () => {
    expect(client.run('SAVE', 'PING')).toEqual([]);
    expect([...finish.keys()].sort()).toEqual(['n0', 'n1', 'n2']);
    finish.get('n0')!();
    finish.get('n1')!();
    await settled();
    expect(client.take()).toEqual([]);
    finish.get('n2')!();
    await settled();
    expect(client.take()).toEqual(['+OK', '+PONG']);
  });

  it('tells which node could not', async () => {
    client.run('SAVE');
    for (const [node, end] of finish) end(node === 'n1' ? new Error('no space left') : undefined);
    await settled();
    expect(client.take()).toEqual(['-ERR node n1: shard s0: no space left']);
    expect(told('rdb_last_bgsave_status')).toBe('err');
  });

  it('is refused while a shard has no node that can be reached', () => {
    for (const node of cluster.nodes) {
      node.isReachable = false;
      node.cut();
    }
    cluster.env.advance(0);
    expect(client.run('SAVE')).toEqual(['-TRYAGAIN no node with a replica of a shard can be reached']);
  });
});

describe('BGSAVE', () => {
  it('begins at every node, followers too, and INFO tells of it until the last is done', async () => {
    expect(client.run('BGSAVE')).toEqual(['+Background saving started']);
    expect(finish.size).toBe(3);
    expect(client.run('BGSAVE', 'SAVE')).toEqual([
      '-ERR Background save already in progress',
      '-ERR Background save already in progress',
    ]);
    finish.get('n0')!();
    finish.get('n1')!();
    await settled();
    expect(told('rdb_bgsave_in_progress')).toBe('1');
    finish.get('n2')!();
    await settled();
    expect([told('rdb_bgsave_in_progress'), told('rdb_last_bgsave_status')]).toEqual(['0', 'ok']);
  });

  it('in a transaction begins at every node, once that is done: it was done at one node only', () => {
    expect(client.run('MULTI', 'SET a 1', 'BGSAVE', 'GET a', 'EXEC').at(-1)).toBe(
      '*[+OK, +Background saving started, $"1"]',
    );
    expect(finish.size).toBe(3);
  });

  it('of a client of Redis Cluster is about the node that it asks', () => {
    expect(cluster.client(2, true, 'n1').run('BGSAVE')).toEqual(['+Background saving started']);
    expect([...finish.keys()]).toEqual(['n1']);
  });
});

describe('LASTSAVE', () => {
  it('is that of the node that saved longest ago, and INFO says the same', () => {
    for (const [i, keeper] of [...keepers.values()].entries()) keeper.lastFinishedMs = 9_000_000 - i * 1000;
    expect(client.run('LASTSAVE')).toEqual([':8998']);
    expect(told('rdb_last_save_time')).toBe('8998');
  });

  it('counts the writes since at the leaders', () => {
    client.run('SET a 1', 'SET b 1');
    expect(told('rdb_changes_since_last_save')).toBe('2');
    keepers.get('n0')!.savedWrites = 2;
    expect(told('rdb_changes_since_last_save')).toBe('0');
  });
});
