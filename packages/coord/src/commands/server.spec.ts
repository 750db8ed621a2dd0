import type { Snapshots } from '@holdfast/engine';
import { describe, expect, it } from 'vitest';
import { LocalServer, type TestClient } from '../testing/index.js';

/** The fields of a section of INFO. */
function infoOf(client: TestClient, section: string): Record<string, string> {
  const lines = String(client.line(`INFO ${section}`)).split('\r\n');
  const fields = lines.filter((line) => line.includes(':'));
  return Object.fromEntries(
    fields.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]),
  );
}

function fieldOf(client: TestClient, section: string, field: string): string | undefined {
  return infoOf(client, section)[field];
}

class FakeSnapshots implements Snapshots {
  isRunning = false;
  lastFinishedMs = 0;
  savedWrites = 0;
  finish: () => void = () => {};
  fail: (error: Error) => void = () => {};

  take(): Promise<void> {
    this.isRunning = true;
    return new Promise((resolve, reject) => {
      this.finish = () => {
        this.isRunning = false;
        this.lastFinishedMs = 1_700_000_000_000;
        resolve();
      };
      this.fail = reject;
    });
  }
}

/** Lets promises that are settled call their listeners. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

describe('redis-version', () => {
  it('is 7.2 unless said, and names encodings as that version does', () => {
    const now = new LocalServer().client(3);
    const before = new LocalServer(1, undefined, {}, { settings: { 'redis-version': '7.0' } }).client(3);
    for (const client of [now, before]) {
      client.line('RPUSH list a');
      client.line('SADD set a');
      client.line('SADD ints 1');
    }
    const seen = (client: TestClient) => [
      (client.line('HELLO') as { version: string }).version,
      ...['list', 'set', 'ints'].map((key) => client.line(`OBJECT ENCODING ${key}`)),
    ];
    expect(seen(now)).toEqual(['7.2.4', 'listpack', 'listpack', 'intset']);
    expect(seen(before)).toEqual(['7.0.15', 'quicklist', 'hashtable', 'intset']);
    expect(before.run('EVAL', 'return {redis.REDIS_VERSION, redis.REDIS_VERSION_NUM}', '0')).toEqual([
      '7.0.15',
      0x07000f,
    ]);
  });
});

describe('CONFIG', () => {
  it('reads by names and patterns, each parameter once', () => {
    const client = new LocalServer().client();
    expect(client.line('CONFIG GET maxmemory maxmemory-pol* MAXMEMORY')).toEqual({
      maxmemory: '0',
      'maxmemory-policy': 'noeviction',
    });
    expect(client.line('CONFIG GET TimeOut')).toEqual({ TimeOut: '0' });
    expect(client.line('CONFIG GET nosuch no*such')).toEqual({});
    expect(Object.keys(client.line('CONFIG GET *') as object).length).toBeGreaterThan(120);
    expect(client.line('CONFIG GET *-load-delay')).toEqual({});
    expect(client.line('CONFIG GET key-load-delay')).toEqual({ 'key-load-delay': '0' });
    expect(client.line('CONFIG GET hash-max-ziplist-*')).toEqual({
      'hash-max-ziplist-entries': '512',
      'hash-max-ziplist-value': '64',
    });
  });

  it('sets all parameters or none', () => {
    const client = new LocalServer().client();
    expect(client.line('CONFIG SET timeout 5 maxmemory 10mb')).toBe('OK');
    expect(client.line('CONFIG SET timeout 6 maxmemory x')).toEqual(
      new Error(
        "ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value",
      ),
    );
    expect(client.line('CONFIG GET timeout maxmemory')).toEqual({ timeout: '5', maxmemory: '10485760' });
    const failed = (name: string, problem: string) =>
      new Error(`ERR CONFIG SET failed (possibly related to argument '${name}') - ${problem}`);
    expect(client.line('CONFIG SET timeout 1 TIMEOUT 2')).toEqual(failed('TIMEOUT', 'duplicate parameter'));
    expect(client.line('CONFIG SET databases 3')).toEqual(failed('databases', "can't set immutable config"));
    expect(client.line('CONFIG SET port 6379')).toBe('OK');
    expect(client.line('CONFIG SET port 1')).toEqual(
      failed('port', "can't be changed while the server runs"),
    );
    expect(client.line('CONFIG SET timeout -1')).toEqual(
      failed('timeout', 'argument must be between 0 and 2147483647 inclusive'),
    );
    expect(client.line('CONFIG SET nosuch 1')).toEqual(
      new Error("ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"),
    );
    expect(client.line('CONFIG SET timeout 1 maxmemory')).toEqual(new Error('ERR syntax error'));
    expect(client.line('CONFIG REWRITE')).toEqual(
      new Error('ERR The server is running without a config file'),
    );
  });

  it('keeps the limits of classes of clients that are left out', () => {
    const client = new LocalServer().client();
    client.run('CONFIG', 'SET', 'client-output-buffer-limit', 'pubsub 1mb 512kb 10');
    expect(client.line('CONFIG GET client-output-buffer-limit')).toEqual({
      'client-output-buffer-limit': 'normal 0 0 0 slave 268435456 67108864 60 pubsub 1048576 524288 10',
    });
  });

  it('asks whoever guards a parameter', () => {
    const server = new LocalServer();
    server.kv.config.guard('appendonly', (value) => (value === 'yes' ? 'there is no log' : null));
    expect(server.client().line('CONFIG SET appendonly yes')).toEqual(
      new Error("ERR CONFIG SET failed (possibly related to argument 'appendonly') - there is no log"),
    );
  });
});

describe('INFO', () => {
  it('shows the default sections, those asked for, or all', () => {
    const client = new LocalServer().client();
    const titles = (line: string): string[] => String(client.line(line)).match(/(?<=# )\w+/g) ?? [];
    const byDefault = [
      'Server',
      'Clients',
      'Memory',
      'Persistence',
      'Stats',
      'Replication',
      'CPU',
      'Modules',
      'Errorstats',
      'Cluster',
      'Keyspace',
    ];
    expect(titles('INFO')).toEqual(byDefault);
    expect(titles('INFO default')).toEqual(byDefault);
    expect(titles('INFO keyspace SERVER')).toEqual(['Server', 'Keyspace']);
    expect(titles('INFO everything')).toEqual(expect.arrayContaining(['Commandstats', 'Latencystats']));
    expect(client.line('INFO nosuch')).toBe('');
  });

  it('counts calls, failures and refusals of each command', () => {
    const client = new LocalServer().client();
    client.line('SET k x');
    client.line('SET k y');
    client.line('INCR k');
    client.line('GET');
    client.line('CONFIG GET maxmemory');
    expect(fieldOf(client, 'commandstats', 'cmdstat_set')).toMatch(
      /^calls=2,usec=\d+,usec_per_call=\d+\.\d\d,rejected_calls=0,failed_calls=0$/,
    );
    expect(fieldOf(client, 'commandstats', 'cmdstat_incr')).toMatch(
      /^calls=1,.*,rejected_calls=0,failed_calls=1$/,
    );
    expect(fieldOf(client, 'commandstats', 'cmdstat_get')).toMatch(
      /^calls=0,.*,rejected_calls=1,failed_calls=0$/,
    );
    expect(fieldOf(client, 'commandstats', 'cmdstat_config|get')).toMatch(/^calls=1,/);
    client.line('CONFIG RESETSTAT');
    expect(Object.keys(infoOf(client, 'commandstats'))).toEqual(['cmdstat_config|resetstat']);
  });

  it('counts error replies by their code, those of queued commands once', () => {
    const server = new LocalServer();
    const client = server.client();
    client.line('NOSUCH');
    client.line('RPUSH l 1');
    client.line('GET l');
    client.line('MULTI');
    client.line('GET l');
    client.line('EXEC');
    client.line('MULTI');
    client.line('NOSUCH');
    client.line('EXEC');
    expect(infoOf(client, 'errorstats')).toEqual({
      errorstat_ERR: 'count=2',
      errorstat_WRONGTYPE: 'count=2',
      errorstat_EXECABORT: 'count=1',
    });
    expect(fieldOf(client, 'stats', 'total_error_replies')).toBe('5');
    const { registry } = server.kv;
    expect(registry.figuresOf(registry.byName('exec')!).failedCalls).toBe(1);
  });

  it('knows no more than some codes apart', () => {
    const server = new LocalServer();
    const client = server.client();
    for (let i = 0; i < 200; i++) client.run('DEBUG', 'ERROR', `CODE${i} message`);
    const errors = infoOf(client, 'errorstats');
    expect(Object.keys(errors).length).toBe(129);
    expect(errors).toMatchObject({ errorstat_ERRORSTATS_OVERFLOW: 'count=72' });
  });

  it('counts keys, hits, misses, clients and connections', () => {
    const server = new LocalServer();
    const client = server.client();
    server.client().line('SUBSCRIBE a');
    server.client().line('BLPOP l 0');
    server.client().line('WATCH k');
    const gone = server.client();
    gone.close();
    client.line('SET k v');
    client.line('SET e v EX 100');
    client.line('GET k');
    client.line('GET none');
    expect(infoOf(client, 'keyspace')).toEqual({ db0: 'keys=2,expires=1,avg_ttl=0' });
    expect(infoOf(client, 'stats')).toMatchObject({
      keyspace_hits: '1',
      keyspace_misses: '1',
      total_connections_received: '5',
      pubsub_channels: '1',
    });
    expect(infoOf(client, 'clients')).toMatchObject({
      connected_clients: '4',
      blocked_clients: '1',
      pubsub_clients: '1',
      watching_clients: '1',
      total_watched_keys: '1',
    });
  });

  it('measures commands per second', () => {
    const server = new LocalServer();
    const client = server.client();
    for (let i = 0; i < 500; i++) client.line('PING');
    server.env.advance(1100);
    expect(Number(fieldOf(client, 'stats', 'instantaneous_ops_per_sec'))).toBeGreaterThan(400);
  });
});

describe('COMMAND', () => {
  it('describes commands from their declarations', () => {
    const client = new LocalServer().client(3);
    expect(client.line('COMMAND INFO config|get|x')).toEqual([null]);
    const [get, none] = client.line('COMMAND INFO get nosuch') as unknown[][];
    expect(get.slice(0, 7)).toEqual(['get', 2, ['readonly', 'fast'], 1, 1, 1, ['@read', '@string', '@fast']]);
    expect(none).toBeNull();
    const [config] = client.line('COMMAND INFO config') as unknown[][][];
    expect((config[9] as unknown[][]).map(([name]) => name)).toContain('config|get');
    expect(client.line('COMMAND COUNT')).toBe((client.line('COMMAND') as unknown[]).length);
  });

  it('documents commands from their declarations', () => {
    const client = new LocalServer().client(3);
    const docs = client.line('COMMAND DOCS set config|get nosuch') as object;
    expect(Object.keys(docs)).toEqual(['set', 'config|get']);
    const argument = {
      name: 'get',
      type: 'pure-token',
      display_text: 'get',
      token: 'GET',
      flags: ['optional'],
    };
    expect(docs).toMatchObject({
      set: {
        group: 'string',
        since: '1.0.0',
        complexity: 'O(1)',
        arguments: expect.arrayContaining([argument]),
      },
    });
    expect(client.line('COMMAND DOCS getset debug')).toMatchObject({
      getset: {
        doc_flags: ['deprecated'],
        deprecated_since: '6.2.0',
        replaced_by: '`SET` with the `!GET` argument',
      },
      debug: { doc_flags: ['syscmd'] },
    });
  });

  it('lists commands and subcommands, by category and pattern too', () => {
    const client = new LocalServer().client();
    expect(client.line('COMMAND LIST')).toEqual(expect.arrayContaining(['get', 'client', 'client|list']));
    expect(client.line('COMMAND LIST FILTERBY PATTERN config|*')).toContain('config|set');
    expect(client.line('COMMAND LIST FILTERBY ACLCAT transaction')).toEqual(
      expect.arrayContaining(['multi', 'exec', 'watch']),
    );
    expect(client.line('COMMAND LIST FILTERBY MODULE x')).toEqual([]);
    expect(client.line('COMMAND LIST FILTERBY FOO x')).toEqual(new Error('ERR syntax error'));
  });

  it('finds the keys of a command', () => {
    const client = new LocalServer().client();
    expect(client.line('COMMAND GETKEYS MSET a 1 b 2')).toEqual(['a', 'b']);
    expect(client.line('COMMAND GETKEYS LMPOP 2 a b LEFT')).toEqual(['a', 'b']);
    expect(client.line('COMMAND GETKEYS LMPOP 9 a b LEFT')).toEqual(
      new Error('ERR Invalid arguments specified for command'),
    );
    expect(client.line('COMMAND GETKEYS PING')).toEqual(new Error('ERR The command has no key arguments'));
    expect(client.line('COMMAND GETKEYS GET')).toEqual(
      new Error('ERR Invalid number of arguments specified for command'),
    );
    expect(client.line('COMMAND GETKEYS NOSUCH')).toEqual(new Error('ERR Invalid command specified'));
    expect(client.line('COMMAND GETKEYSANDFLAGS SET a 1')).toEqual([['a', ['OW', 'update']]]);
    expect(client.line('COMMAND GETKEYSANDFLAGS SET a 1 GET')).toEqual([['a', ['RW', 'access', 'update']]]);
    expect(client.line('COMMAND GETKEYS SPUBLISH c m')).toEqual(
      new Error('ERR The command has no key arguments'),
    );
    expect(client.line('COMMAND GETKEYSANDFLAGS LMOVE a b LEFT RIGHT')).toEqual([
      ['a', ['RW', 'access', 'delete']],
      ['b', ['RW', 'insert']],
    ]);
  });
});

describe('SLOWLOG', () => {
  it('keeps the newest commands over the threshold, cut short and without secrets', () => {
    const server = new LocalServer();
    const client = server.client();
    client.line('CLIENT SETNAME me');
    client.line('CONFIG SET slowlog-log-slower-than 0 slowlog-max-len 3');
    client.line('PING');
    client.run('ECHO', 'x'.repeat(200));
    client.line('CONFIG SET requirepass secret');
    client.run('DEL', ...Array.from({ length: 40 }, (_, i) => `k${i}`));
    const entries = client.line('SLOWLOG GET 10') as [number, number, number, string[], string, string][];
    expect(entries.map(([, , , args]) => args[0])).toEqual(['DEL', 'CONFIG', 'ECHO']);
    expect(entries[0][3].length).toBe(32);
    expect(entries[0][3][31]).toBe('... (10 more arguments)');
    expect(entries[1][3]).toEqual(['CONFIG', 'SET', 'requirepass', '(redacted)']);
    expect(entries[2][3][1]).toBe(`${'x'.repeat(128)}... (72 more bytes)`);
    expect(entries[0].slice(4)).toEqual([client.session.address, 'me']);
    expect(client.line('SLOWLOG GET 1')).toHaveLength(1);
    expect(client.line('SLOWLOG GET -1')).toHaveLength(3);
    client.line('CONFIG SET slowlog-log-slower-than -1');
    expect(client.line('SLOWLOG RESET')).toBe('OK');
    expect(client.line('SLOWLOG LEN')).toBe(0);
  });
});

describe('LATENCY', () => {
  it('keeps the worst of each second', () => {
    const server = new LocalServer();
    const client = server.client();
    const { latency } = server.kv.stopwatch;
    client.line('CONFIG SET latency-monitor-threshold 10');
    latency.add('command', 9, 1_000_000);
    latency.add('command', 30, 1_000_000);
    latency.add('command', 20, 1_000_500);
    latency.add('command', 15, 2_000_000);
    expect(client.line('LATENCY LATEST')).toEqual([['command', 2000, 15, 30]]);
    expect(client.line('LATENCY HISTORY command')).toEqual([
      [1000, 30],
      [2000, 15],
    ]);
    expect(client.line('LATENCY GRAPH command')).toMatch(
      /^command - high 30 ms, low 15 ms \(all time high 30 ms\)\n/,
    );
    expect(client.line('LATENCY GRAPH none')).toEqual(new Error("ERR No samples available for event 'none'"));
    expect(client.line('LATENCY DOCTOR')).toContain('command: 2 latency spikes');
    expect(client.line('LATENCY RESET none')).toBe(0);
    expect(client.line('LATENCY RESET')).toBe(1);
    expect(client.line('LATENCY HISTORY command')).toEqual([]);
  });

  it('has a histogram of what was timed', () => {
    const server = new LocalServer();
    const client = server.client(3);
    const { registry } = server.kv;
    const { times } = registry.figuresOf(registry.byName('get')!);
    for (const ms of [0.001, 0.003, 0.003, 0.1]) times.record(ms, true);
    expect(client.line('LATENCY HISTOGRAM get nosuch')).toEqual({
      get: {
        calls: 4,
        histogram_usec: { 1: 1, 2: 1, 4: 3, 8: 3, 16: 3, 32: 3, 64: 3, 128: 4 },
      },
    });
  });
});

describe('DEBUG', () => {
  it('is off unless the configuration says otherwise', () => {
    const server = new LocalServer();
    const client = server.client();
    for (const [allowed, isOk] of [
      ['no', false],
      ['local', true],
      ['yes', true],
    ] as const) {
      server.kv.config.set('enable-debug-command', allowed);
      expect(client.line('DEBUG JMAP') === 'OK').toBe(isOk);
    }
  });

  it('has a digest that depends on nothing but the content', () => {
    const [a, b] = [new LocalServer(1).client(), new LocalServer(2).client()];
    const fill = (client: TestClient, order: readonly string[]): void => {
      for (const each of order) client.line(`SET ${each} ${each}`);
      client.line('RPUSH l a b');
      client.line('ZADD z 1 a 2 b');
    };
    fill(a, ['x', 'y', 'w']);
    fill(b, ['w', 'y', 'x']);
    expect(a.line('DEBUG DIGEST')).toMatch(/^[0-9a-f]{40}$/);
    expect(a.line('DEBUG DIGEST')).toBe(b.line('DEBUG DIGEST'));
    b.line('EXPIRE x 100');
    expect(a.line('DEBUG DIGEST')).not.toBe(b.line('DEBUG DIGEST'));
    // As redis-server has them.
    expect(a.line('DEBUG DIGEST-VALUE l none')).toEqual([
      '62f55a532623cf6c3d81081db480b6fd8461eb3f',
      '0000000000000000000000000000000000000000',
    ]);
  });

  it('reloads everything from its description', () => {
    const server = new LocalServer();
    const client = server.client();
    client.line('DEBUG POPULATE 1000');
    client.line('RPUSH l a b c');
    client.line('ZADD z 1 a');
    client.line('SET e v EX 100');
    client.line('SELECT 3');
    client.line('SET other v');
    const digest = client.line('DEBUG DIGEST');
    expect(client.line('DEBUG RELOAD')).toBe('OK');
    expect(client.line('DEBUG DIGEST')).toBe(digest);
    client.line('SELECT 0');
    expect(client.line('DBSIZE')).toBe(1003);
    expect(client.line('TTL e')).toBe(100);
    expect(client.line('SET new v')).toBe('OK');
  });

  it('reloads libraries of functions too, and what it described last when asked for', () => {
    const c = new LocalServer().client();
    const failed = new Error('ERR Error trying to load the RDB dump, check server logs.');
    const load = (name: string) =>
      c.run(
        'FUNCTION',
        'LOAD',
        `#!lua name=${name}\nredis.register_function('${name}', function() return 1 end)`,
      );
    load('one');
    c.line('SET k old');
    expect(c.line('DEBUG RELOAD NOSAVE')).toEqual(failed);
    expect(c.line('DEBUG RELOAD')).toBe('OK');
    expect(c.line('FCALL one 0')).toBe(1);
    expect(c.line('DEBUG RELOAD NOFLUSH')).toEqual(failed);
    expect(c.line('DEBUG RELOAD NOFLUSH MERGE')).toBe('OK');
    load('two');
    c.line('SET k new');
    expect(c.line('debug reload nosave noflush merge')).toBe('OK');
    expect(c.line('FCALL one 0')).toBe(1);
    expect(c.line('FCALL two 0')).toBe(1);
    expect(c.line('GET k')).toBe('new');
    expect(c.line('DEBUG RELOAD NOSAVE')).toBe('OK');
    expect(c.line('FCALL one 0')).toBe(1);
    expect(c.line('FCALL two 0')).toEqual(new Error('ERR Function not found'));
    expect(c.line('GET k')).toBe('old');
    expect(c.line('DEBUG RELOAD TWICE')).toEqual(
      new Error('ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.'),
    );
  });

  it('tells about a key', () => {
    const client = new LocalServer().client();
    client.line('SET k 12');
    expect(client.line('DEBUG OBJECT k')).toMatch(
      /^Value at:0x[0-9a-f]+ refcount:1 encoding:int serializedlength:\d+ lru:\d+ lru_seconds_idle:\d+$/,
    );
    expect(client.line('DEBUG OBJECT none')).toEqual(new Error('ERR no such key'));
  });

  it('stops active expiry', () => {
    const server = new LocalServer();
    const client = server.client();
    client.line('DEBUG SET-ACTIVE-EXPIRE 0');
    client.line('SET k v PX 10');
    server.env.advance(1000);
    expect(client.line('DBSIZE')).toBe(1);
    client.line('DEBUG SET-ACTIVE-EXPIRE 1');
    server.env.advance(1000);
    expect(client.line('DBSIZE')).toBe(0);
  });
});

it('tells in MEMORY STATS what the allocators have and use', () => {
  const stats = new LocalServer().client().line('MEMORY STATS') as Record<string, number>;
  expect(stats['allocator.allocated']).toBeGreaterThan(0);
  const unused = stats['allocator.active'] - stats['allocator.allocated'];
  expect(stats['allocator-fragmentation.bytes']).toBe(unused);
  expect(stats['allocator-rss.bytes']).toBe(stats['allocator.resident'] - stats['allocator.active']);
  for (const name of ['allocator-fragmentation.ratio', 'allocator-rss.ratio', 'rss-overhead.ratio']) {
    expect(Number(stats[name]), name).toBeGreaterThan(0);
  }
});

describe('MEMORY USAGE', () => {
  it('an empty stream has no elements to look at', () => {
    const client = new LocalServer().client();
    client.line('XGROUP CREATE x g $ MKSTREAM');
    expect(client.line('MEMORY USAGE x')).toBeGreaterThan(0);
    expect(client.line('MEMORY USAGE x SAMPLES 0')).toBe(client.line('MEMORY USAGE x'));
  });

  it('grows with the value', () => {
    const client = new LocalServer().client();
    client.run('SET', 'k', 'x'.repeat(1000));
    expect(client.line('MEMORY USAGE k')).toBeGreaterThan(1000);
    expect(client.line('MEMORY USAGE none')).toBeNull();
    client.run('RPUSH', 'l', ...Array.from({ length: 100 }, () => 'x'.repeat(50)));
    const usage = client.line('MEMORY USAGE l') as number;
    expect(usage).toBeGreaterThan(5000);
    expect(client.line('MEMORY USAGE l SAMPLES 0')).toBe(usage);
    expect(client.line('MEMORY USAGE l SAMPLES -1')).toEqual(new Error('ERR syntax error'));
  });
});

describe('SAVE and SHUTDOWN', () => {
  it('say that nothing is kept when it is not', () => {
    const client = new LocalServer().client();
    for (const line of ['SAVE', 'BGSAVE', 'BGREWRITEAOF']) {
      expect(client.line(line)).toMatchObject({
        message: expect.stringContaining('no directory to save to'),
      });
    }
    expect(client.line('SHUTDOWN SAVE')).toEqual(new Error('ERR Errors trying to SHUTDOWN. Check logs.'));
    expect(client.line('SHUTDOWN ABORT')).toEqual(new Error('ERR No shutdown in progress.'));
  });

  it('wait for the snapshot', async () => {
    const snapshots = new FakeSnapshots();
    const server = new LocalServer(1, undefined, { snapshots });
    const [a, b] = [server.client(), server.client()];
    expect(a.line('SAVE')).toBeUndefined();
    expect(b.line('BGSAVE')).toEqual(new Error('ERR Background save already in progress'));
    expect(fieldOf(b, 'persistence', 'rdb_bgsave_in_progress')).toBe('1');
    snapshots.finish();
    await settled();
    expect(a.take()).toBe('OK');
    expect(b.line('LASTSAVE')).toBe(1_700_000_000);
    expect(b.line('BGSAVE')).toBe('Background saving started');
    snapshots.finish();
    a.line('SAVE');
    snapshots.fail(new Error('the disk is full'));
    await settled();
    expect(a.take()).toEqual(new Error('ERR the disk is full'));
  });

  it('end the server, with a snapshot only when asked', async () => {
    const ended: boolean[] = [];
    const snapshots = new FakeSnapshots();
    const server = new LocalServer(1, undefined, { snapshots, onShutdown: (save) => ended.push(save) });
    const client = server.client();
    client.line('SHUTDOWN NOSAVE');
    expect([ended, client.isClosed]).toEqual([[false], true]);
    server.client().line('SHUTDOWN SAVE');
    expect(ended).toEqual([false]);
    snapshots.finish();
    await settled();
    expect(ended).toEqual([false, true]);
  });
});

describe('MONITOR', () => {
  it('shows every command but administrative ones and secrets', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    expect(a.line('MONITOR')).toBe('OK');
    b.run('SET', 'k', 'a "b"\n\xe9');
    b.line('CONFIG GET maxmemory');
    b.line('AUTH default secret');
    b.line('MULTI');
    b.line('GET k');
    b.line('EXEC');
    const shown: string[] = [];
    for (let line = a.take(); line !== undefined; line = a.take()) shown.push(String(line));
    expect(shown[0]).toBe(`1750000000.000000 [0 ${b.session.address}] "SET" "k" "a \\"b\\"\\n\\xc3\\xa9"`);
    expect(shown.slice(1).map((line) => line.slice(line.indexOf(']') + 2))).toEqual([
      '"AUTH" "(redacted)" "(redacted)"',
      '"MULTI"',
      '"GET" "k"',
      '"EXEC"',
    ]);
    a.line('RESET');
    b.line('PING');
    expect(a.take()).toBeUndefined();
  });

  it('keeps its client from keys, with the words of a subscriber where it is one', () => {
    const server = new LocalServer();
    const client = server.client();
    client.line('MONITOR');
    expect(String(client.line('GET k'))).toContain("Replica can't interact with the keyspace");
    client.line('SUBSCRIBE a');
    while (client.take() !== undefined);
    expect(String(client.line('GET k'))).toContain("Can't execute 'get': only (P|S)SUBSCRIBE");
  });

  it('shows an EXEC that was refused, since it ends the transaction', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    a.line('MONITOR');
    b.line('MULTI');
    b.line('EXEC now');
    expect([a.take(), a.take(), a.take()].map((line) => line && String(line).replace(/^.*\] /, ''))).toEqual([
      '"MULTI"',
      '"EXEC" "now"',
      undefined,
    ]);
  });
});

describe('commands over whole databases', () => {
  it('empty and swap them', () => {
    const server = new LocalServer();
    const [a, b] = [server.client(), server.client()];
    b.line('SELECT 1');
    a.line('SET k a');
    b.line('SET k b');
    expect(a.line('SWAPDB 0 1')).toBe('OK');
    expect([a.line('GET k'), b.line('GET k')]).toEqual(['b', 'a']);
    expect(a.line('SWAPDB x 1')).toEqual(new Error('ERR invalid first DB index'));
    expect(a.line('SWAPDB 0 16')).toEqual(new Error('ERR DB index is out of range'));
    expect(a.line('FLUSHDB')).toBe('OK');
    expect([a.line('DBSIZE'), b.line('DBSIZE')]).toEqual([0, 1]);
    expect(a.line('FLUSHALL SYNC')).toBe('OK');
    expect(b.line('DBSIZE')).toBe(0);
    expect(a.line('FLUSHALL FOO')).toEqual(new Error('ERR syntax error'));
  });

  it('take no version when there is nothing to empty', () => {
    const server = new LocalServer();
    const client = server.client();
    client.line('FLUSHALL');
    client.line('FLUSHDB');
    expect(server.storage.stamp.last).toBe(0);
  });
});

describe('a server that stands alone', () => {
  it('says so', () => {
    const client = new LocalServer().client();
    const disabled = new Error('ERR This instance has cluster support disabled');
    const lines = [
      'CLUSTER INFO',
      'CLUSTER SLOTS',
      'CLUSTER COUNTKEYSINSLOT x',
      'READONLY',
      'READWRITE',
      'ASKING',
    ];
    for (const line of lines) {
      expect(client.line(line)).toEqual(disabled);
    }
    expect(client.line('ROLE')).toEqual(['master', 0, []]);
    expect(client.line('REPLICAOF NO ONE')).toBe('OK');
    expect(client.line('REPLICAOF localhost 1')).toBeInstanceOf(Error);
    expect(client.line('MODULE LIST')).toEqual([]);
    expect(client.line('ACL WHOAMI')).toBe('default');
    expect(client.line('ACL LIST')).toEqual(['user default on nopass sanitize-payload ~* &* +@all']);
    expect(client.line('ACL CAT transaction')).toEqual(expect.arrayContaining(['multi', 'exec']));
    expect(client.line('ACL GENPASS 5')).toMatch(/^[0-9a-f]{2}$/);
  });
});
