import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { LocalServer, type Plain, type TestClient } from '../testing/index.js';

function newClient(dialect: 2 | 3 = 2): TestClient {
  return new LocalServer().client(dialect);
}

/** What a script without keys returns. */
function evaluate(client: TestClient, code: string, ...args: string[]): Plain | undefined {
  return client.run('EVAL', code, 0, ...args);
}

describe('EVAL', () => {
  it('gives the script its keys and arguments, bytes as they are', () => {
    const c = newClient();
    expect(c.run('EVAL', 'return {KEYS[1], KEYS[2], ARGV[1], #ARGV}', 2, 'a', 'b', '\x00\xff')).toEqual([
      'a',
      'b',
      Buffer.from('\x00\xff').toString('latin1'),
      1,
    ]);
    expect(c.line('EVAL return two a')).toEqual(new Error('ERR value is not an integer or out of range'));
    expect(c.run('EVAL', 'return 1', 3, 'a')).toEqual(
      new Error("ERR Number of keys can't be greater than number of args"),
    );
    expect(c.run('EVAL', 'return 1', -1)).toEqual(new Error("ERR Number of keys can't be negative"));
  });

  it('tells scripts apart that are as long and end alike, and forgets them with SCRIPT FLUSH', () => {
    const c = newClient();
    const end = ' -- the same end for all of them';
    const codes = ['return 1', 'return 2', 'return 3'].map((code) => code + end);
    for (let round = 0; round < 3; round++) {
      expect(codes.map((code) => evaluate(c, code))).toEqual([1, 2, 3]);
    }
    c.line('SCRIPT FLUSH');
    expect(codes.map((code) => evaluate(c, code))).toEqual([1, 2, 3]);
    const sha = createHash('sha1').update(codes[0]).digest('hex');
    expect(c.run('SCRIPT', 'EXISTS', sha)).toEqual([1]);
    c.line('SCRIPT FLUSH');
    expect(c.run('SCRIPT', 'EXISTS', sha)).toEqual([0]);
    expect(evaluate(c, codes[1])).toBe(2);
    expect(c.run('EVALSHA', sha, 0)).toEqual(new Error('NOSCRIPT No matching script. Please use EVAL.'));
  });

  it('does not mix up a script that fails and the one after it', () => {
    const c = newClient();
    const failing = 'return redis.call("NOSUCH")';
    for (let round = 0; round < 3; round++) {
      expect(evaluate(c, failing)).toBeInstanceOf(Error);
      expect(evaluate(c, 'return {pcall(redis.call, "NOSUCH") and 1 or 0, "after"}')).toEqual([0, 'after']);
      expect(evaluate(c, 'return "next"')).toBe('next');
    }
  });

  it('turns what a script returns into a reply', () => {
    const c = newClient();
    const cases: [string, Plain][] = [
      ['return 3.99', 3],
      ['return -3.99', -3],
      ['return "3.99"', '3.99'],
      ['return true', 1],
      ['return false', null],
      ['return nil', null],
      ['return {1, 2, nil, 4}', [1, 2]],
      ['return {1, {2, {3}}, "x", false}', [1, [2, [3]], 'x', null]],
      ['return {ok = "fine"}', 'fine'],
      ['return {err = "BAD luck"}', new Error('BAD luck')],
      ['return redis.status_reply("fine")', 'fine'],
      ['return redis.error_reply("luck")', new Error('ERR luck')],
      ['return "first", "second"', 'first'],
      ['', null],
    ];
    for (const [code, reply] of cases) expect([code, evaluate(c, code)]).toEqual([code, reply]);
  });

  it('tells a client of RESP3 types that RESP2 does not have', () => {
    const c = newClient(3);
    expect(evaluate(c, 'return {double = 1.5}')).toBe(1.5);
    expect(evaluate(c, 'return {map = {a = 1}}')).toEqual({ a: 1 });
    expect(evaluate(c, 'redis.setresp(3); return true')).toBe(true);
    expect(evaluate(c, 'return true')).toBe(1);
    expect(evaluate(c, 'return {big_number = "123"}')).toBe(123n);
    c.line('HSET h f v');
    expect(evaluate(c, 'return redis.call("HGETALL", "h")')).toEqual(['f', 'v']);
    expect(evaluate(c, 'redis.setresp(3); return redis.call("HGETALL", "h")')).toEqual({ f: 'v' });
    expect(evaluate(c, 'redis.setresp(3); return redis.call("HGETALL", "h").map.f')).toBe('v');
  });

  it('raises the errors of redis.call, and hands over those of redis.pcall', () => {
    const c = newClient();
    c.line('SET k v');
    const reply = evaluate(c, 'return redis.call("INCR", "k")') as Error;
    expect(reply.message).toMatch(
      /^ERR value is not an integer or out of range script: [0-9a-f]{40}, on @user_script:1\.$/,
    );
    expect(evaluate(c, 'return redis.pcall("INCR", "k")')).toEqual(
      new Error('ERR value is not an integer or out of range'),
    );
    expect(evaluate(c, 'return redis.pcall("INCR", "k").err')).toBe(
      'ERR value is not an integer or out of range',
    );
    expect(evaluate(c, 'local _, e = pcall(redis.call, "INCR", "k") return e')).toBe(
      'ERR value is not an integer or out of range',
    );
    expect(evaluate(c, 'return redis.pcall("NOSUCH").err')).toBe(
      'ERR Unknown Redis command called from script',
    );
    expect(evaluate(c, 'return redis.pcall("OBJECT").err')).toBe(
      'ERR Wrong number of args calling Redis command from script',
    );
    expect(evaluate(c, 'return redis.pcall("GET").err')).toBe(
      'ERR Wrong number of args calling Redis command from script',
    );
    expect(evaluate(c, 'return redis.pcall("SUBSCRIBE", "c").err')).toBe(
      'ERR This Redis command is not allowed from script',
    );
  });

  it.each(['_G', 'redis', 'string', 'math', 'cjson', 'getmetatable("")'])(
    'shows no other script what one put into %s by table.insert',
    (name) => {
      const c = newClient();
      evaluate(c, `table.insert(${name}, "left behind")`);
      expect(evaluate(c, `return rawget(${name}, 1)`)).toBeNull();
    },
  );

  it('keeps its globals from scripts', () => {
    const c = newClient();
    expect((evaluate(c, 'x = 1') as Error).message).toContain('Attempt to modify a readonly table');
    expect((evaluate(c, 'return x') as Error).message).toContain(
      "Script attempted to access nonexistent global variable 'x'",
    );
    expect((evaluate(c, 'redis.call = nil') as Error).message).toContain(
      'Attempt to modify a readonly table',
    );
    expect((evaluate(c, 'setmetatable(_G, {})') as Error).message).toContain(
      'Attempt to modify a readonly table',
    );
    expect(evaluate(c, 'return redis.sha1hex("")')).toBe('da39a3ee5e6b4b0d3255bfef95601890afd80709');
  });

  it('lets blocking commands answer at once', () => {
    const c = newClient();
    expect(evaluate(c, 'return redis.call("BLPOP", "l", 0)')).toBeNull();
    c.line('RPUSH l a');
    expect(evaluate(c, 'return redis.call("BLPOP", "l", 0)')).toEqual(['l', 'a']);
    expect(evaluate(c, 'return redis.call("XREAD", "BLOCK", 0, "STREAMS", "s", "$")')).toEqual(
      expect.any(Error),
    );
  });
});

describe('what a script writes', () => {
  it('has one version, and is one write to who watches', () => {
    const server = new LocalServer();
    const c = server.client();
    const watcher = server.client();
    watcher.line('WATCH a');
    c.run('EVAL', 'redis.call("SET", "a", 1) redis.call("SET", "b", 2)', 2, 'a', 'b');
    watcher.line('MULTI');
    watcher.line('GET a');
    expect(watcher.line('EXEC')).toBeNull();
    const db = server.storage.database(0);
    const versionOf = (key: string): number => db.version(db.find(Buffer.from(key), 0, key.length));
    expect(versionOf('a')).toBe(versionOf('b'));
    expect(versionOf('a')).toBeGreaterThan(0);
  });

  it('stays when the script fails later', () => {
    const c = newClient();
    expect(evaluate(c, 'redis.call("SET", "a", 1) error("no")')).toBeInstanceOf(Error);
    expect(c.line('GET a')).toBe('1');
  });

  it('goes to the database that the script selected, and the client stays where it was', () => {
    const c = newClient();
    evaluate(c, 'redis.call("SELECT", 3) redis.call("SET", "a", 1)');
    expect(c.line('GET a')).toBeNull();
    c.line('SELECT 3');
    expect(c.line('GET a')).toBe('1');
  });

  it('is part of the transaction that the script is part of', () => {
    const c = newClient();
    c.line('MULTI');
    c.line('SET a 1');
    c.run('EVAL', 'return redis.call("INCR", KEYS[1])', 1, 'a');
    c.line('GET a');
    expect(c.line('EXEC')).toEqual(['OK', 2, '2']);
  });

  it('is nothing where it may not be', () => {
    const c = newClient();
    const refused = 'ERR Write commands are not allowed from read-only scripts.';
    const code = 'return redis.pcall("SET", "a", 1).err';
    expect(c.run('EVAL_RO', code, 1, 'a')).toBe(refused);
    expect(c.run('EVAL', `#!lua flags=no-writes\n${code}`, 1, 'a')).toBe(refused);
    expect(c.line('EXISTS a')).toBe(0);
    expect(c.run('EVAL_RO', '#!lua\nreturn 1', 0)).toEqual(
      new Error('ERR Can not execute a script with write flag using *_ro command.'),
    );
  });
});

describe('time and chance in a script', () => {
  it('are those of the server: time stands still, chance begins with the same seed', () => {
    const code = 'return {redis.call("TIME"), redis.call("TIME"), math.random(1000), math.random(1000)}';
    const [before, after, ...numbers] = evaluate(newClient(), code) as Plain[];
    expect(before).toEqual(after);
    expect(evaluate(newClient(), code)).toEqual([before, after, ...numbers]);
    const seeded = 'math.randomseed(7) return {math.random(1000), math.random(1000)}';
    const c = newClient();
    expect(evaluate(c, seeded)).toEqual(evaluate(c, seeded));
  });
});

describe('the cache of scripts', () => {
  it('finds by SHA-1, in any case', () => {
    const c = newClient();
    const sha = String(c.run('SCRIPT', 'LOAD', 'return 7'));
    expect(c.line(`EVALSHA ${sha} 0`)).toBe(7);
    expect(c.line(`EVALSHA ${sha.toUpperCase()} 0`)).toBe(7);
    const other = `${sha.slice(0, -1)}${sha.endsWith('0') ? '1' : '0'}`;
    expect(c.line(`SCRIPT EXISTS ${sha} ${other}`)).toEqual([1, 0]);
    const missing = new Error('NOSCRIPT No matching script. Please use EVAL.');
    expect(c.line(`EVALSHA ${other} 0`)).toEqual(missing);
    expect(c.line('EVALSHA short 0')).toEqual(missing);
    expect(c.line('SCRIPT FLUSH')).toBe('OK');
    expect(c.line(`EVALSHA ${sha} 0`)).toEqual(missing);
  });

  it('forgets scripts that only EVAL brought, the one that was used longest ago first', () => {
    const c = newClient();
    const shaOf = (code: string): string => createHash('sha1').update(code).digest('hex');
    const used = 'return "used"';
    evaluate(c, used);
    const kept = String(c.run('SCRIPT', 'LOAD', 'return "kept"'));
    for (let i = 0; i < 600; i++) {
      evaluate(c, `return ${i}`);
      expect(c.line(`EVALSHA ${shaOf(used)} 0`)).toBe('used');
    }
    const first = shaOf('return 0');
    const last = shaOf('return 599');
    expect(c.line(`SCRIPT EXISTS ${kept} ${shaOf(used)} ${first} ${last}`)).toEqual([1, 1, 0, 1]);
    for (let i = 600; i < 1100; i++) evaluate(c, `return ${i}`);
    expect(c.line(`SCRIPT EXISTS ${kept} ${shaOf(used)}`)).toEqual([1, 0]);
    expect(c.line(`EVALSHA ${kept} 0`)).toBe('kept');
  });
});

describe('memory of scripts', () => {
  it('is limited, and a script that wants more ends with an error', () => {
    const c = newClient();
    expect(c.line('CONFIG SET lua-memory-limit 32mb')).toBe('OK');
    const reply = evaluate(c, 'local s = "x" while true do s = s .. s end') as Error;
    expect(reply.message).toContain('not enough memory');
    expect(evaluate(c, 'return #string.rep("x", 1000000)')).toBe(1000000);
  });
});
