/** DEBUG through a gateway, as test suites use it. */
import { describe, expect, it } from 'vitest';
import { type PipeClient, TestCluster } from '../testing/test-cluster.js';

/** `b` is of the first shard, c of the second, a of the third. */
const three = { shards: 3, nodes: 3 };
const refused = /^-ERR DEBUG command not allowed/;

function permitted(options = three): { cluster: TestCluster; client: PipeClient } {
  const cluster = new TestCluster(options);
  cluster.coordinator.kv.config.set('enable-debug-command', 'yes');
  return { cluster, client: cluster.client() };
}

describe('DEBUG', () => {
  it('is up to the gateway, though nodes do what it passes on', () => {
    const client = new TestCluster({ shards: 1, nodes: 1 }).client();
    const [object, get, queued] = client
      .run('DEBUG OBJECT a', 'CONFIG GET enable-debug-command', 'MULTI', 'DEBUG SET-ACTIVE-EXPIRE 0')
      .slice(0, 3);
    expect(object).toMatch(refused);
    expect(get).toBe('*[$"enable-debug-command", $"no"]');
    expect(queued).toBe('+OK');
    expect(client.run('EXEC')).toEqual(['-EXECABORT Transaction discarded because of previous errors.']);
    expect(permitted().cluster.client(2, true, 'n0').run('DEBUG OBJECT a')[0]).toMatch(refused);
  });

  it('OBJECT tells of the key where it is', () => {
    const { client } = permitted();
    client.run('SET a 1', 'RPUSH b x');
    const [a, b, none, wrong] = client.run(
      'DEBUG OBJECT a',
      'DEBUG OBJECT b',
      'DEBUG OBJECT c',
      'DEBUG OBJECT',
    );
    expect(a).toMatch(/^\+Value at:.* encoding:int /);
    expect(b).toMatch(/encoding:listpack /);
    expect(none).toBe('-ERR no such key');
    expect(wrong).toMatch(/^-ERR unknown subcommand or wrong number of arguments for 'OBJECT'/);
  });

  it('DIGEST-VALUE is that of a server alone, in the order of the keys', () => {
    const { client } = permitted();
    client.run('SET a 1', 'SET b 1', 'SET c 2');
    const [all] = client.run('DEBUG DIGEST-VALUE a b c nope');
    const [a, b, c, none] = all.match(/[0-9a-f]{40}/g)!;
    expect([a === b, a === c, none]).toEqual([true, false, '0'.repeat(40)]);
    expect(client.run('DEBUG DIGEST-VALUE')).toEqual(['*[]']);
  });

  it('DIGEST is the same for the same data, and of one shard as a server has it', () => {
    const { client } = permitted();
    const digest = (): string => client.run('DEBUG DIGEST')[0];
    expect(digest()).toBe(`+${'0'.repeat(40)}`);
    client.run('SET a 1', 'SET b 1');
    const before = digest();
    client.run('SET a 2');
    expect(digest()).not.toBe(before);
    client.run('SET a 1');
    expect(digest()).toBe(before);
    client.run('FLUSHALL');
    expect(digest()).toBe(`+${'0'.repeat(40)}`);
  });

  it('DIGEST of several shards is that of a server with the same data: it was one of its own', () => {
    const digests = [three, { shards: 1, nodes: 1 }].map((options) => {
      const { client } = permitted(options);
      client.run('SET a 1', 'SET b 1', 'RPUSH c x y', 'SELECT 2', 'SET a 1', 'SET d 1');
      return client.run('DEBUG DIGEST')[0];
    });
    expect(digests[0]).toMatch(/^\+[0-9a-f]{40}$/);
    expect(digests[0]).toBe(digests[1]);
  });

  it('turns what is there to be turned at every shard', () => {
    const { client, cluster } = permitted();
    const active = (): boolean[] =>
      cluster.shards.map(({ leader }) => leader!.coordinator.kv.expiry.isActive);
    expect(client.run('DEBUG SET-ACTIVE-EXPIRE 0')).toEqual(['+OK']);
    expect(active()).toEqual([false, false, false]);
    expect(client.run('DEBUG SET-ACTIVE-EXPIRE 1', 'DEBUG SET-DISABLE-DENY-SCRIPTS 1')).toEqual([
      '+OK',
      '+OK',
    ]);
    expect(active()).toEqual([true, true, true]);
  });

  it('is answered by the gateway where it is about no data, in its place', () => {
    const { client } = permitted();
    expect(
      client.run(
        'SET a 1',
        'DEBUG JMAP',
        'GET a',
        'DEBUG STRINGMATCH-LEN a* abc',
        'DEBUG ERROR no',
        'DEBUG NOPE',
      ),
    ).toEqual([
      '+OK',
      '+OK',
      '$"1"',
      ':1',
      '-no',
      "-ERR unknown subcommand or wrong number of arguments for 'NOPE'. Try DEBUG HELP.",
    ]);
    expect(client.run('DEBUG RELOAD')).toEqual(['-ERR DEBUG RELOAD is not there in a cluster']);
  });
});
