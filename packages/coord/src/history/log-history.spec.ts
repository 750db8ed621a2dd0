import { SimulatedEnv } from '@holdfast/common/testing';
import { FileLog, type FsyncPolicy } from '@holdfast/log';
import { SimulatedDisk } from '@holdfast/log/testing';
import { BatchWrites, WriteStamp } from '@holdfast/storage';
import { oracleEpochMs, timestampsPerMs } from '@holdfast/tso';
import { describe, expect, it } from 'vitest';
import { testBounds } from '../testing/broken-histories.js';
import {
  assertSame,
  type HistoryUnderTest,
  HistoryWriter,
  historyConformance,
  readAll,
} from '../testing/history-conformance.js';
import type { HistoryBounds } from './bounds.js';
import { KeptHistory } from './kept-history.js';

const directory = '/data';

/** A server as far as its history is concerned: a log, versions, and who keeps the history of it. */
class Server implements HistoryUnderTest {
  readonly #log: FileLog;
  readonly #kept: KeptHistory;

  static async open(
    disk: SimulatedDisk,
    { bounds = testBounds, env = new SimulatedEnv(), from = 100, fsync = 'everysec' as FsyncPolicy } = {},
  ): Promise<Server> {
    const log = await FileLog.open({ disk, env, directory: `${directory}/log`, fsync, segmentBytes: 4096 });
    const next = (): number => from;
    const oracle = { next, fetch: async () => from, ready: async () => {}, close: async () => {} };
    const kept = new KeptHistory({ clock: env.clock, oracle, bounds, place: { disk, path: directory } });
    const stamp = new WriteStamp();
    stamp.last = from > 100 ? await lastOf(log) : 0;
    await kept.resume(log, stamp);
    return new Server(log, kept);
  }

  private constructor(log: FileLog, kept: KeptHistory) {
    this.#log = log;
    this.#kept = kept;
  }

  get history(): KeptHistory {
    return this.#kept;
  }

  set bounds(bounds: HistoryBounds) {
    this.#kept.bounds = bounds;
  }

  async commit(batch: Uint8Array, version: number): Promise<void> {
    const outcome = await this.#log.append(batch, this.#log.committedPosition, 1);
    if (outcome.kind !== 'committed') throw new Error(outcome.kind);
    this.#kept.commits?.committed(batch, outcome.position, version);
  }

  /** As after a snapshot of everything. */
  async trim(before = this.#log.committedPosition + 1): Promise<void> {
    await this.#log.trim(await this.#kept.release(before));
  }

  sync(): Promise<void> {
    return this.#log.sync();
  }

  get bytes(): number {
    return this.#log.bytes;
  }

  end(): void {
    void this.#kept.stop('it ends');
  }

  close(): Promise<void> {
    return this.#log.close();
  }
}

async function lastOf(log: FileLog): Promise<number> {
  let version = 0;
  for await (const { batch } of log.read(await log.head())) version = new BatchWrites().lastVersion(batch);
  return version;
}

describe('LogHistory', () => {
  for (const { name, run } of historyConformance) {
    it(name, async () => {
      const server = await Server.open(new SimulatedDisk());
      await run(server);
      await server.close();
    });
  }
});

describe('a history in a log', () => {
  it('is there again after a restart, and readers go on', async () => {
    const disk = new SimulatedDisk();
    const first = await Server.open(disk);
    const writer = new HistoryWriter(first, 21);
    const begin = first.history.oldest;
    for (let i = 0; i < 60; i++) await writer.commit(1 + (i % 3), 40);
    const half = writer.written[30].version;
    await first.close();
    const second = await Server.open(disk, { from: first.history.newest + 50 });
    expect(second.history.oldest).toBe(begin);
    assertSame(await readAll(second.history, begin), writer.written);
    const later = new HistoryWriter(second, 22);
    for (let i = 0; i < 5; i++) await later.commit(2);
    assertSame(await readAll(second.history, half), [...writer.after(half), ...later.written]);
    // Who had everything misses only what is new, and the restart itself is no write.
    assertSame(await readAll(second.history, writer.written.at(-1)!.version), later.written);
    await second.close();
  });

  it('is dropped by whole files as its bytes say, and a restart knows from where on it is', async () => {
    const disk = new SimulatedDisk();
    const server = await Server.open(disk);
    const writer = new HistoryWriter(server, 23);
    for (let i = 0; i < 500; i++) {
      await writer.commit(2, 60);
      if (i % 50 === 49) await server.trim();
    }
    const { oldest } = server.history;
    expect(server.bytes).toBeGreaterThanOrEqual(testBounds.bytes);
    expect(server.bytes).toBeLessThan(testBounds.bytes + 2 * 4096 + 50 * 500);
    assertSame(await readAll(server.history, oldest), writer.after(oldest));
    expect(writer.written.some(({ version }) => version === oldest)).toBe(true);
    await server.close();
    const again = await Server.open(disk, { from: server.history.newest + 1 });
    expect(again.history.oldest).toBe(oldest);
    assertSame(await readAll(again.history, oldest), writer.after(oldest));
    await again.close();
  });

  it('is dropped where the disk has no room to say so: the log, which filled it, stayed as it was', async () => {
    const disk = new SimulatedDisk();
    const server = await Server.open(disk);
    const writer = new HistoryWriter(server, 29);
    for (let i = 0; i < 400; i++) await writer.commit(2, 60);
    const { bytes } = server;
    disk.failNext('write', 'ENOSPC', { pathPart: `${directory}/history` });
    await server.trim();
    expect(server.bytes).toBeLessThan(bytes / 2);
    const { newest, oldest } = server.history;
    assertSame(await readAll(server.history, oldest), writer.after(oldest));
    await expect(server.history.read(writer.written[0].version)).rejects.toMatchObject({ code: 'COMPACTED' });
    await server.close();
    // What it has on the disk does not fit the log.
    const again = await Server.open(disk, { from: newest + 1 });
    expect(again.history.oldest).toBe(newest + 1);
    await again.close();
  });

  it('keeps what recovery needs, however small its bounds are', async () => {
    const server = await Server.open(new SimulatedDisk(), { bounds: { bytes: 1, seconds: 0 } });
    const writer = new HistoryWriter(server);
    const { oldest } = server.history;
    for (let i = 0; i < 100; i++) await writer.commit(1, 100);
    await server.trim(1);
    assertSame(await readAll(server.history, oldest), writer.written);
    await server.close();
  });

  it('drops files that are too old', async () => {
    const env = new SimulatedEnv();
    const versionNow = (): number => (Math.floor(env.clock.now()) - oracleEpochMs) * timestampsPerMs;
    const from = versionNow();
    const server = await Server.open(new SimulatedDisk(), { env, from, bounds: { bytes: 1e9, seconds: 60 } });
    const writer = new HistoryWriter(server);
    for (let i = 0; i < 100; i++) await writer.commit(1, 100);
    await env.advance(59_000);
    await server.trim();
    expect(server.history.oldest).toBe(from);
    await env.advance(2_000);
    await server.trim();
    expect(server.history.oldest).toBeGreaterThan(from);
    assertSame(await readAll(server.history, server.history.oldest), writer.after(server.history.oldest));
    expect(writer.after(server.history.oldest).length).toBeLessThan(60);
    await server.close();
  });

  it('sends away who has seen what a power cut took', async () => {
    const disk = new SimulatedDisk(3);
    const server = await Server.open(disk);
    const writer = new HistoryWriter(server, 24);
    for (let i = 0; i < 5; i++) await writer.commit(1);
    await server.sync();
    const kept = writer.written.at(-1)!.version;
    for (let i = 0; i < 5; i++) await writer.commit(1);
    const seen = (await readAll(server.history, kept)).at(-1)!.version;
    disk.crash();
    await server.close().catch(() => {});
    const again = await Server.open(disk, { from: seen + 100 });
    const rest = await readAll(again.history, kept);
    // It may be that nothing was lost: that is a matter of luck, and of the seed.
    expect(rest.length).toBeLessThan(5);
    await expect(again.history.read(seen)).rejects.toMatchObject({ code: 'COMPACTED' });
    const last = rest.at(-1)?.version ?? kept;
    const later = new HistoryWriter(again, 25);
    await later.commit(3);
    assertSame(await readAll(again.history, last), later.written);
    // And so it is after another restart.
    await again.close();
    const third = await Server.open(disk, { from: again.history.newest + 100 });
    await expect(third.history.read(seen)).rejects.toMatchObject({ code: 'COMPACTED' });
    assertSame(await readAll(third.history, last), later.written);
    await third.close();
  });

  it('begins anew after a run without one', async () => {
    const disk = new SimulatedDisk();
    const first = await Server.open(disk);
    const writer = new HistoryWriter(first, 26);
    await writer.commit(3);
    await first.close();
    const without = await Server.open(disk, { from: 1000, bounds: { bytes: 0, seconds: 0 } });
    await expect(without.history.read(1000)).rejects.toMatchObject({ code: 'INVALID' });
    await without.close();
    const third = await Server.open(disk, { from: 2000 });
    expect(third.history.oldest).toBe(2000);
    await expect(third.history.read(writer.written[0].version)).rejects.toMatchObject({ code: 'COMPACTED' });
    await third.close();
  });

  it('begins anew when its file is damaged', async () => {
    const disk = new SimulatedDisk();
    const first = await Server.open(disk);
    await new HistoryWriter(first, 27).commit(3);
    await first.close();
    const file = disk.open(`${directory}/history`, 'write');
    file.writeSync(Buffer.from('7'), 0);
    await file.close();
    const again = await Server.open(disk, { from: 1000 });
    expect(again.history.oldest).toBe(1000);
    await again.close();
  });
});
