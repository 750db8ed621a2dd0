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

describe('INFO', () => {
  it('counts each key and element as a change since the last save, as save points do', () => {
    const client = new LocalServer().client();
    const changesOf = (line: string): number => {
      const changes = () => Number(fieldOf(client, 'persistence', 'rdb_changes_since_last_save'));
      const before = changes();
      client.line(line);
      return changes() - before;
    };
    for (const [line, changes] of [
      ['MSET a 1 b 2 c 3', 3],
      ['MSETNX d 1 e 2', 2],
      ['MSETNX d 1 f 2', 0],
      ['HSET h a 1 b 2', 2],
      ['HDEL h a none', 1],
      ['SADD s a b c', 3],
      ['SADD s a', 0],
      ['SREM s a b', 2],
      ['ZADD z 1 a 2 b 3 c', 3],
      ['ZADD z XX 1 a 5 b', 1],
      ['ZREM z a none', 1],
      ['ZREMRANGEBYRANK z 0 -1', 2],
      ['RPUSH l a b b c d', 5],
      ['LREM l 0 b', 2],
      ['LTRIM l 1 -1', 1],
      ['LPOP l 5', 2],
      ['DEL a none b', 2],
      ['UNLINK c', 1],
      ['FLUSHALL', 4],
    ] as const) {
      expect([line, changesOf(line)]).toEqual([line, changes]);
    }
  });

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
    // In the order of their codes, as Redis has them.
    const codes = Object.keys(infoOf(client, 'errorstats'));
    expect(codes).toEqual(['errorstat_ERR', 'errorstat_EXECABORT', 'errorstat_WRONGTYPE']);
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
