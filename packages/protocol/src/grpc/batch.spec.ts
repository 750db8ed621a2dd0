import { status as codes, type ServiceError } from '@grpc/grpc-js';
import type { kv } from '@holdfast/rpc';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type BatchClient,
  batchOf,
  blockedCount,
  clientOf,
  closeAll,
  execute,
  metadataOf,
  serve,
} from '../testing/grpc-service.js';
import { waitingMax } from './limits.js';

afterEach(closeAll);

describe('a Batch stream', () => {
  it('answers the commands of a message in one message, with ids and versions', async () => {
    const batch = batchOf(await serve());
    const key = Buffer.from('k');
    batch.stream.write({
      commands: [
        { id: 5, operation: { $case: 'get', value: { key } } },
        { id: 6, operation: { $case: 'put', value: { key, value: key, onlyIfAbsent: true } } },
        { id: 7, operation: { $case: 'put', value: { key, value: key, onlyIfAbsent: true } } },
        { id: 8, operation: { $case: 'get', value: { key } } },
        { id: 9, operation: { $case: 'delete', value: { key } } },
        { id: 10, operation: { $case: 'delete', value: { key } } },
      ],
      cancel: [],
    });
    const put = await batch.result(6);
    const version = put?.$case === 'put' ? put.value.version : 0;
    expect(version).toBeGreaterThan(0);
    expect(await batch.result(5)).toMatchObject({ $case: 'get', value: { found: false } });
    expect(await batch.result(7)).toMatchObject({
      value: { reason: 'VERSION_MISMATCH', status: 10, version },
    });
    expect(await batch.result(8)).toMatchObject({
      $case: 'get',
      value: { found: true, value: key, version },
    });
    expect(await batch.result(9)).toMatchObject({ $case: 'delete', value: { deleted: true } });
    expect(await batch.result(10)).toMatchObject({ value: { deleted: false, version: 0 } });
    expect(batch.order).toEqual([5, 6, 7, 8, 9, 10]);
  });

  it('answers out of order where commands wait', async () => {
    const batch = batchOf(await serve());
    batch.send([
      [1, 'BLPOP a 0'],
      [2, 'BLPOP b 0.05'],
      [3, 'SET k v'],
      [4, 'GET k'],
    ]);
    expect(await batch.value(4)).toEqual(Buffer.from('v'));
    expect(await batch.value(2)).toEqual({});
    batch.send([[5, 'RPUSH a x']]);
    expect(await batch.result(1)).toMatchObject({ $case: 'execute' });
    expect(batch.order.slice(0, 3)).toEqual([3, 4, 2]);
  });

  it('uses the database of the command, of the stream, or 0', async () => {
    const server = await serve();
    const batch = batchOf(server, metadataOf({ database: '2' }));
    const key = Buffer.from('k');
    const put = (id: number, value: string, database?: number): kv.Command => ({
      id,
      operation: {
        $case: 'put',
        value: {
          key,
          value: Buffer.from(value),
          onlyIfAbsent: false,
          ...(database !== undefined && { database }),
        },
      },
    });
    batch.stream.write({ commands: [put(1, 'two'), put(2, 'zero', 0), put(3, 'none', 99)], cancel: [] });
    expect(await batch.result(3)).toMatchObject({ $case: 'error', value: { reason: 'INVALID' } });
    const client = clientOf(server);
    expect((await execute(client, 'GET k')).value?.kind?.value).toEqual(Buffer.from('zero'));
    const metadata = metadataOf({ database: '2' });
    expect((await execute(client, 'GET k', { metadata })).value?.kind?.value).toEqual(Buffer.from('two'));
  });

  it('refuses what needs a connection, and goes on', async () => {
    const batch = batchOf(await serve());
    batch.send([
      [1, 'MULTI'],
      [2, 'SUBSCRIBE c'],
      [3, 'client reply off'],
      [4, 'PING'],
    ]);
    expect(await batch.value(4)).toBe('PONG');
    for (const id of [1, 2, 3]) {
      expect(await batch.result(id)).toMatchObject({ $case: 'error', value: { reason: 'UNSUPPORTED' } });
    }
  });

  it('cancels commands that wait', async () => {
    const server = await serve();
    const batch = batchOf(server);
    batch.send([
      [1, 'BLPOP list 0'],
      [2, 'BLPOP list 0'],
    ]);
    batch.send([], [1, 99]);
    expect(await batch.result(1)).toMatchObject({
      $case: 'error',
      value: { reason: 'CANCELLED', status: 1 },
    });
    batch.send([[3, 'RPUSH list x']]);
    expect(await batch.result(2)).toMatchObject({ $case: 'execute' });
  });

  it('limits how many commands wait', async () => {
    const batch = batchOf(await serve());
    batch.send(Array.from({ length: waitingMax + 1 }, (_, i) => [i + 1, 'BLPOP list 0']));
    batch.send([[5000, 'PING']]);
    expect(await batch.result(waitingMax + 1)).toMatchObject({ value: { reason: 'LIMIT', status: 8 } });
    expect(await batch.value(5000)).toBe('PONG');
  });

  it('ends its commands with it', async () => {
    const server = await serve();
    const batch = batchOf(server);
    batch.send([[1, 'BLPOP list 0']]);
    const client = clientOf(server);
    await expect.poll(() => blockedCount(client)).toContain('blocked_clients:1');
    batch.stream.cancel();
    await expect.poll(() => blockedCount(client)).toContain('blocked_clients:0');
    await expect.poll(() => server.exporter.connectionCount).toBe(0);
  });

  it('answers what was asked before the client ended its side', async () => {
    const batch = batchOf(await serve());
    batch.send([
      [1, 'SET k v'],
      [2, 'BLPOP list 0.05'],
    ]);
    batch.stream.end();
    await batch.result(2);
    await expect.poll(() => batch.status).toBe('ended');
    expect([...batch.order]).toEqual([1, 2]);
  });

  it('ends with a status when a message is none', async () => {
    const server = await serve();
    const asIs = (bytes: Buffer): Buffer => bytes;
    const stream = clientOf(server).makeBidiStreamRequest('/kv.v1.KV/Batch', asIs, asIs);
    const ended = new Promise<ServiceError>((resolve) => stream.on('error', resolve));
    stream.resume();
    stream.write(Buffer.from([0x0a, 50, 1]));
    expect((await ended).code).toBe(codes.INVALID_ARGUMENT);
  });

  it('runs nothing further for a client that does not read', async () => {
    const server = await serve();
    const client = clientOf(server);
    const value = Buffer.alloc(100_000, 'v');
    const key = Buffer.from('large');
    const count = 2000;
    const batch = batchOf(server);
    batch.stream.write({
      commands: [{ id: count + 1, operation: { $case: 'put', value: { key, value, onlyIfAbsent: false } } }],
      cancel: [],
    });
    await batch.result(count + 1);
    batch.stream.pause();
    const { stats } = server.stack.kv;
    const hitsBefore = stats.hits;
    for (let i = 0; i < count; i += 100) {
      const commands = Array.from({ length: 100 }, (_, j): kv.Command => {
        return { id: i + j + 1, operation: { $case: 'get', value: { key } } };
      });
      batch.stream.write({ commands, cancel: [] });
    }
    // It comes to a halt: two calls later nothing more was run.
    let seen = -1;
    await expect
      .poll(
        async () => {
          const isHalted = stats.hits > hitsBefore && stats.hits === seen;
          seen = stats.hits;
          await execute(client, 'PING');
          return isHalted;
        },
        { interval: 50, timeout: 10_000 },
      )
      .toBe(true);
    expect(stats.hits - hitsBefore).toBeLessThan(count / 2);
    batch.stream.resume();
    await expect.poll(() => batch.results.size, { timeout: 10_000 }).toBe(count + 1);
    for (const { outcome } of batch.results.values()) expect(outcome?.$case).not.toBe('error');
  });

  it('lets others have their turn during a long message', async () => {
    const server = await serve();
    const batch = batchOf(server);
    const count = 50_000;
    batch.send(Array.from({ length: count }, (_, i) => [i + 1, 'INCR n']));
    const client = clientOf(server);
    let seen = 0;
    let between = 0;
    while (seen < count) {
      const { value } = await execute(client, 'INCRBY n 0');
      const now = Number(value?.kind?.value);
      if (now > 0 && now < count) between++;
      seen = now;
    }
    expect(between).toBeGreaterThan(0);
    await expect.poll(() => batch.results.size, { timeout: 10_000 }).toBe(count);
  });

  it('answers many that waited, in messages that can be sent', async () => {
    const server = await serve();
    const batch = batchOf(server);
    const count = 80;
    batch.send(Array.from({ length: count }, (_, i) => [i + 1, `BLPOP k${i + 1} 0`]));
    const client = clientOf(server);
    await expect.poll(() => blockedCount(client), { timeout: 5000 }).toContain(`blocked_clients:${count}\r`);
    // 80 MiB at once, and a message has 64 at most.
    const script = `local v = string.rep('x', 1048576) for i = 1, ${count} do redis.call('RPUSH', 'k' .. i, v) end`;
    await scriptOf(batch, count + 1, script);
    await expect.poll(() => batch.results.size, { timeout: 20_000 }).toBe(count + 1);
    expect(batch.status).toBeNull();
  }, 30_000);

  it('refuses a command with more arguments than one may have, and goes on', async () => {
    const batch = batchOf(await serve());
    const args = Array.from({ length: 2 ** 20 + 1 }, () => Buffer.alloc(0));
    args[0] = Buffer.from('DEL');
    const operation: kv.Command['operation'] = { $case: 'execute', value: { args, protocol: 0 } };
    batch.stream.write({ commands: [{ id: 1, operation }], cancel: [] });
    batch.send([[2, 'PING']]);
    expect(await batch.result(1)).toMatchObject({ $case: 'error', value: { reason: 'INVALID' } });
    expect(await batch.value(2)).toBe('PONG');
  });

  it('refuses replies that decoders of protobuf would give up at, and goes on', async () => {
    const batch = batchOf(await serve());
    const nested = (depth: number) => `local t = {} for i = 1, ${depth} do t = {t} end return t`;
    expect(await scriptOf(batch, 1, nested(200))).toMatchObject({
      $case: 'error',
      value: { reason: 'LIMIT' },
    });
    expect(await scriptOf(batch, 2, nested(44))).toMatchObject({ $case: 'execute' });
    const maps = "redis.setresp(3) local t = 'x' for i = 1, 30 do t = {map = {k = t}} end return t";
    expect(await scriptOf(batch, 3, maps)).toMatchObject({ $case: 'execute' });
  });

  it('answers a script that calls a text a big number', async () => {
    const batch = batchOf(await serve());
    expect(await scriptOf(batch, 1, "redis.setresp(3) return {big_number = 'abc'}")).toMatchObject({
      value: { value: { kind: { $case: 'bytes', value: Buffer.from('abc') } } },
    });
  });

  it('knows its user while clients are paused', async () => {
    const server = await serve({ requirepass: 'secret' });
    const metadata = metadataOf({ authorization: 'Bearer secret' });
    await execute(clientOf(server), 'CLIENT PAUSE 200 ALL', { metadata });
    const batch = batchOf(server, metadata);
    batch.send([[1, 'PING']]);
    expect(await batch.value(1)).toBe('PONG');
  });

  it('answers a command that no session is left for, and ends no other', async () => {
    const batch = batchOf(await serve({ maxclients: '3' }));
    batch.send(Array.from({ length: 4 }, (_, i) => [i + 1, `BLPOP k${i + 1} 0.3`]));
    expect(await batch.result(4)).toMatchObject({ $case: 'error', value: { reason: 'LIMIT' } });
    expect(await batch.value(1)).toEqual({});
    batch.send([[5, 'PING']]);
    expect(await batch.value(5)).toBe('PONG');
    expect(batch.status).toBeNull();
  });
});

/** Sends a script by EVAL; what comes of it. */
function scriptOf(batch: BatchClient, id: number, script: string): Promise<kv.Result['outcome']> {
  const args = ['EVAL', script, '0'].map((word) => Buffer.from(word));
  const operation: kv.Command['operation'] = { $case: 'execute', value: { args, protocol: 0 } };
  batch.stream.write({ commands: [{ id, operation }], cancel: [] });
  return batch.result(id);
}
