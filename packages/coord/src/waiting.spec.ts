import { SeededRandom } from '@holdfast/common/testing';
import { MemoryStorage } from '@holdfast/storage';
import { beforeEach, describe, expect, it } from 'vitest';
import { LocalServer, type TestClient } from './testing/index.js';

const wrongType = new Error('WRONGTYPE Operation against a key holding the wrong kind of value');

let server: LocalServer;
/** The one who writes. */
let c: TestClient;

beforeEach(() => {
  server = new LocalServer();
  c = server.client();
});

/** A client that runs a command and has to wait. */
function waiting(line: string, client = server.client()): TestClient {
  expect(client.line(line), line).toBeUndefined();
  return client;
}

function statsOf(name: string): string {
  const { registry } = server.kv;
  const { calls, failedCalls } = registry.figuresOf(registry.byName(name)!);
  return `${calls} calls, ${failedCalls} failed`;
}

it('gives nobody a key that expired within the transaction that made it', () => {
  const server = new LocalServer();
  const [waiter, other] = [server.client(), server.client()];
  other.line('DEBUG SET-ACTIVE-EXPIRE 0');
  expect(waiter.line('BLPOP l 1')).toBeUndefined();
  server.kv.host.sleep = (ms) => server.env.jumpClock(ms);
  for (const line of ['MULTI', 'RPUSH l a', 'PEXPIRE l 100', 'DEBUG SLEEP 0.2', 'EXEC']) other.line(line);
  expect(waiter.take()).toBeUndefined();
  expect(other.line('EXISTS l')).toBe(0);
});

it('gives nobody what its user may no longer have, and leaves it to others', () => {
  c.line('ACL SETUSER u on nopass ~* &* +@all');
  const user = server.client();
  user.line('AUTH u p');
  waiting('BLPOP l 0', user);
  const other = waiting('BLPOP l 0');
  c.line('ACL SETUSER u resetkeys ~m');
  expect(c.line('RPUSH l a')).toBe(1);
  expect(user.take()).toEqual(new Error('NOPERM No permissions to access a key'));
  expect(other.take()).toEqual(['l', 'a']);

  waiting('BLPOP m 0', user);
  c.line('ACL SETUSER u -blpop');
  c.line('RPUSH m a');
  expect(user.take()).toEqual(new Error("NOPERM User u has no permissions to run the 'blpop' command"));
  expect(c.line('LRANGE m 0 -1')).toEqual(['a']);
  expect(user.line('LRANGE m 0 -1')).toEqual(['a']);
});

it.each([
  ['7.2', 0],
  ['7.0', 1],
])(
  'as Redis %s does, removes %i of a key that expired before SWAPDB brought it to who waits',
  (version, removed) => {
    server = new LocalServer(1, undefined, {}, { settings: { 'redis-version': version } });
    c = server.client();
    c.line('DEBUG SET-ACTIVE-EXPIRE 0');
    c.line('SELECT 1');
    c.line('RPUSH l a');
    c.line('PEXPIRE l 100');
    const waiter = waiting('BLPOP l 0');
    server.env.jumpClock(101);
    c.line('SWAPDB 0 1');
    expect(waiter.take()).toBeUndefined();
    expect(c.line('INFO stats')).toContain(`expired_keys:${removed}\r\n`);
    const other = server.client();
    expect(other.line('EXISTS l')).toBe(0);
    expect(other.line('INFO stats')).toContain('expired_keys:1\r\n');
  },
);

describe('a client that waits for a key', () => {
  it('gets what is pushed', () => {
    const pop = waiting('BLPOP l 0');
    expect(pop.session.isBlocked).toBe(true);
    expect(c.line('RPUSH l a b')).toBe(2);
    expect(pop.take()).toEqual(['l', 'a']);
    expect(pop.session.isBlocked).toBe(false);
    expect(c.line('LRANGE l 0 -1')).toEqual(['b']);
  });

  it('gets it from whichever of its keys has it, one given twice too', () => {
    const pop = waiting('BRPOP l m l 0');
    c.line('RPUSH m a b');
    expect(pop.take()).toEqual(['m', 'b']);
    c.line('RPUSH l c');
    expect(pop.take()).toBeUndefined();
    expect(c.line('LLEN l')).toBe(1);
  });

  it('is served in the order of waiting, and again at the end of the queue', () => {
    const first = waiting('BLPOP l 0');
    const second = waiting('BLPOP other l 0');
    c.line('RPUSH l a');
    expect(first.take()).toEqual(['l', 'a']);
    waiting('BLPOP l 0', first);
    c.line('RPUSH l b');
    expect(second.take()).toEqual(['l', 'b']);
    expect(first.take()).toBeUndefined();
    c.line('RPUSH l c');
    expect(first.take()).toEqual(['l', 'c']);
  });

  it('leaves to the others what it does not take', () => {
    const pops = [waiting('BLPOP l 0'), waiting('BRPOP l 0'), waiting('BLMPOP 0 1 l LEFT COUNT 2')];
    const last = waiting('BLPOP l 0');
    expect(c.line('RPUSH l a b c d')).toBe(4);
    expect(pops.map((pop) => pop.take())).toEqual([
      ['l', 'a'],
      ['l', 'd'],
      ['l', ['b', 'c']],
    ]);
    expect(last.take()).toBeUndefined();
    expect(c.line('EXISTS l')).toBe(0);
  });

  it('comes before one who asks after the push, in the same turn', () => {
    const first = waiting('BLPOP l 0');
    c.line('RPUSH l a');
    waiting('BLPOP l 0', c);
    expect(first.take()).toEqual(['l', 'a']);
    server.client().line('RPUSH l b');
    expect(c.take()).toEqual(['l', 'b']);
  });

  it.each([
    ['BLPOP k 0', 'SORT l STORE k', ['k', '1']],
    ['BZPOPMIN k 0', 'ZUNIONSTORE k 1 z', ['k', 'm', 2]],
    ['BZPOPMIN k 0', 'ZRANGESTORE k z 0 -1', ['k', 'm', 2]],
    ['BZPOPMIN k 0', 'GEOSEARCHSTORE k z FROMMEMBER m BYRADIUS 1 m', ['k', 'm', 2]],
  ])('%s gets what replaces a value of another type: %s', (wait, store, given) => {
    c.line('RPUSH l 1');
    c.line('ZADD z 2 m');
    const pop = waiting(wait);
    c.line('HSET k f v');
    expect(pop.take()).toBeUndefined();
    expect(c.line(store)).toBe(1);
    expect(pop.take()).toEqual(given);
    expect(c.line('EXISTS k')).toBe(0);
  });

  it('is not woken by a key of another type, nor by one that is gone again', () => {
    const pop = waiting('BLPOP l 0');
    c.line('SET l text');
    c.line('DEL l');
    for (const line of ['MULTI', 'RPUSH l a', 'DEL l', 'SET l text', 'EXEC']) c.line(line);
    expect(pop.take()).toBeUndefined();
    c.line('DEL l');
    c.line('RPUSH l b');
    expect(pop.take()).toEqual(['l', 'b']);
  });

  it('is woken by a transaction when it is over, and finds what it left', () => {
    const pop = waiting('BLPOP l 0');
    for (const line of ['MULTI', 'RPUSH l a b', 'LPOP l', 'LPUSH l c']) c.line(line);
    expect(c.line('EXEC')).toEqual([2, 'a', 2]);
    expect(pop.take()).toEqual(['l', 'c']);
  });

  it('gets its key in the order it named them, when a transaction wrote several', () => {
    const pop = waiting('BLPOP a b 0');
    for (const line of ['MULTI', 'RPUSH b 1', 'RPUSH a 2', 'EXEC']) c.line(line);
    expect(pop.take()).toEqual(['a', '2']);
  });

  it.each([
    ['RENAME', 'RPUSH m a', 'RENAME m l'],
    ['COPY', 'RPUSH m a', 'COPY m l'],
    ['RENAME over another type', 'RPUSH m a', 'SET l text', 'RENAME m l'],
    ['LMOVE', 'RPUSH m a', 'LMOVE m l LEFT LEFT'],
    ['SWAPDB', 'SELECT 1', 'RPUSH l a', 'SWAPDB 0 1'],
    ['MOVE', 'SELECT 1', 'RPUSH l a', 'MOVE l 0'],
  ])('is woken by %s', (_name, ...lines) => {
    const pop = waiting('BLPOP l 0');
    for (const line of lines) c.line(line);
    expect(pop.take()).toEqual(['l', 'a']);
  });

  it('waits in its own database', () => {
    const pop = server.client();
    pop.line('SELECT 3');
    waiting('BLPOP l 0', pop);
    c.line('RPUSH l a');
    expect(pop.take()).toBeUndefined();
    c.line('SELECT 3');
    c.line('RPUSH l b');
    expect(pop.take()).toEqual(['l', 'b']);
  });

  it('goes on waiting when the key expired before it could look', () => {
    const pop = waiting('BLPOP l 0');
    for (const line of ['MULTI', 'RPUSH l a', 'PEXPIRE l 0', 'EXEC']) c.line(line);
    for (const line of ['MULTI', 'RPUSH l a', 'PEXPIREAT l 1', 'EXEC']) c.line(line);
    expect(pop.take()).toBeUndefined();
    c.line('RPUSH l b');
    expect(pop.take()).toEqual(['l', 'b']);
  });

  it('breaks no WATCH by waiting, and breaks it by taking', () => {
    c.line('WATCH l m');
    const move = waiting('BLMOVE l m LEFT LEFT 0');
    c.line('MULTI');
    expect(c.line('EXEC')).toEqual([]);
    c.line('WATCH m');
    server.client().line('RPUSH l a');
    expect(move.take()).toBe('a');
    c.line('MULTI');
    expect(c.line('EXEC')).toBeNull();
  });

  it('counts as one call, when it is answered', () => {
    const pop = waiting('BLPOP l 0');
    expect(statsOf('blpop')).toBe('0 calls, 0 failed');
    c.line('RPUSH l a');
    expect(pop.take()).toEqual(['l', 'a']);
    expect(statsOf('blpop')).toBe('1 calls, 0 failed');
    waiting('BLPOP l 0.1', pop);
    server.env.advance(100);
    expect(statsOf('blpop')).toBe('2 calls, 0 failed');
  });

  it('depends on the version of what it took', () => {
    const pop = waiting('BLPOP l 0');
    c.line('RPUSH l a');
    expect(pop.session.dependsOn).toBeGreaterThan(c.session.keyVersion);
  });

  it('is asked for no reply that it does not want', () => {
    const pop = server.client();
    pop.line('CLIENT REPLY OFF');
    waiting('BLPOP l 0', pop);
    c.line('RPUSH l a');
    expect(c.line('LLEN l')).toBe(0);
    expect(pop.line('CLIENT REPLY ON')).toBe('OK');
    expect(pop.take()).toBeUndefined();
  });
});

describe('chains of moves', () => {
  it('are followed to their end', () => {
    const first = waiting('BLMOVE a b LEFT RIGHT 0');
    const second = waiting('BLMOVE b c LEFT RIGHT 0');
    const third = waiting('BLPOP c 0');
    expect(c.line('RPUSH a x')).toBe(1);
    expect([first.take(), second.take(), third.take()]).toEqual(['x', 'x', ['c', 'x']]);
    expect(c.line('EXISTS a b c')).toBe(0);
  });

  it('may go round', () => {
    const there = waiting('BLMOVE a b LEFT RIGHT 0');
    const back = waiting('BLMOVE b a LEFT RIGHT 0');
    c.line('RPUSH a x');
    expect([there.take(), back.take()]).toEqual(['x', 'x']);
    expect(c.line('LRANGE a 0 -1')).toEqual(['x']);
    const self = waiting('BRPOPLPUSH s s 0');
    c.line('RPUSH s y');
    expect(self.take()).toBe('y');
    expect(c.line('LRANGE s 0 -1')).toEqual(['y']);
  });

  it('serve the keys of one transaction before those that waiters wrote', () => {
    const move = waiting('BRPOPLPUSH a c 0');
    const pop = waiting('BLPOP b 0');
    const either = waiting('BLMPOP 0 2 b c LEFT COUNT 1');
    for (const line of ['MULTI', 'RPUSH a 1', 'RPUSH b 2', 'EXEC']) c.line(line);
    expect([move.take(), pop.take(), either.take()]).toEqual(['1', ['b', '2'], ['c', ['1']]]);
  });

  it('end with an error at a target of another type; the element stays for the next', () => {
    c.line('SET text x');
    const move = waiting('BLMOVE l text LEFT LEFT 0');
    const pop = waiting('BLPOP l 0');
    c.line('RPUSH l a');
    expect(move.take()).toEqual(wrongType);
    expect(pop.take()).toEqual(['l', 'a']);
    expect(statsOf('blmove')).toBe('1 calls, 1 failed');
  });
});

describe('the end of a wait', () => {
  it('comes when its time is over', () => {
    const pop = waiting('BLPOP l 0.25');
    server.env.advance(249);
    expect(pop.take()).toBeUndefined();
    server.env.advance(1);
    expect(pop.take()).toBeNull();
    expect(pop.session.isBlocked).toBe(false);
    c.line('RPUSH l a');
    expect(pop.take()).toBeUndefined();
  });

  it('is not put off by commands that go on waiting', () => {
    const pop = waiting('BLPOP l 1');
    server.env.advance(600);
    for (const line of ['MULTI', 'RPUSH l a', 'PEXPIREAT l 1', 'EXEC']) c.line(line);
    server.env.advance(400);
    expect(pop.take()).toBeNull();
  });

  it('is at once in a transaction', () => {
    for (const line of ['MULTI', 'BLPOP l 0', 'BLMOVE l m LEFT LEFT 0']) c.line(line);
    c.line('RPUSH l a');
    c.line('BLPOP l 0');
    expect(c.line('EXEC')).toEqual([null, null, 1, ['l', 'a']]);
  });

  it('can be had by CLIENT UNBLOCK, as a time-out or an error', () => {
    const pop = waiting('BLPOP l 0');
    const { id } = pop.session;
    expect(c.line(`CLIENT UNBLOCK ${id}`)).toBe(1);
    expect(pop.take()).toBeNull();
    expect(statsOf('blpop')).toBe('1 calls, 0 failed');
    waiting('BLPOP l 0', pop);
    expect(c.line(`CLIENT UNBLOCK ${id} ERROR`)).toBe(1);
    expect(pop.take()).toEqual(new Error('UNBLOCKED client unblocked via CLIENT UNBLOCK'));
    expect(statsOf('blpop')).toBe('2 calls, 1 failed');
    expect(c.line(`CLIENT UNBLOCK ${id}`)).toBe(0);
    c.line('RPUSH l a');
    expect(pop.take()).toBeUndefined();
  });

  it('comes with the end of the connection: nothing is given to a client that is gone', () => {
    const gone = waiting('BLPOP l 0');
    const killed = waiting('BLPOP l 0');
    const pop = waiting('BLPOP l 0');
    gone.close();
    expect(c.line(`CLIENT KILL ID ${killed.session.id}`)).toBe(1);
    c.line('RPUSH l a');
    expect([gone.take(), killed.take(), pop.take()]).toEqual([undefined, undefined, ['l', 'a']]);
  });

  it('leaves nobody who is told of changes', () => {
    const pop = waiting('BLPOP l 1');
    expect(server.storage.observer).not.toBeNull();
    server.env.advance(1000);
    expect(pop.take()).toBeNull();
    expect(server.storage.observer).toBeNull();
  });
});

describe('a waiter whose other keys are not in memory', () => {
  /** A storage where keys can be absent from memory until they are loaded. */
  class ColdStorage extends MemoryStorage {
    override readonly isAllResident = false;
    readonly cold = new Set<string>();
    readonly loads: { resolve: () => void; reject: (error: Error) => void }[] = [];

    override isResident(_database: number, bytes: Uint8Array, start: number, length: number): boolean {
      return !this.cold.has(Buffer.from(bytes.subarray(start, start + length)).toString());
    }

    override loadSome(): Promise<void> {
      return new Promise((resolve, reject) => {
        this.loads.push({
          resolve: () => {
            this.cold.clear();
            resolve();
          },
          reject,
        });
      });
    }
  }

  let storage: ColdStorage;

  beforeEach(() => {
    storage = new ColdStorage(new SeededRandom(1));
    server = new LocalServer(1, storage);
    c = server.client();
    c.line('RPUSH target old');
  });

  it('is served once they are, and not overtaken meanwhile', async () => {
    const move = waiting('BLMOVE l target LEFT RIGHT 0');
    const pop = waiting('BLPOP l 0');
    storage.cold.add('target');
    c.line('RPUSH l a b');
    expect([move.take(), pop.take()]).toEqual([undefined, undefined]);
    storage.loads[0].resolve();
    await Promise.resolve();
    expect([move.take(), pop.take()]).toEqual(['a', ['l', 'b']]);
    expect(c.line('LRANGE target 0 -1')).toEqual(['old', 'a']);
  });

  it('gets an error when they can not be loaded', async () => {
    const move = waiting('BLMOVE l target LEFT RIGHT 0');
    const pop = waiting('BLPOP l 0');
    storage.cold.add('target');
    c.line('RPUSH l a');
    storage.loads[0].reject(new Error('broken disk'));
    await Promise.resolve();
    expect(move.take()).toEqual(new Error('ERR the key could not be loaded: broken disk'));
    expect(pop.take()).toEqual(['l', 'a']);
  });
});
