import { describe, expect, it } from 'vitest';
import { LocalServer, type TestClient } from '../testing/index.js';

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
    for (const name of ['dir', 'dbfilename']) {
      expect(client.line(`CONFIG SET timeout 6 ${name} x timeout 7`)).toEqual(
        new Error(
          `ERR CONFIG SET failed (possibly related to argument '${name}') - can't set protected config`,
        ),
      );
    }
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
    for (const wrong of ['x', '0', '5'])
      expect(client.line(`COMMAND GETKEYS ZUNIONSTORE d ${wrong} a b`)).toEqual(
        new Error('ERR Invalid arguments specified for command'),
      );
    expect(client.line('COMMAND GETKEYS EVAL s 5 a b')).toEqual([]);
    expect(client.line('COMMAND GETKEYS PING')).toEqual(new Error('ERR The command has no key arguments'));
    expect(client.line('COMMAND GETKEYS GET')).toEqual(
      new Error('ERR Invalid number of arguments specified for command'),
    );
    const rw = ['RW', 'access', 'delete'];
    const migrate = (key: string, ...keys: string[]) =>
      client.ask(['COMMAND', 'GETKEYSANDFLAGS', 'MIGRATE', 'h', 'p', key, '0', '5', 'KEYS', ...keys]);
    expect(migrate('', 'a', 'b')).toEqual([
      ['a', rw],
      ['b', rw],
    ]);
    expect(migrate('')).toEqual([['', rw]]);
    expect(migrate('k', 'a', 'b')).toEqual(new Error('ERR Invalid arguments specified for command'));
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
