/** Clients that cache, as they come, through the gateway of a cluster: node-redis, ioredis, redis-cli. Needs a build. */
import { spawn } from 'node:child_process';
import { renderReply } from '@holdfast/protocol/testing';
import { Redis } from 'ioredis';
import { BasicClientSideCache, createClient } from 'redis';
import { describe, expect, it } from 'vitest';
import type { ClusterProcesses } from './cluster-processes.js';
import { keysOfShards, withThreeShards } from './three-shards.js';
import { WireClient } from './wire-client.js';

let cluster: ClusterProcesses;

withThreeShards((started) => {
  cluster = started;
});

async function write(value: string): Promise<void> {
  const straight = cluster.straight();
  for (const key of keysOfShards) await straight.set(key, value);
}

describe('a client that caches, through the gateway', () => {
  it('is node-redis, which sees what was written straight at the nodes, and after a leader has died', async () => {
    const cache = new BasicClientSideCache({ ttl: 0, maxEntries: 0, evictPolicy: 'LRU' });
    const url = `redis://127.0.0.1:${cluster.gateway.port('redis')}`;
    const client = createClient({ url, RESP: 3, clientSideCache: cache });
    client.on('error', () => {});
    await client.connect();
    try {
      for (const value of ['1', '2', '3']) {
        await write(value);
        for (const key of keysOfShards) await expect.poll(() => client.get(key)).toBe(value);
        const before = cache.stats().hitCount;
        for (const key of keysOfShards) expect(await client.get(key)).toBe(value);
        expect(cache.stats().hitCount - before).toBe(keysOfShards.length);
      }
      const node = await cluster.leaderOf('a');
      await node.kill();
      await expect.poll(async () => write('4').then(() => 'done', String), { timeout: 10_000 }).toBe('done');
      for (const key of keysOfShards) await expect.poll(() => client.get(key).catch(String)).toBe('4');
      await node.start();
      await cluster.ready();
    } finally {
      client.destroy();
    }
  }, 60_000);

  it('is ioredis in RESP2, which has another connection told', async () => {
    const port = cluster.gateway.port('redis');
    const [data, listener] = [new Redis({ port, protocol: 2 }), new Redis({ port, protocol: 2 })];
    const heard: string[] = [];
    listener.on('message', (channel: string, message: string) => heard.push(`${channel} ${message}`));
    try {
      await listener.subscribe('__redis__:invalidate');
      const id = String(await data.client('LIST')).match(/id=(\d+) .*sub=1 /)![1];
      expect(await data.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', id)).toBe('OK');
      await data.mget(...keysOfShards);
      await write('5');
      const expected = keysOfShards.map((key) => `__redis__:invalidate ${key}`);
      await expect.poll(() => [...heard].sort()).toEqual(expected);
    } finally {
      data.disconnect();
      listener.disconnect();
    }
  });

  it('is redis-cli in RESP3, which shows what it is pushed', async () => {
    const args = ['-p', String(cluster.gateway.port('redis')), '-3', '--show-pushes', 'yes'];
    const cli = spawn('redis-cli', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    let shown = '';
    cli.stdout.on('data', (bytes: Buffer) => {
      shown += bytes.toString();
    });
    try {
      cli.stdin.write('CLIENT TRACKING ON\nGET a\nGET b\n');
      await expect.poll(() => shown).toBe('OK\n5\n5\n');
      await write('6');
      // It reads what it was pushed when it next asks.
      await expect
        .poll(() => {
          cli.stdin.write('PING\n');
          return shown;
        })
        .toMatch(/invalidate\na\n.*invalidate\nb\n/s);
    } finally {
      cli.kill();
    }
  });
});

describe('a client of a storage node that tracks', () => {
  it('is told of what it read from a replica, when that learns of the change', async () => {
    const leader = await cluster.leaderOf('a');
    const replica = cluster.nodes.find((node) => node !== leader)!;
    const client = await WireClient.connect({ host: '127.0.0.1', port: replica.port('redis') });
    try {
      await write('7');
      for (const words of [['HELLO', '3'], ['READONLY'], ['CLIENT', 'TRACKING', 'ON']])
        await client.call(...words);
      await expect.poll(async () => (await client.call('GET', 'a')).text).toBe('7');
      await expect.poll(() => client.pushes.splice(0).length).toBe(0);
      await client.call('GET', 'a');
      await write('8');
      await expect.poll(() => client.pushes.map(renderReply)).toEqual(['>[$"invalidate", *[$"a"]]']);
      await expect.poll(async () => (await client.call('GET', 'a')).text).toBe('8');
    } finally {
      client.close();
    }
  });
});
