import { connect, constants } from 'node:http2';
import { status as codes, Metadata } from '@grpc/grpc-js';
import type { kv } from '@holdfast/rpc';
import { afterEach, describe, expect, it } from 'vitest';
import {
  batchOf,
  clientOf,
  closeAll,
  execute,
  metadataOf,
  onClose,
  reasonOf,
  serve,
  type TestServer,
} from '../testing/grpc-service.js';
import { compressedBytesMax, messageBytesCounted, openMessageBytesMax } from './limits.js';
import { RequestRoom } from './request-room.js';

afterEach(closeAll);

const secret = metadataOf({ authorization: 'Bearer secret' });

interface Head {
  readonly method?: string;
  readonly authorization?: string | undefined;
  /** What the message says to have; the call never sends it all. */
  readonly length: number;
  readonly flag?: number;
}

/** A call that says how long its message is, sends `sent` bytes of it, and then nothing, not even its end. */
function unfinishedCall(
  { address }: TestServer,
  { method = 'kv.v1.KV/Put', authorization, length, flag = 0 }: Head,
) {
  const session = connect(`http://${address}`);
  onClose(() => session.destroy());
  session.on('error', () => {});
  const stream = session.request({
    ':method': 'POST',
    ':path': `/${method}`,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(authorization !== undefined && { authorization }),
  });
  stream.on('error', () => {});
  const status = new Promise<number>((resolve) => {
    stream.on('response', (headers) => resolve(Number(headers['grpc-status'])));
  });
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(length, 1);
  stream.write(head);
  return { status, cancel: () => stream.close(constants.NGHTTP2_CANCEL), stream };
}

function put(client: kv.KVClient, bytes: number, metadata = new Metadata()): Promise<kv.PutResponse> {
  const request = { key: Buffer.from('k'), value: Buffer.alloc(bytes), onlyIfAbsent: false };
  return new Promise((resolve, reject) => {
    client.put(request, metadata, (error, response) => (error === null ? resolve(response) : reject(error)));
  });
}

describe('a call without valid credentials', () => {
  it('is refused before its message is there: messages of any callers were held until they were complete', async () => {
    const server = await serve({ requirepass: 'secret' });
    for (const authorization of [undefined, 'Bearer wrong', 'Digest x']) {
      const { status } = unfinishedCall(server, { authorization, length: 30_000_000 });
      expect(await status).toBe(codes.UNAUTHENTICATED);
    }
    const scan = unfinishedCall(server, { method: 'kv.v1.KV/Scan', length: 30_000_000 });
    expect(await scan.status).toBe(codes.UNAUTHENTICATED);
    const batch = unfinishedCall(server, { method: 'kv.v1.KV/Batch', length: 30_000_000 });
    expect(await batch.status).toBe(codes.UNAUTHENTICATED);
    expect(server.room.bytes).toBe(0);
  });

  it('is told so whatever its size', async () => {
    const server = await serve({ requirepass: 'secret' });
    const client = clientOf(server);
    expect(await reasonOf(put(client, 30_000_000))).toEqual([codes.UNAUTHENTICATED, 'NOAUTH']);
    await put(client, 30_000_000, secret);
  });

  it('leaves no session behind', async () => {
    const server = await serve({ requirepass: 'secret' });
    const client = clientOf(server);
    await reasonOf(put(client, 10));
    const { status } = unfinishedCall(server, { length: 100 });
    await status;
    expect(server.stack.coordinator.sessionCount).toBe(0);
  });

  it('is in ACL LOG when they are wrong', async () => {
    const client = clientOf(await serve({ requirepass: 'secret' }));
    await reasonOf(execute(client, 'GET k', { metadata: metadataOf({ authorization: 'Bearer wrong' }) }));
    const { value } = await execute(client, 'ACL LOG', { metadata: secret });
    expect(JSON.stringify(value)).toContain(JSON.stringify(Buffer.from('auth')));
  });
});

describe('credentials of a call', () => {
  it('are no command that the client sent: each call was counted as an AUTH, too', async () => {
    const server = await serve({ requirepass: 'secret', 'slowlog-log-slower-than': '0' });
    const client = clientOf(server);
    await execute(client, 'SET k v', { metadata: secret });
    const batch = batchOf(server, secret);
    batch.send([[1, 'GET k']]);
    await batch.result(1);
    const { value } = await execute(client, 'INFO commandstats', { metadata: secret });
    expect(String(value?.kind?.value)).toContain('cmdstat_set:calls=1');
    expect(String(value?.kind?.value)).not.toContain('cmdstat_auth');
    const slow = await execute(client, 'SLOWLOG GET 100', { metadata: secret });
    expect(JSON.stringify(slow)).not.toContain(JSON.stringify(Buffer.from('AUTH')));
    expect(JSON.stringify(slow)).toContain(JSON.stringify(Buffer.from('SET')));
  });
});

describe('a call that anybody may make', () => {
  it('has a short message: it could be as long as any', async () => {
    const server = await serve({ requirepass: 'secret' });
    const method = 'grpc.health.v1.Health/Check';
    const long = unfinishedCall(server, { method, length: openMessageBytesMax + 1 });
    expect(await long.status).toBe(codes.RESOURCE_EXHAUSTED);
    const compressed = unfinishedCall(server, { method, length: compressedBytesMax + 1, flag: 1 });
    expect(await compressed.status).toBe(codes.RESOURCE_EXHAUSTED);
  });
});

describe('requests under way', () => {
  const authorization = 'Bearer secret';
  const length = 40_000_000;

  async function full(): Promise<{ server: TestServer; calls: ReturnType<typeof unfinishedCall>[] }> {
    const server = await serve({ requirepass: 'secret' }, undefined, new RequestRoom(100_000_000));
    const calls = [1, 2].map(() => unfinishedCall(server, { authorization, length }));
    await expect.poll(() => server.room.bytes).toBe(2 * length);
    return { server, calls };
  }

  it('have a bound over all calls: it was one for each', async () => {
    const { server, calls } = await full();
    const client = clientOf(server);
    expect(await reasonOf(put(client, length, secret))).toEqual([codes.RESOURCE_EXHAUSTED, 'LIMIT']);
    const other = unfinishedCall(server, { authorization, length });
    expect(await other.status).toBe(codes.RESOURCE_EXHAUSTED);
    for (const { cancel } of calls) cancel();
    await expect.poll(() => server.room.bytes).toBe(0);
    await put(client, length, secret);
    await expect.poll(() => server.room.bytes).toBe(0);
  });

  it('hold up none that are small', async () => {
    const { server } = await full();
    const client = clientOf(server);
    expect(await reasonOf(put(client, 20_000_000, secret))).toEqual([codes.RESOURCE_EXHAUSTED, 'LIMIT']);
    await put(client, messageBytesCounted - 100, secret);
    const batch = batchOf(server, secret);
    batch.send([[1, 'PING']]);
    expect(await batch.value(1)).toBe('PONG');
  });

  it('of a stream have their place until they were executed', async () => {
    const server = await serve({ requirepass: 'secret' }, undefined, new RequestRoom(1_000_000));
    const batch = batchOf(server, secret);
    const value = 'v'.repeat(400_000);
    for (let id = 1; id <= 10; id++) {
      batch.send([[id, `SET k ${value}`]]);
      expect(await batch.value(id)).toBe('OK');
    }
    await expect.poll(() => server.room.bytes).toBe(0);
    const unfinished = unfinishedCall(server, { authorization, method: 'kv.v1.KV/Batch', length: 900_000 });
    await expect.poll(() => server.room.bytes).toBe(900_000);
    batch.send([[11, `SET k ${value}`]]);
    // Without a reason: what was sent before may have been executed.
    await expect.poll(() => batch.status).toMatchObject({ code: codes.RESOURCE_EXHAUSTED });
    unfinished.cancel();
    await expect.poll(() => server.room.bytes).toBe(0);
  });
});
