/** The live switch of a server: from a file to etcd and back, while it writes. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemEnv } from '@holdfast/common';
import type { Etcd } from '@holdfast/etcd';
import { EtcdCluster } from '@holdfast/etcd/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Segment } from './chain.js';
import { EtcdLog } from './etcd-log.js';
import { EtcdRegister } from './etcd-register.js';
import { FileLog } from './file-log.js';
import type { Log, Position } from './log.js';
import { NodeDisk } from './node-disk.js';
import type { Segments } from './open-segments.js';
import { batchOf, entriesOf } from './testing/assertions.js';
import { VirtualLog } from './virtual-log.js';

const env = systemEnv();

class RealSegments implements Segments {
  readonly #etcd: Etcd;
  readonly #directory: string;

  constructor(etcd: Etcd, directory: string) {
    this.#etcd = etcd;
    this.#directory = directory;
  }

  create(segment: Segment): Promise<Log> {
    return this.open(segment, true);
  }

  open({ kind, name, after, epoch }: Segment, create = false): Promise<Log> {
    const start = { env, create, startAfter: after, startEpoch: epoch };
    if (kind === 'etcd') return EtcdLog.open({ ...start, etcd: this.#etcd, prefix: `segments/${name}/` });
    return FileLog.open({
      ...start,
      disk: new NodeDisk(),
      directory: join(this.#directory, name),
      fsync: 'always',
    });
  }

  async drop({ kind, name }: Segment): Promise<void> {
    if (kind === 'etcd') await EtcdLog.drop(this.#etcd, `segments/${name}/`);
    else await rm(join(this.#directory, name), { recursive: true, force: true });
  }
}

describe('VirtualLog over files and etcd', () => {
  let cluster: EtcdCluster;
  let etcd: Etcd;
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'virtual-log-'));
    cluster = await EtcdCluster.start();
    etcd = await cluster.connect();
  });

  afterAll(async () => {
    etcd?.close();
    await cluster?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  it('is switched from one to the other and back under load, with a pause and nothing lost', async () => {
    const register = new EtcdRegister({ etcd, key: 'chain' });
    const segments = new RealSegments(etcd, directory);
    const log = await VirtualLog.open({ env, register, segments, kind: 'file' });
    let isOver = false;
    let last: Position = 0;
    let longestMs = 0;
    const writing = (async () => {
      for (; !isOver; last++) {
        const startMs = performance.now();
        const outcome = await log.append(batchOf(last + 1, 100), last, 1);
        expect(outcome).toEqual({ kind: 'committed', position: last + 1 });
        longestMs = Math.max(longestMs, performance.now() - startMs);
      }
    })();
    const reached = (position: Position): Promise<void> =>
      expect.poll(() => last, { timeout: 10_000 }).toBeGreaterThan(position);
    for (const kind of ['etcd', 'file', 'etcd']) {
      await reached(last + 20);
      expect(await log.reconfigure(kind)).toBe(true);
    }
    await reached(last + 20);
    isOver = true;
    await writing;
    console.log(`switched three times within ${last} appends; the longest took ${longestMs.toFixed(0)} ms`);
    expect(log.chain.segments.map(({ kind }) => kind)).toEqual(['file', 'etcd', 'file', 'etcd']);
    await log.close();
    const reopened = await VirtualLog.open({ env, register, segments, kind: 'file' });
    const entries = await entriesOf(reopened, 1);
    expect(entries.length).toBe(last);
    for (const { batch, position } of entries) expect(Buffer.compare(batch, batchOf(position, 100))).toBe(0);
    await reopened.trim(last + 1);
    expect(reopened.chain.segments.length).toBe(1);
    // The head, and the mark that it is open.
    expect(
      (await etcd.range({ key: Buffer.from('segments/'), rangeEnd: Buffer.from('segments0') })).kvs.length,
    ).toBe(2);
    await reopened.close();
  }, 30_000);
});
