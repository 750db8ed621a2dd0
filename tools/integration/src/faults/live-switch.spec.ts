/**
 * A server whose log moves from files to etcd and back under clients whose every answer is checked: nothing is lost, nothing is
 * out of order, versions go on rising, nobody is told more than to try again, and nobody waits for long.
 * `HOLDFAST_SWITCHES=50` measures more of them.
 */
import { EtcdCluster } from '@holdfast/etcd/testing';
import { kvctl } from '@holdfast/kvctl/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pause, type ServerProcess, spawnGateway, temporaryDirectory } from '../server.js';
import { WireClient } from '../wire-client.js';
import { Workload } from './workload.js';

const { HOLDFAST_SEED, HOLDFAST_SWITCHES } = process.env;
const seed = Number(HOLDFAST_SEED ?? Date.now() % 1_000_000);
const switches = Number(HOLDFAST_SWITCHES ?? 4);
/** What is promised of a machine that has nothing else to do. */
const pauseMsMax = 500;

/** Of the quickest half, the last: what else this machine does at the moment is not about us. */
function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)];
}

describe.each(['memory', 'level'])('the log of a server with %s storage', (storage) => {
  let etcd: EtcdCluster;
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
  let server: ServerProcess;
  let admin: string;
  let port: number;

  beforeEach(async () => {
    etcd = await EtcdCluster.start();
    directory = await temporaryDirectory();
    const settings = { storage, log: 'file', fsync: 'always', dir: directory.path, 'admin-port': '0' };
    server = spawnGateway(settings);
    const ready = JSON.parse(await server.readyLine()) as { redis: string; admin: string };
    admin = ready.admin;
    port = Number(ready.redis.split(':').at(-1));
  }, 60_000);

  afterEach(async () => {
    await server.kill();
    await etcd.stop();
    await directory.remove();
  });

  /** For how long commands waited, as the server says, in ms. */
  async function become(where: 'replicated' | 'local'): Promise<number> {
    const there = ['--at', admin, '--etcd', etcd.endpoints.join(','), '--json'];
    const { code, error, out } = await kvctl('consistency', 'set', where, ...there);
    expect(code, error).toBe(0);
    return (JSON.parse(out) as { pausedMs: number }).pausedMs;
  }

  it(`moves to etcd and back under load (HOLDFAST_SEED=${seed})`, async () => {
    const workload = new Workload({ seed, clients: 20, ports: () => [port], prefix: 'switch:' });
    workload.start();
    let isOver = false;
    const watching = watchVersions(port, () => isOver);
    const paused: number[] = [];
    const waited: number[] = [];
    for (let i = 0; i < switches; i++) {
      await pause(500);
      workload.longestMs = 0;
      paused.push(await become(i % 2 === 0 ? 'replicated' : 'local'));
      await pause(200);
      waited.push(workload.longestMs);
    }
    isOver = true;
    const versions = await watching;
    await workload.stop();
    workload.check();
    const texts = paused.map((ms, i) => `${Math.round(ms)} (${Math.round(waited[i])})`);
    console.log(`${storage}: ms without commands, and the longest that a client waited: ${texts.join(', ')}`);
    console.log(`${workload.summary()}, ${versions} versions`);
    expect([...workload.errors.keys()].filter((word) => word !== 'TRYAGAIN')).toEqual([]);
    expect(versions).toBeGreaterThan(20);
    expect(median(paused)).toBeLessThan(pauseMsMax);
    expect(median(waited)).toBeLessThan(pauseMsMax);
  }, 120_000);
});

/** One write after the other to two keys in turn: each has a greater version than the one before. How many there were. */
async function watchVersions(port: number, isOver: () => boolean): Promise<number> {
  const client = await WireClient.connect({ host: '127.0.0.1', port });
  let last = 0;
  let count = 0;
  while (!isOver()) {
    const key = `version:${count % 2}`;
    const [written, read] = await Promise.all(
      client.pipeline([
        ['SET', key, String(count)],
        ['KV.GET', key],
      ]),
    );
    if (written.type === '-') {
      expect(written.text).toMatch(/^TRYAGAIN /);
      continue;
    }
    if (read.type === '-') continue;
    const version = Number(read.items![0].text);
    expect(version).toBeGreaterThan(last);
    last = version;
    count++;
  }
  client.close();
  return count;
}
