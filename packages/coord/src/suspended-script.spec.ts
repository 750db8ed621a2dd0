import { SeededRandom } from '@holdfast/common/testing';
import { MemoryStorage } from '@holdfast/storage';
import { beforeEach, describe, expect, it } from 'vitest';
import { LocalServer, type TestClient } from './testing/index.js';

const busy = new Error(
  'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
);
/** Takes a third of a second by the clock below. */
const slow = (before: string, after: string): string =>
  `${before} local n = 0 for i = 1, 3e6 do n = n + i % 3 end ${after}`;
const endless = 'while true do end';

let server: LocalServer;
let c: TestClient;
let other: TestClient;

/** A clock that goes on by 10 ms whenever it is read: what scripts do takes time. */
function letTimePass({ env }: LocalServer): void {
  const { monotonic } = env.clock;
  let spentMs = 0;
  Object.assign(env.clock, { monotonic: () => monotonic() + (spentMs += 10) });
}

beforeEach(() => {
  server = new LocalServer();
  letTimePass(server);
  c = server.client();
  other = server.client();
  c.line('CONFIG SET busy-reply-threshold 100');
});

function evaluate(code: string): void {
  expect(c.run('EVAL', code, 0), code).toBeUndefined();
}

/** Runs turns until the client has its reply. */
function reply(client = c): unknown {
  for (let turns = 0; turns < 10_000; turns++) {
    const value = client.take();
    if (value !== undefined) return value;
    server.env.advance(0);
    server.coordinator.beginTurn();
    server.coordinator.settle();
  }
  throw new Error('the script does not end');
}

describe('a slow script', () => {
  it('lets others know that the server is busy, and ends', () => {
    evaluate(slow('redis.call("SET", "a", 1)', 'redis.call("SET", "b", 2) return "done"'));
    expect(other.line('GET a')).toEqual(busy);
    expect(other.line('PING')).toEqual(busy);
    expect(reply()).toBe('done');
    expect(other.line('MGET a b')).toEqual(['1', '2']);
  });

  it('is one write all the same', () => {
    other.line('WATCH a');
    evaluate(slow('redis.call("SET", "a", 1)', 'redis.call("SET", "b", 2)'));
    reply();
    const db = server.storage.database(0);
    const versionOf = (key: string): number => db.version(db.find(Buffer.from(key), 0, key.length));
    expect(versionOf('a')).toBe(versionOf('b'));
    other.line('MULTI');
    expect(other.line('EXEC')).toBeNull();
  });

  it('sees the time stand still', () => {
    evaluate(slow('local before = redis.call("TIME")[1]', 'return redis.call("TIME")[1] - before'));
    server.env.jumpClock(5000);
    expect(reply()).toBe(0);
  });

  it('is killed as long as it has not written', () => {
    evaluate(endless);
    expect(other.line('FUNCTION KILL')).toEqual(busy);
    expect(other.line('SCRIPT KILL')).toBe('OK');
    expect((reply() as Error).message).toContain('Script killed by user with SCRIPT KILL');
    expect(other.line('PING')).toBe('PONG');
    expect(other.line('SCRIPT KILL')).toEqual(new Error('NOTBUSY No scripts in execution right now.'));
  });

  it('is killed where it catches errors', () => {
    evaluate('while true do pcall(function() while true do end end) end');
    expect(other.line('SCRIPT KILL')).toBe('OK');
    expect((reply() as Error).message).toContain('Script killed by user with SCRIPT KILL');
  });

  it('is not killed once it has written', () => {
    evaluate(slow('redis.call("SET", "a", 1)', 'return 1'));
    expect((other.line('SCRIPT KILL') as Error).message).toMatch(/^UNKILLABLE /);
    expect(reply()).toBe(1);
  });

  it('is ended where it can not be suspended', () => {
    const result = c.run(
      'EVAL',
      `redis.call("SET", "a", 1) table.sort({1, 2}, function() ${endless} end)`,
      0,
    );
    expect((result as Error).message).toContain('where it can not be suspended');
    expect(other.line('GET a')).toBe('1');
  });

  it('goes on when its client is gone', () => {
    evaluate(slow('redis.call("SET", "a", 1)', 'redis.call("SET", "b", 2)'));
    c.close();
    for (let i = 0; i < 200; i++) server.env.advance(0);
    expect(other.line('MGET a b')).toEqual(['1', '2']);
  });

  it('is part of a transaction, which goes on after it', () => {
    c.line('MULTI');
    c.line('SET a 1');
    c.run('EVAL', slow('', 'return redis.call("INCR", "a")'), 0);
    c.line('INCR a');
    expect(c.line('EXEC')).toBeUndefined();
    expect(other.line('GET a')).toEqual(busy);
    expect(reply()).toEqual(['OK', 2, 3]);
    expect(other.line('GET a')).toBe('3');
  });

  it('may be a function, with the words for functions', () => {
    c.run('FUNCTION', 'LOAD', `#!lua name=l\nredis.register_function('f', function() ${endless} end)`);
    expect(c.line('FCALL f 0')).toBeUndefined();
    const busyFunction = new Error(String(busy.message).replace('SCRIPT', 'FUNCTION'));
    expect(other.line('PING')).toEqual(busyFunction);
    expect(other.line('SCRIPT KILL')).toEqual(busyFunction);
    expect(other.line('FUNCTION STATS')).toMatchObject({
      running_script: { name: 'f', command: ['FCALL', 'f', '0'] },
    });
    expect(other.line('FUNCTION KILL')).toBe('OK');
    expect(reply()).toBeInstanceOf(Error);
  });
});

describe('a script whose keys are not in memory', () => {
  class ColdStorage extends MemoryStorage {
    override readonly isAllResident = false;
    readonly cold = new Set<string>();
    failsToLoad = false;

    override isResident(_database: number, bytes: Uint8Array, start: number, length: number): boolean {
      return !this.cold.has(Buffer.from(bytes.subarray(start, start + length)).toString());
    }

    override async loadSome(names: readonly { readonly key: Uint8Array }[]): Promise<void> {
      if (this.failsToLoad) throw new Error('broken disk');
      for (const { key } of names) this.cold.delete(Buffer.from(key).toString());
    }
  }

  let storage: ColdStorage;

  beforeEach(() => {
    storage = new ColdStorage(new SeededRandom(1));
    server = new LocalServer(1, storage);
    c = server.client();
    other = server.client();
    c.line('MSET a 1 b 2');
    storage.cold.add('a').add('b');
  });

  async function loaded(): Promise<void> {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  }

  it('waits for those that it did not declare; others wait with it, and are not refused', async () => {
    evaluate('return {redis.call("INCR", "a"), redis.call("INCR", "b")}');
    expect(other.line('GET b')).toBeUndefined();
    await loaded();
    expect(c.take()).toEqual([2, 3]);
    expect(other.take()).toBe('3');
  });

  it('waits within protected calls', async () => {
    evaluate('local ok, n = pcall(function() return redis.call("INCR", "a") end) return {tostring(ok), n}');
    await loaded();
    expect(c.take()).toEqual(['true', 2]);
  });

  it('gets an error when they can not be loaded', async () => {
    storage.failsToLoad = true;
    evaluate('return redis.pcall("INCR", "a").err');
    await loaded();
    expect(c.take()).toBe('ERR the key could not be loaded: broken disk');
    evaluate('return redis.call("INCR", "a")');
    await loaded();
    expect((c.take() as Error).message).toContain('the key could not be loaded: broken disk');
  });

  it('gets an error where it can not wait', () => {
    const result = c.run('EVAL', 'table.sort({1, 2}, function() return redis.call("GET", "a") end)', 0);
    expect((result as Error).message).toContain('can not wait for it here');
  });
});
