import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Env, systemEnv } from '@holdfast/common';
import { EtcdCluster } from '@holdfast/etcd/testing';
import { NodeDisk } from '@holdfast/log';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ServerEtcd } from './server-etcd.js';

let etcd: EtcdCluster;
let directory: string;

beforeEach(async () => {
  etcd = await EtcdCluster.start();
  directory = mkdtempSync(join(tmpdir(), 'server-etcd-'));
});

afterEach(async () => {
  await etcd.stop();
  rmSync(directory, { recursive: true });
});

/** Waits a tenth as long for everything. */
function quickEnv(): Env {
  const { clock, random, timers } = systemEnv();
  return {
    clock,
    random,
    timers: {
      setTimeout: (callback, delayMs) => timers.setTimeout(callback, delayMs / 10),
      clearTimeout: (timer) => timers.clearTimeout(timer),
      setImmediate: (callback) => timers.setImmediate(callback),
    },
  };
}

it('has the history of its etcd forgotten, and its quota watched, where no process of a cluster does', async () => {
  const server = new ServerEtcd({
    env: quickEnv(),
    disk: new NodeDisk(),
    directory,
    etcd: { endpoints: [], prefix: 'server/', versionPolicy: 'warn', quotaBytes: 100_000_000 },
    onWarning: () => {},
  });
  const { room } = await server.open(etcd.endpoints);
  const client = await etcd.connect();
  // Who puts this compacts to what was there before, a while ago.
  const guard = async (): Promise<number> =>
    (await client.range({ key: Buffer.from('server/compaction') })).kvs.length;
  await expect.poll(guard, { timeout: 10_000 }).toBe(1);
  await expect.poll(() => room!.roomBytes).toBeLessThan(100_000_000);
  server.close();
  client.close();
});
