import { status as codes, type ServiceError } from '@grpc/grpc-js';
import type { kv } from '@holdfast/rpc';
import { afterEach, describe, expect, it } from 'vitest';
import {
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
});
