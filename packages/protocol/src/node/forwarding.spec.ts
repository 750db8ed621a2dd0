/** From a client's bytes through a gateway to shards and back. */
import { messageBytesMax } from '@holdfast/rpc';
import { describe, expect, it } from 'vitest';
import { type PipeClient, TestCluster } from '../testing/test-cluster.js';

/** The keys `key:N` that a scan finds, in order. */
function scanAll(client: PipeClient, count: number): string[] {
  const found: string[] = [];
  let cursor = '0';
  let rounds = 0;
  do {
    const [reply] = client.run(`SCAN ${cursor} COUNT ${count}`);
    found.push(...(reply.match(/key:\d+/g) ?? []));
    cursor = /^\*\[\$"(\d+)"/.exec(reply)![1];
    rounds++;
  } while (cursor !== '0' && rounds < 100);
  return found.sort();
}

/** b is of the first shard, c of the second, a of the third. */
const three = { shards: 3, nodes: 3 };

describe('requests', () => {
  it('go to the shards of their keys, and are answered in their order', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    expect(client.run('SET a 1', 'SET b 2', 'SET c 3', 'GET c', 'GET b', 'GET a', 'GET d')).toEqual([
      '+OK',
      '+OK',
      '+OK',
      '$"3"',
      '$"2"',
      '$"1"',
      '$null',
    ]);
    const counts = cluster.shards.map(({ leader }) => leader!.coordinator.kv.storage.keyCount(0));
    expect(counts).toEqual([1, 1, 1]);
  });

  it('that the gateway answers itself keep their place', () => {
    const client = new TestCluster(three).client();
    expect(client.run('SET a 1', 'PING', 'GET a', 'ECHO x', 'NOPE', 'GET', 'SELECT 1', 'GET a')).toEqual([
      '+OK',
      '+PONG',
      '$"1"',
      '$"x"',
      "-ERR unknown command 'NOPE', with args beginning with: ",
      "-ERR wrong number of arguments for 'get' command",
      '+OK',
      '$null',
    ]);
    expect(client.run('SET a 2', 'SELECT 0', 'GET a', 'SELECT 1', 'GET a')).toEqual([
      '+OK',
      '+OK',
      '$"1"',
      '+OK',
      '$"2"',
    ]);
  });

  it('are answered in the dialect of their moment', () => {
    const client = new TestCluster(three).client();
    expect(client.run('HSET a f v', 'HGETALL a', 'HELLO 3', 'HGETALL a', 'HELLO 2', 'HGETALL a')).toEqual([
      ':1',
      '*[$"f", $"v"]',
      expect.stringMatching(/^%\[\$"server", \$"redis", .*\$"proto", :3,.*\]$/),
      '%[$"f", $"v"]',
      expect.stringMatching(/^\*\[\$"server".*\]$/),
      '*[$"f", $"v"]',
    ]);
  });

  it('of keys of several shards are split where their parts are independent', () => {
    const client = new TestCluster(three).client();
    expect(
      client.run(
        'MSET a 1 b 2 c 3',
        'MGET c nope a b a',
        'EXISTS a a b nope',
        'TOUCH a b',
        'DEL a nope',
        'UNLINK b c',
      ),
    ).toEqual(['+OK', '*[$"3", $null, $"1", $"2", $"1"]', ':3', ':2', ':1', ':2']);
    expect(client.run('MSET a 1 b', 'MGET a b')).toEqual([
      "-ERR wrong number of arguments for 'mset' command",
      '*[$null, $null]',
    ]);
  });

  it('of more keys than a call can have were the end of the gateway', () => {
    const client = new TestCluster(three).client();
    const keys = Array.from({ length: 600_000 }, (_, i) => `k${i}`);
    expect(client.run(['EXISTS', ...keys], ['SCAN', '0', ...keys.slice(0, 200_000)])).toEqual([
      ':0',
      '-ERR syntax error',
    ]);
  });

  it('of more than 1,048,576 arguments ended the connection', () => {
    const client = new TestCluster(three).client();
    const pairs = Array.from({ length: 1_200_000 }, (_, i) => `k${i >> 1}`);
    expect(client.run(['MSET', ...pairs], 'MGET k0 k1 k599999 k600000')).toEqual([
      '+OK',
      '*[$"k0", $"k1", $"k599999", $null]',
    ]);
  });

  it('that are split were taken on and on while none was answered', () => {
    const client = new TestCluster(three).client();
    client.send(...Array.from({ length: 5000 }, () => 'MGET a b'), 'PING');
    expect(client.inputBytes).toBeGreaterThan(0);
    const replies = client.run('ECHO x');
    expect(replies.slice(-3)).toEqual(['*[$null, $null]', '+PONG', '$"x"']);
    expect(replies).toHaveLength(5002);
  });

  it('on their way block nobody: their clients were counted as blocked', () => {
    const cluster = new TestCluster(three);
    const [busy, client] = [cluster.client(2, false), cluster.client()];
    cluster.leader(2).holdCommits();
    busy.run('SET a 1');
    expect(client.run('INFO clients')[0]).toContain('blocked_clients:0');
    expect(client.run('CLIENT LIST')[0]).toContain('flags=N');
    expect(client.run('CLIENT LIST')[0]).not.toContain('flags=b');
    client.send('BLPOP b 0');
    cluster.env.advance(0);
    expect(cluster.client().run('INFO clients')[0]).toContain('blocked_clients:1');
  });

  it('of keys of several shards are refused when no message can hold a part of them', () => {
    const client = new TestCluster(three).client();
    expect(client.run(['MSET', 'b', '1', 'a', Buffer.alloc(messageBytesMax)], 'EXISTS a b')).toEqual([
      expect.stringMatching(/^-LIMIT the request has \d+ bytes/),
      ':0',
    ]);
  });

  it('that all shards answer are put together by what they asked, not by what came after', () => {
    const client = new TestCluster(three).client();
    client.run('CONFIG SET slowlog-log-slower-than 0', 'SET a 1', 'SET b 1', 'SET c 1');
    const [one] = client.run('SLOWLOG GET 1', 'PING');
    expect(one.match(/\$"SET"/g)).toHaveLength(1);
  });

  it('of keys of several shards are refused otherwise', () => {
    const client = new TestCluster(three).client();
    const crossSlot = "-CROSSSLOT Keys in request don't hash to the same slot";
    expect(
      client.run('RENAME a b', 'SINTER a b c', 'MSETNX a 1 b 2', 'RENAME {a}1 {a}2', 'EVAL return 2 a b'),
    ).toEqual([crossSlot, crossSlot, crossSlot, '-ERR no such key', crossSlot]);
  });

  it('of SORT are refused where BY or GET may read in other shards: they found nothing there', () => {
    const client = new TestCluster(three).client();
    const crossSlot = "-CROSSSLOT Keys in request don't hash to the same slot";
    expect(
      client.run(
        'RPUSH {a}l 2 1',
        'MSET w_{a}1 9 w_{a}2 8 w_{b}1 7',
        'SORT {a}l BY nosort GET # GET w_{a}*',
        'SORT {a}l BY w_*',
        'SORT_RO {a}l GET *_{a}',
        'SORT {a}l GET w_{b}*',
        'SORT {a}l BY w_{a}*->f GET # STORE {a}t',
      ),
    ).toEqual([':2', '+OK', '*[$"2", $"8", $"1", $"9"]', crossSlot, crossSlot, crossSlot, ':2']);
    const one = new TestCluster({ shards: 1, nodes: 1 }).client();
    expect(one.run('RPUSH l 2 1', 'MSET w_1 9 w_2 8', 'SORT l BY w_*')).toEqual([
      ':2',
      '+OK',
      '*[$"2", $"1"]',
    ]);
  });

  it('of scripts are held to the keys of their shard: what they wrote elsewhere nobody found', () => {
    const client = new TestCluster(three).client();
    const set = "return redis.call('SET', ARGV[1], 'v')";
    const nonLocal = /^-ERR Script attempted to access a non local key in a cluster node script: /;
    const [here, none, other, sort, many] = client.run(
      ['EVAL', set, '1', 'a', '{a}2'],
      ['EVAL', set, '0', 'a'],
      ['EVAL', set, '1', 'a', 'b'],
      ['EVAL', "return redis.call('SORT', KEYS[1], 'BY', 'w_*')", '1', 'a'],
      ['EVAL', "return redis.call('MGET', 'a', 'b')", '1', 'a'],
    );
    expect(here).toBe('+OK');
    for (const refused of [none, other, sort, many]) expect(refused).toMatch(nonLocal);
    const ofAll = ['DBSIZE', 'FLUSHALL', 'KEYS'].map((name) => `return redis.call('${name}', unpack(ARGV))`);
    expect(
      client.run(['EVAL', ofAll[0], '0'], ['EVAL', ofAll[1], '1', 'a'], ['EVAL', ofAll[2], '0', '*']),
    ).toEqual(
      Array(3).fill(expect.stringContaining('concerns all shards, and a script runs at one of them')),
    );
    client.run([
      'FUNCTION',
      'LOAD',
      `#!lua name=l\nredis.register_function('f', function(KEYS, ARGV) ${set} end)`,
    ]);
    expect(client.run('FCALL f 1 a b')[0]).toMatch(nonLocal);
    expect(client.run('FCALL f 1 a a', 'KEYS *', 'DBSIZE')).toEqual(['+OK', expect.anything(), ':2']);
    const one = new TestCluster({ shards: 1, nodes: 2 }).client();
    expect(one.run(['EVAL', set, '0', 'a'], ['EVAL', ofAll[0], '0'])).toEqual(['+OK', ':1']);
  });

  it('that concern all shards are asked of all', () => {
    const client = new TestCluster(three).client();
    client.run('MSET a 1 b 2 c 3 d 4');
    const [size, keys, random] = client.run('DBSIZE', 'KEYS *', 'RANDOMKEY');
    expect([size, keys.match(/"."/g)?.sort()]).toEqual([':4', ['"a"', '"b"', '"c"', '"d"']]);
    expect(random).toMatch(/^\$"[abcd]"$/);
    expect(client.run('FLUSHALL', 'DBSIZE', 'RANDOMKEY', 'WAIT 0 0')).toEqual(['+OK', ':0', '$null', ':0']);
    const sha = '$"e0e1f9fabfc9d4800c877a703b823ac0578ff8db"';
    expect(client.run(['SCRIPT', 'LOAD', 'return 1'], ['SCRIPT', 'EXISTS', sha.slice(2, -1), 'ff'])).toEqual([
      sha,
      '*[:1, :0]',
    ]);
    expect(client.run(`EVALSHA ${sha.slice(2, -1)} 1 a`, `EVALSHA ${sha.slice(2, -1)} 1 b`)).toEqual([
      ':1',
      ':1',
    ]);
    expect(client.run(['EVAL', 'return 7', '0'])).toEqual([':7']);
  });

  it('FUNCTION RESTORE reaches all shards: the gateway kept what was restored to itself', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    client.run(['FUNCTION', 'LOAD', "#!lua name=l\nredis.register_function('f', function() return 7 end)"]);
    const payload = cluster.shards[1].leader!.coordinator.kv.scripting.functions.dump();
    const [dumped] = client.run('FUNCTION DUMP');
    expect(dumped).toContain("redis.register_function('f'");
    expect(client.run('FUNCTION FLUSH', 'FCALL f 1 a')).toEqual(['+OK', '-ERR Function not found']);
    expect(client.run(['FUNCTION', 'RESTORE', payload])).toEqual(['+OK']);
    expect(client.run('FCALL f 1 a', 'FCALL f 1 b', 'FCALL f 1 c')).toEqual([':7', ':7', ':7']);
  });

  it('that pass over keys on disks come to those of all shards: they ended with the first shard', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    const keys = Array.from({ length: 60 }, (_, i) => `key:${i}`);
    client.run(...keys.map((key) => `SET ${key} v`));
    // A disk's cursors begin where those of memory are over.
    const diskCursor = 2 ** 47;
    for (const { leader } of cluster.shards) {
      const { storage } = leader!.coordinator.kv;
      const scanPage = storage.scanPage.bind(storage);
      storage.scanPage = (database, cursor, count, visit) => {
        const next = scanPage(database, cursor % diskCursor, count, visit);
        return next === 0 ? 0 : diskCursor + next;
      };
    }
    expect(scanAll(client, 5)).toEqual(keys.sort());
  });

  it('that pass over the keys come to all of them once', () => {
    const client = new TestCluster(three).client();
    const keys = Array.from({ length: 500 }, (_, i) => `key:${i}`);
    client.run(...keys.map((key) => `SET ${key} 1`));
    expect(scanAll(client, 50)).toEqual(keys.sort());
    // Nothing at all is zero.
    expect(client.run(['SCAN', ''])).toEqual(client.run('SCAN 0'));
    expect(client.run('SCAN x', 'SCAN 99999999999999999999')).toEqual([
      '-ERR invalid cursor',
      expect.stringMatching(/^\*\[\$"0"|^-ERR invalid cursor/),
    ]);
  });
});

describe('users whom rules limit', () => {
  it('are denied what is forwarded as well: the gateway passed on whatever they asked for', () => {
    const client = new TestCluster(three).client();
    client.run('ACL SETUSER u on nopass ~cache:* &news +@all -incr', 'AUTH u x');
    const noKey = '-NOPERM No permissions to access a key';
    expect(client.run('SET cache:1 v', 'GET a', 'GET cache:1', 'MGET cache:1 b', 'DEL a b')).toEqual([
      '+OK',
      noKey,
      '$"v"',
      noKey,
      noKey,
    ]);
    expect(client.run('INCR cache:1', 'PUBLISH sport 1', 'SUBSCRIBE sport', 'PUBLISH news 1')).toEqual([
      "-NOPERM User u has no permissions to run the 'incr' command",
      '-NOPERM No permissions to access a channel',
      '-NOPERM No permissions to access a channel',
      ':0',
    ]);
    expect(client.run('MULTI', 'SET cache:1 w', 'SET a w', 'EXEC', 'GET cache:1')).toEqual([
      '+OK',
      '+QUEUED',
      noKey,
      '-EXECABORT Transaction discarded because of previous errors.',
      '$"v"',
    ]);
    const get = ['EVAL', "return redis.call('GET', ARGV[1])", '1', 'cache:1'];
    expect(client.run([...get, 'cache:1'], [...get, 'a'], 'MULTI', [...get, 'a'], 'EXEC')).toEqual([
      '$"v"',
      expect.stringContaining('ACL failure in script'),
      '+OK',
      '+QUEUED',
      expect.stringMatching(/^\*\[-ERR ACL failure in script/),
    ]);
    expect(client.run('AUTH default x', [...get, '{cache:1}'])).toEqual(['+OK', '$null']);
    const [log] = client.run('ACL LOG');
    expect(log.match(/"object", \$"[^"]*"/g)).toEqual(
      ['a', 'sport', 'incr', 'a', 'b'].map((name) => `"object", $"${name}"`),
    );
  });
});

describe('INFO and CONFIG', () => {
  it('tell of all shards', () => {
    const client = new TestCluster(three).client();
    client.run('MSET a 1 b 2 c 3', 'GET a', 'GET nope');
    const [info] = client.run('INFO');
    expect(info).toContain('db0:keys=3,expires=0');
    expect(info).toContain('keyspace_hits:1');
    expect(info).toContain('connected_clients:1');
    expect(client.run('CONFIG SET notify-keyspace-events KEA maxclients 77')).toEqual(['+OK']);
    expect(client.run('CONFIG GET notify-keyspace-events', 'CONFIG GET maxclients')).toEqual([
      '*[$"notify-keyspace-events", $"AKE"]',
      '*[$"maxclients", $"77"]',
    ]);
    expect(client.run('CONFIG SET nope 1')).toEqual([
      "-ERR Unknown option or number of arguments for CONFIG SET - 'nope'",
    ]);
  });
});

describe('figures of a gateway', () => {
  it('INFO abbreviates the sums of the shards: it had the bytes of the shards and the words of its own', () => {
    const client = new TestCluster(three).client();
    client.run(['SET', 'a', 'x'.repeat(200_000)], ['SET', 'b', 'x'.repeat(200_000)]);
    const [info] = client.run('INFO memory');
    const field = (name: string): string => new RegExp(`${name}:([^\\\\\\r]*)`).exec(info)![1];
    for (const name of ['used_memory', 'used_memory_peak']) {
      expect(Number(field(name))).toBeGreaterThan(400_000);
      expect(field(`${name}_human`)).toBe(`${(Number(field(name)) / 1024).toFixed(2)}K`);
    }
    const share = (Number(field('used_memory_dataset')) / Number(field('used_memory'))) * 100;
    expect(field('used_memory_dataset_perc')).toBe(`${share.toFixed(2)}%`);
  });

  it('INFO tells of limits, scripts and watched keys as the shards do: the gateway has none', () => {
    const client = new TestCluster(three).client();
    client.run('CONFIG SET maxmemory 1gb', ['EVAL', 'return 1', '1', 'a'], 'WATCH a');
    const [info] = client.run('INFO');
    expect(info).toContain('maxmemory_human:1.00G');
    expect(info).toContain('number_of_cached_scripts:1');
    expect(info).toContain('watching_clients:1');
  });

  it('MEMORY STATS adds up what the shards keep: it knew the gateway alone', () => {
    const client = new TestCluster(three).client();
    client.run(['SET', 'a', 'x'.repeat(200_000)], ['SET', 'b', 'x'.repeat(200_000)], 'SET c 1');
    const [stats] = client.run('MEMORY STATS');
    const figure = (name: string): number => Number(new RegExp(`"${name}", :(\\d+)`).exec(stats)![1]);
    expect(figure('keys.count')).toBe(3);
    expect(figure('dataset.bytes')).toBeGreaterThan(400_000);
    expect(figure('total.allocated')).toBeGreaterThanOrEqual(figure('dataset.bytes'));
    expect(figure('keys.bytes-per-key')).toBe(Math.round(figure('total.allocated') / 3));
    expect(client.run('MEMORY PURGE')).toEqual(['+OK']);
  });

  it('the time of commands is that of the shards: those that they run took none', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    client.run('SET a 1', 'SET b 1');
    for (const { leader } of cluster.shards) {
      const { registry } = leader!.coordinator.kv;
      registry.figuresOf(registry.byName('SET')!).times.record(7, true);
    }
    expect(client.run('INFO commandstats')[0]).toMatch(
      /cmdstat_set:calls=2,usec=[1-9]\d+,usec_per_call=[1-9]/,
    );
    const [histogram] = client.run('LATENCY HISTOGRAM set');
    const [, calls, sum] = /^\*\[\$"set", \*\[\$"calls", :(\d), .*:(\d)\]\]\]$/.exec(histogram)!;
    expect(Number(calls)).toBeGreaterThanOrEqual(3);
    expect(sum).toBe(calls);
  });

  it('LATENCY tells of spikes at the shards: it knew those of the gateway alone', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    const add = (shard: number, seconds: number, ms: number): void =>
      cluster.shards[shard].leader!.coordinator.kv.stopwatch.latency.add('command', ms, seconds * 1000);
    client.run('CONFIG SET latency-monitor-threshold 10');
    add(0, 100, 30);
    add(1, 200, 20);
    expect(client.run('LATENCY LATEST', 'LATENCY HISTORY command')).toEqual([
      '*[*[$"command", :200, :20, :30]]',
      '*[*[:100, :30], *[:200, :20]]',
    ]);
    expect(client.run('LATENCY GRAPH command')[0]).toMatch(/^\$"command - high 30 ms, low 30 ms/);
    expect(client.run('LATENCY RESET', 'LATENCY LATEST')).toEqual([':1', '*[]']);
  });
});

describe('a transaction', () => {
  it('may ask how many replicas have it: WAIT was refused, and the transaction with it', () => {
    const client = new TestCluster(three).client();
    expect(client.run('MULTI', 'SET a 1', 'WAIT 1 0', 'WAITAOF 0 1 0', 'EXEC')).toEqual([
      ...['+OK', '+QUEUED', '+QUEUED', '+QUEUED'],
      '*[+OK, :0, *[:0, :0]]',
    ]);
    expect(client.run('GET a')).toEqual(['$"1"']);
  });
});

describe('CLIENT UNBLOCK', () => {
  it.each([1, 3])('ends a wait at %i shards: a client that waited for replicas waited for ever', (shards) => {
    const cluster = new TestCluster({ shards, nodes: 3 });
    const [waiting, other] = [cluster.client(), cluster.client()];
    const id = waiting.run('CLIENT ID')[0].slice(1);
    expect(waiting.run('WAIT 1 0')).toEqual([]);
    expect(other.run(`CLIENT UNBLOCK ${id}`)).toEqual([':1']);
    expect(waiting.take()).toEqual([':0']);
    expect(waiting.run('WAIT 1 0')).toEqual([]);
    expect(other.run(`CLIENT UNBLOCK ${id} ERROR`)).toEqual([':1']);
    expect(waiting.take()).toEqual(['-UNBLOCKED client unblocked via CLIENT UNBLOCK']);
    expect(waiting.run('PING')).toEqual(['+PONG']);
  });
});

describe('CLIENT UNBLOCK of a client that waits for a key', () => {
  it('said that it had ended the wait of one that had its element already', () => {
    const cluster = new TestCluster({ shards: 3, nodes: 3 });
    const [waiting, other] = [cluster.client(), cluster.client()];
    const id = waiting.run('CLIENT ID')[0].slice(1);
    waiting.run('BLPOP a 0');
    expect(other.run('RPUSH a 1', `CLIENT UNBLOCK ${id}`, `CLIENT UNBLOCK ${id} ERROR`)).toEqual([
      ':1',
      ':0',
      ':0',
    ]);
    expect(waiting.take()).toEqual(['*[$"a", $"1"]']);
    expect(other.run(`CLIENT UNBLOCK ${id}`, 'PING')).toEqual([':0', '+PONG']);
  });

  it.each([
    ['BLPOP a 0', '', '*null'],
    ['BLMOVE a {a}b LEFT LEFT 0', ' TIMEOUT', '*null'],
    ['BZPOPMIN a 0', ' ERROR', '-UNBLOCKED client unblocked via CLIENT UNBLOCK'],
  ])('ends %s once', (command, reason, answer) => {
    const cluster = new TestCluster({ shards: 3, nodes: 3 });
    const [waiting, other] = [cluster.client(), cluster.client()];
    const id = waiting.run('CLIENT ID')[0].slice(1);
    waiting.run(command);
    const unblock = `CLIENT UNBLOCK ${id}${reason}`;
    expect(other.run(unblock, unblock, 'PING')).toEqual([':1', ':0', '+PONG']);
    expect(waiting.run('PING')).toEqual([answer, '+PONG']);
  });

  it.each([
    ['BLPOP a 0', '', '*null'],
    ['XREAD BLOCK 0 STREAMS a $', ' ERROR', '-UNBLOCKED client unblocked via CLIENT UNBLOCK'],
    ['WAIT 1 0', '', ':0'],
    ['WAITAOF 0 1 0', '', '*[:0, :0]'],
  ])('ends %s where nobody leads', (command, reason, answer) => {
    const cluster = new TestCluster({ shards: 3, nodes: 3 });
    const [waiting, other] = [cluster.client(), cluster.client()];
    const id = waiting.run('CLIENT ID')[0].slice(1);
    waiting.run(command);
    cluster.shards[2].stepDown();
    cluster.env.advance(10);
    const unblock = `CLIENT UNBLOCK ${id}${reason}`;
    expect(other.run(unblock, unblock)).toEqual([':1', ':0']);
    expect(waiting.run('PING')).toEqual([answer, '+PONG']);
    cluster.shards[2].lead('n0');
    cluster.env.advance(1000);
    expect(waiting.take()).toEqual([]);
  });

  it('is answered though the client goes, or its node leads no longer meanwhile', () => {
    const cluster = new TestCluster({ shards: 3, nodes: 3 });
    const [gone, waiting, other] = [cluster.client(), cluster.client(), cluster.client()];
    const ids = [gone, waiting].map((client) => client.run('CLIENT ID')[0].slice(1));
    for (const client of [gone, waiting]) client.run('BLPOP a 0');
    other.send(`CLIENT UNBLOCK ${ids[0]}`);
    gone.close();
    expect(other.run('PING')).toEqual([':0', '+PONG']);
    cluster.shards[2].stepDown();
    expect(other.run(`CLIENT UNBLOCK ${ids[1]}`, 'PING')).toEqual([':1', '+PONG']);
    expect(waiting.run('PING')).toEqual(['*null', '+PONG']);
  });

  it('is an error where it makes no sense', () => {
    const client = new TestCluster({ shards: 3, nodes: 3 }).client();
    expect(client.run('CLIENT UNBLOCK x', 'CLIENT UNBLOCK 1 NO', 'CLIENT UNBLOCK 99')).toEqual([
      '-ERR value is not an integer or out of range',
      '-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR',
      ':0',
    ]);
  });
});

describe('what is set by CONFIG SET at a gateway', () => {
  it('holds at all shards after other nodes lead them', () => {
    const cluster = new TestCluster({ nodes: 3, shards: 2 });
    const client = cluster.client();
    expect(client.run('CONFIG SET maxmemory 1 maxclients 9', 'SET a 1')).toEqual([
      '+OK',
      expect.stringMatching(/^-OOM/),
    ]);
    for (const shard of cluster.shards) shard.lead('n2');
    expect(client.run('SET a 1', 'SET b 1', 'SET c 1')).toEqual(
      Array(3).fill(expect.stringMatching(/^-OOM/)),
    );
    expect(client.run('CONFIG SET maxmemory 0', 'SET a 1', 'SET b 1')).toEqual(['+OK', '+OK', '+OK']);
    for (const shard of cluster.shards) shard.lead('n1');
    expect(client.run('SET a 1', 'SET b 1', 'SET c 1')).toEqual(['+OK', '+OK', '+OK']);
  });

  it('is set at the nodes that can be reached', () => {
    const cluster = new TestCluster({ nodes: 3, shards: 3 });
    cluster.nodes[2].isReachable = false;
    cluster.nodes[2].cut();
    cluster.env.advance(0);
    const client = cluster.client();
    expect(client.run('CONFIG SET maxmemory 1')).toEqual(['+OK']);
    for (const shard of cluster.shards) shard.lead('n1');
    expect(client.run('SET a 1')).toEqual([expect.stringMatching(/^-OOM/)]);
  });

  it('is told of when nobody can be reached', () => {
    const cluster = new TestCluster({ nodes: 1, shards: 1 });
    cluster.nodes[0].isReachable = false;
    cluster.nodes[0].cut();
    cluster.env.advance(0);
    expect(cluster.client().run('CONFIG SET maxmemory 1')).toEqual([expect.stringMatching(/^-TRYAGAIN/)]);
  });

  it('is set at one node where a client of Redis Cluster asks that one, whether it leads or not', () => {
    const cluster = new TestCluster({ nodes: 3, shards: 1 });
    const client = cluster.client(2, true, 'n2');
    expect(client.run('CONFIG SET maxmemory 1', 'CONFIG GET maxmemory')).toEqual([
      '+OK',
      '*[$"maxmemory", $"1"]',
    ]);
    expect(cluster.client().run('SET a 1')).toEqual(['+OK']);
    cluster.shards[0].lead('n2');
    cluster.env.advance(0);
    expect(client.run('SET a 1')).toEqual([expect.stringMatching(/^-OOM/)]);
  });
});

describe('reads that may be old', () => {
  it('are answered by any replica, as READONLY and CLIENT READMODE say', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client();
    client.run('SET a 1');
    for (const { replicas } of cluster.nodes) replicas.replica('s2')!.catchUp();
    cluster.leader(2).stepDown('dropped');
    expect(client.run('CLIENT READMODE STALE', 'GET a', 'CLIENT READMODE NOPE')).toEqual([
      '+OK',
      '$"1"',
      '-ERR syntax error',
    ]);
    expect(client.run('READWRITE', 'GET a')).toEqual(['+OK']);
    cluster.shards[2].lead('n0');
    cluster.env.advance(500);
    expect(client.take()).toEqual(['$"1"']);
    expect(client.run('READONLY', 'SET a 2', 'GET b')).toEqual(['+OK', '+OK', '$null']);
  });
});

describe('SLOWLOG of a gateway', () => {
  it('has entries of several shards under ids of their own: they were called alike', () => {
    const client = new TestCluster(three).client();
    client.run('CONFIG SET slowlog-log-slower-than 0', 'SET a 1', 'SET b 1', 'SET c 1', 'GET a');
    const [entries] = client.run('SLOWLOG GET -1');
    const ids = [...entries.matchAll(/\*\[:(\d+), :\d+, :\d+, \*/g)].map(([, id]) => id);
    expect(ids.length).toBeGreaterThanOrEqual(4);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('the node of a Redis Cluster', () => {
  it('executes what it leads, and says where the rest is led', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client(2, true, 'n0');
    expect(client.run('SET b 1', 'GET b', 'GET a', 'MGET b a', 'MGET {b}1 b', 'DBSIZE', 'KEYS *')).toEqual([
      '+OK',
      '$"1"',
      '-MOVED 15495 n2:6379',
      "-CROSSSLOT Keys in request don't hash to the same slot",
      '*[$null, $"1"]',
      ':1',
      '*[$"b"]',
    ]);
    cluster.shards[2].lead('n0');
    cluster.env.advance(500);
    expect(client.run('SET a 1', 'DBSIZE')).toEqual(['+OK', ':2']);
  });

  it('tells of the cluster', () => {
    const cluster = new TestCluster(three);
    const client = cluster.client(2, true, 'n0');
    const [slots, info, slot, id] = client.run(
      'CLUSTER SLOTS',
      'CLUSTER INFO',
      'CLUSTER KEYSLOT a',
      'CLUSTER MYID',
    );
    expect(slots.match(/:\d+, :\d+, \*\[\$"n\d", :6379/g)).toEqual([
      ':0, :5461, *[$"n0", :6379',
      ':5462, :10922, *[$"n1", :6379',
      ':10923, :16383, *[$"n2", :6379',
    ]);
    expect(info).toContain('cluster_state:ok');
    expect(slot).toBe(':15495');
    expect(id).toMatch(/^\$"[0-9a-f]{40}"$/);
    expect(client.run('CLUSTER NOPE')[0]).toContain("unknown subcommand 'NOPE'");
  });

  it('a node is a master or a replica: those that were both were taken for replicas, and not asked for their keys', () => {
    const cluster = new TestCluster({ shards: 2, nodes: 3 });
    const client = cluster.client(2, true, 'n0');
    const [slots, shards] = client.run('CLUSTER SLOTS', 'CLUSTER SHARDS');
    expect(slots.match(/"n\d"/g)).toEqual(['"n0"', '"n2"', '"n1"', '"n2"']);
    expect(shards.match(/"(master|replica)"/g)).toEqual(['"master"', '"replica"', '"master"', '"replica"']);
  });

  it('a node that leads nothing said that it is a master, where CLUSTER NODES calls it a replica', () => {
    const cluster = new TestCluster({ shards: 2, nodes: 3 });
    const client = cluster.client(2, true, 'n2');
    const [role, info, hello] = client.run('ROLE', 'INFO replication', 'HELLO');
    expect(role).toBe('*[$"slave", $"n0", :6379, $"connected", :0]');
    expect(info).toMatch(/role:slave\\r\\nmaster_host:n0\\r\\nmaster_port:6379\\r\\nmaster_link_status:up/);
    expect(hello).toContain('$"role", $"replica"');
    expect(cluster.client(2, true, 'n1').run('ROLE')).toEqual(['*[$"master", :0, *[]]']);
    cluster.shards[1].lead('n2');
    cluster.env.advance(500);
    expect(client.run('ROLE')).toEqual(['*[$"master", :0, *[]]']);
  });

  it('a scan ends with the last shard that the node leads: it went on to those that others lead', () => {
    const client = new TestCluster(three).client(2, true, 'n0');
    expect(client.run('SET b 1', 'SCAN 0')).toEqual(['+OK', '*[$"0", *[$"b"]]']);
  });

  it('PUBSUB counts the clients of the node: each node counted those of all, and clients add them up', () => {
    const cluster = new TestCluster(three);
    const asked = ['PUBSUB NUMSUB news', 'PUBSUB CHANNELS'];
    expect(
      cluster
        .client(3, true, 'n1')
        .run('SUBSCRIBE news', ...asked)
        .slice(1),
    ).toEqual(['*[$"news", :1]', '*[$"news"]']);
    expect(cluster.client(2, true, 'n0').run(...asked)).toEqual(['*[$"news", :0]', '*[]']);
    expect(cluster.client().run(...asked)).toEqual(['*[$"news", :1]', '*[$"news"]']);
  });

  it('are told the keys of the slots that the node leads', () => {
    const cluster = new TestCluster(three);
    const slot = cluster.client(2, true, 'n2').run('CLUSTER KEYSLOT a')[0].slice(1);
    cluster.client().run('SET a 1', 'SET {a}2 1', 'SET b 1');
    const [leader, other] = ['n2', 'n0'].map((node) => cluster.client(2, true, node));
    const count = `CLUSTER COUNTKEYSINSLOT ${slot}`;
    const get = `CLUSTER GETKEYSINSLOT ${slot}`;
    expect(leader.run(count, `${get} 0`)).toEqual([':2', '*[]']);
    expect(['*[$"a"]', '*[$"{a}2"]']).toContain(leader.run(`${get} 1`)[0]);
    expect(leader.run(`${get} 10`)[0]).toContain('{a}2');
    expect(other.run(count, `${get} 10`)).toEqual([':0', '*[]']);
    for (const client of [leader, other]) {
      expect(client.run('CLUSTER COUNTKEYSINSLOT 16384', 'CLUSTER COUNTKEYSINSLOT x', `${get} -1`)).toEqual([
        '-ERR Invalid slot',
        '-ERR value is not an integer or out of range',
        '-ERR Invalid slot or number of keys',
      ]);
    }
  });

  it('are not told that all was flushed by a node that leads nothing', () => {
    const cluster = new TestCluster({ shards: 2, nodes: 3 });
    cluster.client().run('SET a 1');
    const client = cluster.client(2, true, 'n2');
    const readonly = "-READONLY You can't write against a read only replica.";
    expect(client.run('FLUSHALL', 'FLUSHDB', 'DBSIZE')).toEqual([readonly, readonly, ':0']);
    expect(cluster.client().run('GET a')).toEqual(['$"1"']);
  });

  it('remove no key of a range that they may not write', () => {
    const client = new TestCluster(three).client();
    client.run('ACL SETUSER u on nopass ~cache:* +@all');
    client.run(...Array.from({ length: 30 }, (_, i) => `SET other:${i} 1`), 'SET cache:1 1', 'AUTH u x');
    const noKey = '-NOPERM No permissions to access a key';
    expect(client.run('KV.DELRANGE 0 COUNT 1000')).toEqual([noKey]);
    client.run('AUTH default x');
    expect(client.run('DBSIZE')).toEqual([':31']);
  });
});
