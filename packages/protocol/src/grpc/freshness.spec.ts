/** What reads are to promise, as each request says. */
import { credentials, status } from '@grpc/grpc-js';
import { systemEnv } from '@holdfast/common';
import { openLocalStack, type ReadMode } from '@holdfast/coord';
import { observeReadModes } from '@holdfast/coord/testing';
import { channelOptions, kv } from '@holdfast/rpc';
import { afterEach, describe, expect, it } from 'vitest';
import { GrpcExporter } from './exporter.js';

const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const key = Buffer.from('k');

/** A client, and how what it asked was to be read. */
async function observed(): Promise<{ client: kv.KVClient; modes: ReadMode[] }> {
  const env = systemEnv();
  const options = { env, storage: 'memory', log: 'none', fsync: 'no', parameters: new Map() } as const;
  const stack = await openLocalStack(options);
  const { config, coordinator } = stack;
  const modes = observeReadModes(coordinator);
  const exporter = new GrpcExporter({ coordinator, env, config });
  const port = await exporter.listen(0, '127.0.0.1');
  const client = new kv.KVClient(`127.0.0.1:${port}`, credentials.createInsecure(), channelOptions());
  closing.push(async () => {
    client.close();
    await exporter.close();
    await stack.close();
  });
  return { client, modes };
}

function get(client: kv.KVClient, request: kv.GetRequest): Promise<kv.GetResponse> {
  return new Promise((resolve, reject) => {
    client.get(request, (error, response) => (error === null ? resolve(response) : reject(error)));
  });
}

describe('freshness', () => {
  it('is what each call says, and what the server begins with otherwise', async () => {
    const { client, modes } = await observed();
    const asked: (kv.Freshness | undefined)[] = [undefined, 0, 1, 2, 3];
    for (const freshness of asked) await get(client, { key, freshness });
    expect(modes).toEqual(['linearizable', 'linearizable', 'linearizable', 'lease', 'stale']);
  });

  it('is what each command of a stream says: the next one does not inherit it', async () => {
    const { client, modes } = await observed();
    const stream = client.batch();
    // The end of the server may come before that of the stream.
    stream.on('error', () => {});
    const answered = new Promise<kv.BatchResponse>((resolve) => stream.once('data', resolve));
    const asked: (kv.Freshness | undefined)[] = [3, undefined, 2];
    const operations = asked.map((freshness) => ({ key, freshness }));
    const commands = operations.map((value, id) => ({ id, operation: { $case: 'get' as const, value } }));
    stream.write({ commands, cancel: [] });
    expect((await answered).results).toHaveLength(3);
    stream.end();
    expect(modes).toEqual(['stale', 'linearizable', 'lease']);
  });

  it('that is not known is refused', async () => {
    const { client, modes } = await observed();
    await expect(get(client, { key, freshness: 4 as kv.Freshness })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
    const stream = client.batch();
    // The end of the server may come before that of the stream.
    stream.on('error', () => {});
    const answered = new Promise<kv.BatchResponse>((resolve) => stream.once('data', resolve));
    const value = { key, freshness: 9 as kv.Freshness };
    stream.write({ commands: [{ id: 1, operation: { $case: 'get', value } }], cancel: [] });
    expect((await answered).results[0].outcome).toMatchObject({ value: { reason: 'INVALID' } });
    stream.end();
    expect(modes).toEqual([]);
  });
});
