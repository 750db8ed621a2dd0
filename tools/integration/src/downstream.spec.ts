/** Moving back to redis-server without stopping: it follows us, under writes of every kind, until it goes on alone. */
import { type Random, randomBelow } from '@holdfast/common';
import { freePorts, SeededRandom } from '@holdfast/common/testing';
import type { WireReply } from '@holdfast/protocol/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pause, type RunningServer, startGateway, startRedis, temporaryDirectory } from './server.js';
import { WireClient } from './wire-client.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const keys = 300;
const script = `local n = redis.call('INCR', KEYS[1]) redis.call('SADD', KEYS[2], n, n + 1, n + 2)
  redis.call('SPOP', KEYS[2]) redis.call('SET', KEYS[3], redis.call('TIME')[2]) return n`;

type Words = readonly string[];

let redis: Awaited<ReturnType<typeof startRedis>>;
let redisPort: number;
let replica: WireClient;

beforeAll(async () => {
  [redisPort] = await freePorts(1);
  redis = await startRedis('--port', String(redisPort), '--enable-debug-command', 'yes');
  replica = await WireClient.connect(redis.address);
}, 60_000);

afterAll(async () => {
  replica?.close();
  await redis?.stop();
});

function strings(key: string, number: string, text: string): Words[] {
  return [
    ['SET', `s${key}`, text],
    ['SET', `s${key}`, text, 'EX', '1000', 'GET'],
    ['SET', `t${key}`, text, 'PX', number],
    ['SETEX', `t${key}`, '1', text],
    ['GETEX', `s${key}`, 'EX', '500'],
    ['GETEX', `s${key}`, 'PERSIST'],
    ['GETDEL', `s${key}`],
    ['GETSET', `s${key}`, number],
    ['INCRBYFLOAT', `f${key}`, '0.1'],
    ['APPEND', `s${key}`, text],
    ['SETBIT', `b${key}`, number, '1'],
    ['PFADD', `p${key}`, text],
    ['DELIFEQ', `s${key}`, number],
  ];
}

function collections(key: string, number: string, text: string): Words[] {
  return [
    ['RPUSH', `l${key}`, text, number],
    ['BLPOP', `l${key}`, '0.001'],
    ['LMPOP', '2', `none`, `l${key}`, 'RIGHT', 'COUNT', '2'],
    ['BLMOVE', `l${key}`, `m${key}`, 'LEFT', 'RIGHT', '0.001'],
    ['HSET', `h${key}`, text, number],
    ['HINCRBYFLOAT', `h${key}`, 'f', '0.3'],
    ['SADD', `e${key}`, text, number, 'a', 'b'],
    ['SPOP', `e${key}`],
    ['SPOP', `e${key}`, '3'],
    ['ZADD', `z${key}`, number, text],
    ['ZINCRBY', `z${key}`, '0.5', text],
    ['BZMPOP', '0.001', '1', `z${key}`, 'MIN', 'COUNT', '2'],
    ['BZPOPMAX', `z${key}`, '0.001'],
    ['GEOADD', `g${key}`, '13.3', '38.1', text],
    ['SUNIONSTORE', `u${key}`, `e${key}`, `i${key}`],
    ['SORT', `l${key}`, 'ALPHA', 'STORE', `o${key}`],
  ];
}

function others(key: string, number: string, text: string): Words[] {
  return [
    ['XADD', `x${key}`, 'MAXLEN', '~', '50', '*', 'f', text],
    ['XADD', `x${key}`, '*', 'f', text, 'g', number],
    ['XTRIM', `x${key}`, 'MAXLEN', '~', '20'],
    ['XGROUP', 'CREATE', `x${key}`, 'g', '$', 'MKSTREAM'],
    ['XREADGROUP', 'GROUP', 'g', `c${randomLetter(text)}`, 'COUNT', '3', 'STREAMS', `x${key}`, '>'],
    ['XREADGROUP', 'GROUP', 'g', 'n', 'COUNT', '1', 'NOACK', 'STREAMS', `x${key}`, '>'],
    ['XAUTOCLAIM', `x${key}`, 'g', 'thief', '0', '0', 'COUNT', '2'],
    ['DEL', `s${key}`, `l${key}`],
    ['EXPIRE', `z${key}`, '100000'],
    ['PEXPIRE', `h${key}`, number],
    ['RENAME', `s${key}`, `r${key}`],
    ['COPY', `z${key}`, `y${key}`, 'DB', '3', 'REPLACE'],
    ['MOVE', `e${key}`, '2'],
    ['EVAL', script, '3', `n${key}`, `v${key}`, `w${key}`],
    ['MULTI'],
    ['EXEC'],
    ['PUBLISH', 'c', text],
  ];
}

function randomLetter(text: string): string {
  return text.slice(0, 1);
}

function randomWrite(random: Random): Words {
  const key = String(randomBelow(random, keys));
  const number = String(1 + randomBelow(random, 500));
  const text = random.fill(Buffer.alloc(1 + randomBelow(random, 40))).toString('base64');
  const groups = [strings, collections, others] as const;
  const writes = groups[randomBelow(random, groups.length)](key, number, text);
  return writes[randomBelow(random, writes.length)];
}

async function load(client: WireClient, random: Random, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 100) {
    await Promise.all(client.pipeline(Array.from({ length: 100 }, () => randomWrite(random))));
  }
  await client.call('EXEC');
}

async function textOf(client: WireClient, ...args: string[]): Promise<string> {
  return (await client.call(...args)).text ?? '';
}

async function replicationField(client: WireClient, name: string): Promise<string> {
  const info = await textOf(client, 'INFO', 'replication');
  return new RegExp(`^${name}:(.*)\r$`, 'm').exec(info)?.[1] ?? '';
}

/** Waits until the replica has all that the client's server wrote. */
async function caughtUp(client: WireClient): Promise<void> {
  for (;;) {
    const [wanted, reached, link] = await Promise.all([
      replicationField(client, 'master_repl_offset'),
      replicationField(replica, 'slave_repl_offset'),
      replicationField(replica, 'master_link_status'),
    ]);
    if (link === 'up' && reached === wanted) return;
    await pause(20);
  }
}

async function sameData(client: WireClient): Promise<void> {
  // What expires only does so by a command of ours: see that nothing is about to.
  await client.call('DEBUG', 'SET-ACTIVE-EXPIRE', '1');
  await pause(1200);
  await caughtUp(client);
  for (const database of ['2', '3', '0']) {
    for (const each of [client, replica]) await each.call('SELECT', database);
    const [ours, theirs] = [await content(client), await content(replica)];
    expect(theirs).toEqual(ours);
  }
}

/** Of XINFO GROUPS: Redis 7.2 tells replicas neither of consumers that got nothing nor how far a group has read. */
function told(groups: WireReply): unknown {
  const known = ['name', 'pending', 'last-delivered-id'];
  return groups.items?.map(({ items }) => items?.filter((_, i) => known.includes(items[i & ~1].text ?? '')));
}

/** Each key of a database with the digest of its value, when it expires, and what the digest leaves out of streams. */
async function content(client: WireClient): Promise<string[]> {
  const names = ((await client.call('KEYS', '*')).items ?? []).map(({ text }) => text ?? '').sort();
  const asked = names.map((name) => [
    ['DEBUG', 'DIGEST-VALUE', name],
    ['PEXPIRETIME', name],
    ...(name.startsWith('x')
      ? [
          ['XINFO', 'STREAM', name],
          ['XINFO', 'GROUPS', name],
          ['XPENDING', name, 'g'],
        ]
      : []),
  ]);
  const replies = await Promise.all(client.pipeline(asked.flat()));
  return asked.map((commands, i) => {
    const [digest, expiry, stream, groups, pending] = replies.splice(0, commands.length);
    const inner =
      stream === undefined ? '' : JSON.stringify([stream.items?.slice(0, 2), told(groups), pending.items]);
    return `${names[i]} ${digest.items?.[0].text} ${expiry.text} ${inner}`;
  });
}

describe.each([
  ['memory', { log: 'file', fsync: 'always' }],
  ['level', { storage: 'level', log: 'file' }],
] as const)('%s storage', (_, settings) => {
  let gateway: RunningServer;
  let client: WireClient;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;

  beforeAll(async () => {
    directory = await temporaryDirectory();
    gateway = await startGateway({ ...settings, dir: directory.path, 'enable-debug-command': 'yes' });
    client = await WireClient.connect(gateway.address);
  }, 60_000);

  afterAll(async () => {
    await replica.call('REPLICAOF', 'NO', 'ONE');
    client?.close();
    await gateway?.process.stop();
    await directory?.remove();
  });

  it(`is followed from the first copy on, whatever is written meanwhile (HOLDFAST_SEED=${seed})`, {
    timeout: 90_000,
  }, async () => {
    const random = new SeededRandom(seed);
    const library = '#!lua name=l\nredis.register_function("f", function() return 7 end)';
    await client.call('FUNCTION', 'LOAD', library);
    await Promise.all(
      client.pipeline(Array.from({ length: 5000 }, (_, i) => ['SET', `old${i}`, `value ${i}`])),
    );
    await load(client, random, 5000);
    const { host, port } = gateway.address as { host: string; port: number };
    expect(await textOf(replica, 'REPLICAOF', host, String(port))).toBe('OK');
    await load(client, random, 10_000);
    await caughtUp(client);
    await load(client, random, 3000);
    await sameData(client);
    expect(await textOf(replica, 'FUNCTION', 'LIST')).toBe(await textOf(client, 'FUNCTION', 'LIST'));
  });

  it('knows who follows it', async () => {
    expect(await replicationField(client, 'connected_slaves')).toBe('1');
    expect(await replicationField(client, 'slave0')).toMatch(
      /^ip=127\.0\.0\.1,port=\d+,state=online,offset=\d+,lag=[01]$/,
    );
    expect(await replicationField(client, 'master_replid')).toBe(
      await replicationField(replica, 'master_replid'),
    );
    const role = await client.call('ROLE');
    expect([role.items?.[0].text, role.items?.[2].items?.length]).toEqual(['master', 1]);
    await client.call('SET', 'waited', 'for');
    expect((await client.call('WAIT', '1', '5000')).text).toBe('1');
    expect((await client.call('WAIT', '2', '50')).text).toBe('1');
    expect(await textOf(client, 'CLIENT', 'LIST', 'TYPE', 'replica')).toMatch(/flags=S .*cmd=replconf/);
  });

  it('takes it up again where the link broke', { timeout: 60_000 }, async () => {
    // More than any buffer holds: as much is kept as can be.
    expect(await textOf(client, 'CONFIG', 'SET', 'repl-backlog-size', '1000gb')).toBe('OK');
    expect(await textOf(client, 'CLIENT', 'KILL', 'TYPE', 'replica')).toBe('1');
    await load(client, new SeededRandom(seed + 1), 500);
    await sameData(client);
    expect(await textOf(client, 'INFO', 'stats')).toMatch(/sync_full:1\r\nsync_partial_ok:1\r/);
  });

  it('gives it everything anew when it missed more than was kept', { timeout: 60_000 }, async () => {
    await client.call('CONFIG', 'SET', 'repl-backlog-size', '1000');
    const missed = Array.from({ length: 300 }, () => ['APPEND', 'missed', 'x'.repeat(100)]);
    await Promise.all(client.pipeline([['CLIENT', 'KILL', 'TYPE', 'replica'], ...missed]));
    await load(client, new SeededRandom(seed + 2), 500);
    await sameData(client);
    expect(await textOf(client, 'INFO', 'stats')).toMatch(/sync_full:2\r/);
  });

  it('sends keys to Redis, which are gone here once they are there', async () => {
    await replica.call('REPLICAOF', 'NO', 'ONE');
    await replica.call('FLUSHALL');
    const some = [['FLUSHALL'], ['SET', 'a', '1', 'EX', '1000'], ['RPUSH', 'b', '1', '2'], ['SET', 'c', '3']];
    await Promise.all(client.pipeline(some));
    const move = (...words: string[]): Promise<string> =>
      textOf(client, 'MIGRATE', '127.0.0.1', String(redisPort), ...words);
    expect(await move('a', '0', '5000')).toBe('OK');
    expect(await move('', '0', '5000', 'COPY', 'KEYS', 'b', 'c', 'none')).toBe('OK');
    expect(await move('none', '0', '5000')).toBe('NOKEY');
    expect(await move('b', '0', '5000')).toMatch(/^ERR Target instance replied with error: BUSYKEY/);
    expect(await textOf(client, 'EXISTS', 'a', 'b', 'c')).toBe('2');
    expect(await move('', '0', '5000', 'REPLACE', 'KEYS', 'b', 'c')).toBe('OK');
    expect(await textOf(client, 'DBSIZE')).toBe('0');
    expect(await textOf(replica, 'EXISTS', 'a', 'b', 'c')).toBe('3');
    expect(Number(await textOf(replica, 'TTL', 'a'))).toBeGreaterThan(900);
    // The connection that is kept is closed by the other side: a new one is made.
    await replica.call('CLIENT', 'KILL', 'TYPE', 'normal');
    await client.call('SET', 'd', '4');
    expect(await move('d', '1', '5000')).toBe('OK');
    expect(await textOf(client, 'INFO', 'stats')).toContain('migrate_cached_sockets:1\r');
    await client.call('SET', 'd', '4');
    expect(await textOf(client, 'MIGRATE', '127.0.0.1', '1', 'd', '0', '100')).toBe(
      'IOERR error or timeout writing to target instance',
    );
    expect(await textOf(client, 'GET', 'd')).toBe('4');
  });
});
