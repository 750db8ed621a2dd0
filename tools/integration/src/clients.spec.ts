/** Real clients against the real server: redis-cli, ioredis and node-redis, in RESP2 and RESP3. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningServer, startGateway } from './server.js';
import { WireClient } from './wire-client.js';

let gateway: RunningServer;
let port = 0;

beforeAll(async () => {
  gateway = await startGateway();
  port = (gateway.address as { port: number }).port;
}, 60_000);

afterAll(async () => {
  expect(await gateway.process.stop()).toBe(0);
}, 60_000);

beforeEach(async () => {
  const client = await WireClient.connect(gateway.address);
  await client.call('FLUSHALL');
  client.close();
});

/** What the tests need of a client library. */
interface Driver {
  /** Any command; errors of the server reject. Bulks are strings. */
  send(...args: string[]): Promise<unknown>;
  setBinary(key: string, value: Buffer): Promise<unknown>;
  getBinary(key: string): Promise<Buffer | null>;
  /** MULTI, these commands, EXEC. */
  transaction(...commands: string[][]): Promise<unknown[]>;
  /** Resolves when subscribed. */
  subscribe(channel: string, onMessage: (message: string) => void): Promise<void>;
  close(): Promise<void>;
}

async function ioredisDriver(protocol: 2 | 3): Promise<Driver> {
  const client = new Redis({ port, host: '127.0.0.1', protocol, lazyConnect: true });
  const subscriber = client.duplicate();
  await client.connect();
  return {
    send: (name, ...args) => client.call(name, ...args),
    setBinary: (key, value) => client.set(key, value),
    getBinary: (key) => client.getBuffer(key),
    transaction: async (...commands) => {
      const multi = client.multi();
      for (const [name, ...args] of commands) multi.call(name, ...args);
      return ((await multi.exec()) ?? []).map(([error, value]) => error ?? value);
    },
    subscribe: async (channel, onMessage) => {
      subscriber.on('message', (_channel, message) => onMessage(message));
      await subscriber.subscribe(channel);
    },
    close: async () => {
      client.disconnect();
      subscriber.disconnect();
    },
  };
}

async function nodeRedisDriver(RESP: 2 | 3): Promise<Driver> {
  const client = createClient({ socket: { port, host: '127.0.0.1', reconnectStrategy: false }, RESP });
  client.on('error', () => {});
  await client.connect();
  const subscriber = client.duplicate();
  subscriber.on('error', () => {});
  let isSubscribed = false;
  return {
    send: (...args) => client.sendCommand(args),
    setBinary: (key, value) => client.set(key, value),
    getBinary: async (key) => {
      const value = await client.withTypeMapping({ 36: Buffer }).get(key);
      return value as unknown as Buffer | null;
    },
    transaction: async (...commands) => {
      const multi = client.multi();
      for (const args of commands) multi.addCommand(args);
      return (await multi.exec()) as unknown[];
    },
    subscribe: async (channel, onMessage) => {
      await subscriber.connect();
      isSubscribed = true;
      await subscriber.subscribe(channel, onMessage);
    },
    close: async () => {
      client.destroy();
      if (isSubscribed) subscriber.destroy();
    },
  };
}

const drivers: [name: string, open: () => Promise<Driver>][] = [
  ['ioredis, RESP2', () => ioredisDriver(2)],
  ['ioredis, RESP3', () => ioredisDriver(3)],
  ['node-redis, RESP2', () => nodeRedisDriver(2)],
  ['node-redis, RESP3', () => nodeRedisDriver(3)],
];

describe.each(drivers)('%s', (_name, open) => {
  let driver: Driver;

  beforeEach(async () => {
    driver = await open();
  });

  afterEach(() => driver.close());

  it('sets and gets', async () => {
    expect(await driver.send('SET', 'k', 'v')).toBe('OK');
    expect(await driver.send('GET', 'k')).toBe('v');
    expect(await driver.send('GET', 'none')).toBe(null);
    expect(await driver.send('SET', 'k', 'w', 'NX')).toBe(null);
    expect(await driver.send('DEL', 'k', 'none')).toBe(1);
  });

  it('keeps bytes as they are, empty and large', async () => {
    const large = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 31) & 255));
    for (const value of [Buffer.alloc(0), Buffer.from([0, 13, 10, 255, 128]), large]) {
      await driver.setBinary('k', value);
      expect((await driver.getBinary('k'))?.equals(value)).toBe(true);
    }
  });

  it('reports errors as the server worded them', async () => {
    await driver.send('SET', 'k', 'word');
    await expect(driver.send('INCR', 'k')).rejects.toThrow('ERR value is not an integer or out of range');
    await expect(driver.send('GET')).rejects.toThrow("ERR wrong number of arguments for 'get' command");
    await expect(driver.send('NOSUCHCOMMAND', 'a')).rejects.toThrow("ERR unknown command 'NOSUCHCOMMAND'");
  });

  it('answers a pipeline in order', async () => {
    const replies = await Promise.all(Array.from({ length: 5000 }, () => driver.send('INCR', 'n')));
    expect(replies).toEqual(Array.from({ length: 5000 }, (_, i) => i + 1));
  });

  it('expires', async () => {
    await driver.send('SET', 'k', 'v', 'PX', '100000');
    expect(await driver.send('TTL', 'k')).toBeGreaterThanOrEqual(99);
    expect(await driver.send('PERSIST', 'k')).toBe(1);
    expect(await driver.send('TTL', 'k')).toBe(-1);
    await driver.send('SET', 'short', 'v', 'PX', '20');
    await expect.poll(() => driver.send('GET', 'short')).toBe(null);
  });

  it('scans every key', async () => {
    const keys = Array.from({ length: 500 }, (_, i) => `key:${i}`);
    await driver.send('MSET', ...keys.flatMap((key) => [key, 'v']));
    const found = new Set<string>();
    let cursor = '0';
    do {
      const page = (await driver.send('SCAN', cursor, 'COUNT', '50')) as [string, string[]];
      cursor = page[0];
      for (const key of page[1]) found.add(key);
    } while (cursor !== '0');
    expect([...found].sort()).toEqual(keys.sort());
  });

  it('delivers messages', async () => {
    const messages: string[] = [];
    await driver.subscribe('news', (message) => messages.push(message));
    expect(await driver.send('PUBLISH', 'news', 'one')).toBe(1);
    expect(await driver.send('PUBLISH', 'other', 'none')).toBe(0);
    await driver.send('PUBLISH', 'news', 'two');
    await expect.poll(() => messages).toEqual(['one', 'two']);
  });

  it('runs transactions', async () => {
    expect(await driver.transaction(['SET', 'a', '1'], ['INCR', 'a'], ['GET', 'a'])).toEqual(['OK', 2, '2']);
  });

  it('has hashes', async () => {
    expect(await driver.send('HSET', 'h', 'f', 'v', 'g', 'w')).toBe(2);
    const all = await driver.send('HGETALL', 'h');
    const pairs = Array.isArray(all) ? all.flat() : Object.entries(all as object).flat();
    expect(pairs).toEqual(['f', 'v', 'g', 'w']);
  });

  it('has sorted sets', async () => {
    expect(await driver.send('ZADD', 'z', '1.5', 'a', '-2', 'b')).toBe(2);
    const pairs = ((await driver.send('ZRANGE', 'z', '0', '-1', 'WITHSCORES')) as unknown[]).flat();
    expect(pairs.map(String)).toEqual(['b', '-2', 'a', '1.5']);
  });

  it('waits for an element', async () => {
    const other = await open();
    const popped = other.send('BLPOP', 'queue', '5');
    await expect.poll(async () => String(await driver.send('CLIENT', 'LIST'))).toMatch(/cmd=blpop/);
    await driver.send('RPUSH', 'queue', 'job');
    expect(await popped).toEqual(['queue', 'job']);
    await other.close();
  });
});

describe.each([
  ['RESP2', ['-2']],
  ['RESP3', ['-3']],
])('redis-cli, %s', (_name, flags) => {
  async function cli(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('redis-cli', ['-p', String(port), ...flags, ...args]);
    return stdout;
  }

  it('runs commands', async () => {
    expect(await cli('SET', 'k', 'v')).toBe('OK\n');
    expect(await cli('GET', 'k')).toBe('v\n');
    expect(await cli('GET')).toBe("ERR wrong number of arguments for 'get' command\n\n");
    expect(await cli('--no-raw', 'GET', 'none')).toBe('(nil)\n');
    expect(await cli('--no-raw', 'INCR', 'n')).toBe('(integer) 1\n');
    expect(await cli('-n', '3', 'SET', 'k', 'three')).toBe('OK\n');
    expect(await cli('-n', '3', 'GET', 'k')).toBe('three\n');
  });

  it('reads commands from its input', async () => {
    const child = promisify(execFile)('redis-cli', ['-p', String(port), ...flags]);
    child.child.stdin!.end('MULTI\nSET a 1\nINCR a\nEXEC\nGET a\n');
    expect((await child).stdout).toBe('OK\nQUEUED\nQUEUED\nOK\n2\n2\n');
  });

  it('loads in bulk', async () => {
    const child = promisify(execFile)('redis-cli', ['-p', String(port), '--pipe']);
    child.child.stdin!.end(Array.from({ length: 5000 }, (_, i) => `SET bulk:${i} ${i}\r\n`).join(''));
    expect((await child).stdout).toContain('errors: 0, replies: 5000');
    expect(await cli('DBSIZE')).toBe('5000\n');
  });

  it('scans', async () => {
    await cli('MSET', 'a1', 'x', 'a2', 'x', 'b', 'x');
    expect((await cli('--scan', '--pattern', 'a*')).split('\n').sort()).toEqual(['', 'a1', 'a2']);
  });
});

it('ends in order while clients are connected', async () => {
  const other = await startGateway();
  const clients = await Promise.all([1, 2, 3].map(() => WireClient.connect(other.address)));
  for (const client of clients) expect((await client.call('PING')).text).toBe('PONG');
  expect(await other.process.stop()).toBe(0);
  await Promise.all(clients.map(({ closed }) => closed));
});

it('asks for the password', async () => {
  const other = await startGateway({ requirepass: 'secret' });
  const { port: guarded } = other.address as { port: number };
  const stranger = await WireClient.connect(other.address);
  expect((await stranger.call('GET', 'k')).text).toBe('NOAUTH Authentication required.');
  expect((await stranger.call('AUTH', 'wrong')).text).toContain('WRONGPASS');
  stranger.close();
  const ioredis = new Redis({ port: guarded, password: 'secret' });
  expect(await ioredis.ping()).toBe('PONG');
  ioredis.disconnect();
  const nodeRedis = createClient({ socket: { port: guarded }, password: 'secret' });
  await nodeRedis.connect();
  expect(await nodeRedis.ping()).toBe('PONG');
  nodeRedis.destroy();
  expect(await other.process.stop()).toBe(0);
});
