import { KvError, systemEnv } from '@holdfast/common';
import { AdminClient, admin } from '@holdfast/rpc';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Administration } from './administration.js';
import { AdminExporter } from './exporter.js';

const status = admin.StatusResponse.create({
  kind: admin.ProcessKind.PROCESS_KIND_STORAGE_NODE,
  name: 'n1',
  replicas: [admin.ReplicaStatus.create({ shard: 's0', position: 2 ** 40 })],
});

describe('AdminExporter', () => {
  const env = systemEnv();
  const done: string[] = [];
  const errors: unknown[] = [];
  const administration: Administration = {
    status: () => status,
    moveLead: async (shard, to) => {
      if (shard === 'mine') done.push(`${shard} to ${to}`);
      else if (shard === 'lost') throw new KvError('UNDETERMINED', 'the lead was lost');
      else if (shard === 'broken') throw new TypeError('a defect');
      else throw new KvError('REFUSED', `this node does not lead shard ${shard}`);
    },
    drain: async (isDraining) => (isDraining ? 3 : 0),
    async *snapshot(shard) {
      for (let i = 0; i < 40; i++) yield Buffer.alloc(100_000, i);
      if (shard !== 's0') throw new KvError('INVALID', `there is no shard ${shard}`);
    },
  };
  let exporter: AdminExporter;
  let client: AdminClient;

  beforeEach(async () => {
    exporter = new AdminExporter({ administration, env, onError: (error) => errors.push(error) });
    const port = await exporter.listen(0, '127.0.0.1');
    client = new AdminClient({ address: `127.0.0.1:${port}`, env });
  });

  afterEach(async () => {
    client.close();
    await exporter.close();
  });

  it('says what the process is, and has it do what it can', async () => {
    expect(await client.status(5000)).toEqual(status);
    await client.moveLead('mine', 'n2', 5000);
    expect(done).toEqual(['mine to n2']);
    expect(await client.drain(true, 5000)).toBe(3);
  });

  it('tells errors apart', async () => {
    const codeOf = (call: Promise<unknown>): Promise<string> =>
      call.then(
        () => 'none',
        (error: KvError) => `${error.code}: ${error.message}`,
      );
    expect(await codeOf(client.moveLead('other', 'n2', 5000))).toBe(
      'REFUSED: this node does not lead shard other',
    );
    expect(await codeOf(client.moveLead('lost', 'n2', 5000))).toBe('UNDETERMINED: the lead was lost');
    expect(await codeOf(client.moveLead('broken', 'n2', 5000))).toMatch(/^UNDETERMINED: the process failed/);
    expect(errors).toHaveLength(1);
    expect(await codeOf(client.setConsistency(1, [], 5000))).toBe(
      "INVALID: a storage node can't do SetConsistency",
    );
  });

  it('streams a snapshot, and what goes wrong within it', async () => {
    let bytes = 0;
    for await (const frames of client.snapshot('s0')) bytes += frames.length;
    expect(bytes).toBe(4_000_000);
    await expect(async () => {
      for await (const _ of client.snapshot('s9'));
    }).rejects.toMatchObject({ code: 'INVALID', message: 'there is no shard s9' });
  });

  it('is missed when it is gone', async () => {
    await exporter.close();
    await expect(client.status(500)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect(client.drain(true, 500)).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});
