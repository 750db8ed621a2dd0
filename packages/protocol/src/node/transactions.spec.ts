/** MULTI and EXEC at a gateway: what it does itself, what the shard does, and what nobody can do at one moment. */
import { describe, expect, it } from 'vitest';
import { type PipeClient, TestCluster } from '../testing/test-cluster.js';

/** b is of the first shard, c of the second, a of the third; each shard has replicas on all nodes. */
const three = { shards: 3, nodes: 3 };
const aborted = '-EXECABORT Transaction discarded because of previous errors.';

/** What EXEC says to a transaction of these commands, all of which are queued. */
function exec(client: PipeClient, ...lines: string[]): string {
  const replies = client.run('MULTI', ...lines, 'EXEC');
  expect(replies.slice(0, -1)).toEqual(['+OK', ...lines.map(() => '+QUEUED')]);
  return replies.at(-1)!;
}

describe('a transaction of which the gateway does a part', () => {
  it('has its answers among those of the shard: such commands were refused', () => {
    const client = new TestCluster(three).client();
    expect(
      exec(
        client,
        'CLIENT SETNAME me',
        'SET a 1',
        'CLIENT GETNAME',
        'INCR a',
        'ECHO x',
        'ACL WHOAMI',
        'GET a',
      ),
    ).toBe('*[+OK, +OK, $"me", :2, $"x", $"default", $"2"]');
    expect(client.run('CLIENT GETNAME', 'GET a')).toEqual(['$"me"', '$"2"']);
  });

  it('asks all shards for figures in its place', () => {
    const client = new TestCluster(three).client();
    const reply = exec(
      client,
      'SET a 1',
      'CONFIG GET maxmemory-policy',
      'PUBSUB NUMPAT',
      'SLOWLOG LEN',
      'INFO keyspace',
      'GET a',
    );
    expect(reply).toMatch(
      /^\*\[\+OK, \*\[\$"maxmemory-policy", \$"noeviction"\], :0, :0, \$"# Keyspace.*db0:keys=1.*", \$"1"\]$/,
    );
  });

  it('needs no shard when it asks for nothing of one', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    for (const shard of cluster.shards) shard.stepDown();
    expect(exec(client, 'PING', 'CLIENT GETNAME', 'SELECT 3', 'UNWATCH')).toBe('*[+PONG, $null, +OK, +OK]');
    expect(client.run('CLIENT INFO')[0]).toContain(' db=3 ');
  });

  it('with figures alone keeps its place in a pipeline', () => {
    const client = new TestCluster(three).client();
    expect(
      client.run('SET a 1', 'MULTI', 'PUBSUB NUMPAT', 'CLIENT GETNAME', 'EXEC', 'GET a', 'GET b').slice(-4),
    ).toEqual(['+QUEUED', '*[:0, $null]', '$"1"', '$null']);
  });

  it('does nothing when a watched key has changed', () => {
    const cluster = new TestCluster(three);
    const [client, other] = [cluster.client(), cluster.client()];
    client.run('WATCH a');
    other.run('SET a 1');
    expect(exec(client, 'SET a 2', 'CLIENT SETNAME me')).toBe('*null');
    expect(client.run('CLIENT GETNAME', 'WATCH a')).toEqual(['$null', '+OK']);
    expect(exec(client, 'CLIENT SETNAME me')).toBe('*[+OK]');
    client.run('WATCH a');
    other.run('SET a 3');
    expect(exec(client, 'CLIENT SETNAME you')).toBe('*null');
    expect(client.run('CLIENT GETNAME')).toEqual(['$"me"']);
  });

  it('does nothing when its shard was lost', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    cluster.shards[2].stepDown();
    expect(client.run('MULTI', 'SET a 1', 'CLIENT SETNAME me', 'EXEC')).toHaveLength(3);
    cluster.env.advance(6000);
    expect(client.take()).toEqual([expect.stringMatching(/^-TRYAGAIN/)]);
    expect(client.run('CLIENT GETNAME')).toEqual(['$null']);
  });

  it('that selects a database does the rest there', () => {
    const client = new TestCluster(three).client();
    expect(exec(client, 'SET a 0', 'SELECT 2', 'SET a 2', 'SELECT 99', 'GET a')).toBe(
      '*[+OK, +OK, +OK, -ERR DB index is out of range, $"2"]',
    );
    expect(client.run('GET a', 'SELECT 0', 'GET a')).toEqual(['$"2"', '+OK', '$"0"']);
  });

  it('is held to rules that changed meanwhile', () => {
    const cluster = new TestCluster(three);
    const [client, admin] = [cluster.client(), cluster.client()];
    admin.run('ACL SETUSER u on nopass ~* &* +@all');
    client.run('AUTH u x', 'MULTI', 'SET a 1', 'INFO server', 'CLIENT GETNAME');
    admin.run('ACL SETUSER u -info -client');
    const refused = '-NOPERM ACLs rules changed .*';
    expect(client.run('EXEC')[0]).toMatch(new RegExp(`^\\*\\[\\+OK, ${refused}, ${refused}\\]$`));
  });

  it('is told in the dialect of the client', () => {
    const client = new TestCluster(three).client(3);
    expect(exec(client, 'HSET a f v', 'HGETALL a', 'CONFIG GET maxmemory', 'HELLO 3')).toMatch(
      /^\*\[:1, %\[\$"f", \$"v"\], %\[\$"maxmemory", \$"0"\], %\[\$"server"/,
    );
    expect(client.run('MULTI', 'HELLO 2', 'EXEC')).toEqual([
      '+OK',
      "-ERR 'hello' can't be part of a transaction in a cluster",
      aborted,
    ]);
  });

  it('loads a script for all shards before what calls it', () => {
    const client = new TestCluster(three).client();
    const sha = 'e0e1f9fabfc9d4800c877a703b823ac0578ff8db';
    const replies = client.run(
      'MULTI',
      ['SCRIPT', 'LOAD', 'return 1'],
      `EVALSHA ${sha} 1 a`,
      `SCRIPT EXISTS ${sha}`,
      'EXEC',
    );
    expect(replies.at(-1)).toBe(`*[$"${sha}", :1, *[:1]]`);
    expect(client.run(`EVALSHA ${sha} 1 b`, `EVALSHA ${sha} 1 c`)).toEqual([':1', ':1']);
  });

  it('is shown to those who monitor in its order, once', () => {
    const cluster = new TestCluster(three);
    const [monitor, client] = [cluster.client(), cluster.client()];
    monitor.run('MONITOR');
    exec(client, 'CLIENT GETNAME', 'SET a 1', 'INFO server');
    const shown = monitor.take().map((line) => line.replace(/^.*\] /, ''));
    expect(shown).toEqual(['"MULTI"', '"CLIENT" "GETNAME"', '"SET" "a" "1"', '"INFO" "server"', '"EXEC"']);
    expect(client.run('INFO commandstats')[0]).toContain('cmdstat_exec:calls=1,');
  });

  it('of a client that went meanwhile leaves nothing behind', () => {
    const cluster = new TestCluster(three);
    const [client, other] = [cluster.client(), cluster.client()];
    client.send('MULTI', 'SET a 1', 'ACL SETUSER u', 'EXEC');
    client.close();
    cluster.env.advance(0);
    expect(other.run('ACL USERS')).toEqual(['*[$"default"]']);
  });
});

describe('a transaction that a shard refuses', () => {
  it('says why: the client was told of previous errors, and had seen none', () => {
    const client = new TestCluster(three).client();
    client.run('CONFIG SET maxmemory 1');
    const reason = "OOM command not allowed when used memory > 'maxmemory'.";
    expect(exec(client, 'GET a', 'SET a 1')).toBe(`-EXECABORT Transaction discarded because of: ${reason}`);
    client.run('CONFIG SET maxmemory 0');
    expect(exec(client, 'SET a 1', 'CLIENT GETNAME')).toBe('*[+OK, $null]');
  });

  it('left its shard to the next one when EXEC itself was wrong', () => {
    const client = new TestCluster(three).client();
    const wrong = "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command";
    expect(client.run('MULTI', 'SET a 1', 'EXEC x').at(-1)).toBe(wrong);
    expect(exec(client, 'SET b 1')).toBe('*[+OK]');
  });
});

describe('what is of all shards', () => {
  it('is no part of a transaction where there are several', () => {
    const client = new TestCluster(three).client();
    const why = "can't be part of a transaction in a cluster";
    const reason = `${why}: it concerns all shards, which have no moment in common`;
    expect(client.run('MULTI', 'DBSIZE', 'SET a 1', 'EXEC')).toEqual([
      '+OK',
      `-ERR 'dbsize' ${reason}`,
      '+QUEUED',
      aborted,
    ]);
    expect(
      client.run('MULTI', 'FLUSHALL', 'KEYS *', 'SUBSCRIBE a', 'CONFIG SET maxmemory 1', 'EXEC'),
    ).toEqual([
      '+OK',
      `-ERR 'flushall' ${reason}`,
      `-ERR 'keys' ${reason}`,
      `-ERR 'subscribe' ${why}`,
      `-ERR 'config|set' ${why}`,
      aborted,
    ]);
  });

  it('is where there is one: at its moment', () => {
    const client = new TestCluster({ shards: 1, nodes: 2 }).client();
    expect(exec(client, 'SET a 1', 'DBSIZE', 'FLUSHDB', 'KEYS *', 'DBSIZE', 'INFO keyspace')).toMatch(
      /^\*\[\+OK, :1, \+OK, \*\[\], :0, \$"# Keyspace/,
    );
  });
});

describe('a watch', () => {
  it('held no more when its node ended in order and something else was on its way there', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    client.run('SET a 1', 'WATCH a');
    cluster.leader(2).holdCommits();
    expect(client.run('INCR {a}n')).toEqual([]);
    cluster.nodes[2].exporter.sayGoodbye();
    cluster.env.advance(0);
    expect(client.run('MULTI', 'SET a 2', 'EXEC')).toEqual([]);
    cluster.leader(2).commit();
    cluster.env.advance(1);
    cluster.shards[2].lead('n0');
    cluster.env.advance(500);
    expect(client.take()).toEqual([':1', '+OK', '+QUEUED', '*null']);
    expect(client.run('GET a')).toEqual(['$"1"']);
  });
});

describe('CLIENT NO-TOUCH', () => {
  it('holds for what is found at the shards: it stayed at the gateway', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    client.run('CONFIG SET maxmemory-policy allkeys-lru maxmemory 100mb', 'SET a 1', 'GET a');
    client.run('CLIENT NO-TOUCH ON');
    cluster.env.advance(10_000);
    expect(client.run('GET a', 'OBJECT IDLETIME a', 'MULTI', 'GET a', 'OBJECT IDLETIME a', 'EXEC')).toEqual([
      ...['$"1"', ':10', '+OK', '+QUEUED', '+QUEUED', '*[$"1", :10]'],
    ]);
    expect(client.run('TOUCH a', 'OBJECT IDLETIME a')).toEqual([':1', ':0']);
    cluster.env.advance(10_000);
    expect(client.run('CLIENT NO-TOUCH OFF', 'GET a', 'OBJECT IDLETIME a')).toEqual(['+OK', '$"1"', ':0']);
  });
});
