/** A backup of a cluster whose leaders are lost on the way; the nodes are toys. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KvError, systemEnv } from '@holdfast/common';
import { EtcdLayout, encodeSnapshot } from '@holdfast/coord';
import { AtomicFile, NodeDisk } from '@holdfast/log';
import { BackupWriter, MutationWriter, mutationKinds } from '@holdfast/storage';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cluster } from '../cluster.js';
import { partAttemptsMax } from '../limits.js';
import { itemsOf } from './backup.js';
import { backUpCluster, type ClusterBackup } from './cluster-backup.js';

const cutVersion = 1000;
const disk = new NodeDisk();

/** A batch with a record of this version, and so long that batches are packed one by one. */
function batchOf(version: number): Buffer {
  const content = Buffer.alloc(2 << 20, version);
  const writer = new MutationWriter(64 + content.length);
  writer.begin(mutationKinds.leadership, 0, version, content, 0, 0);
  writer.field(content, 0, content.length);
  return Buffer.from(writer.bytes.subarray(0, writer.length));
}

/** What is sent until the connection is lost: `versions`, and the end if `isWhole`. */
function sent(from: number, versions: readonly number[], isWhole: boolean): AsyncIterable<Uint8Array> {
  const batches = async function* (): AsyncGenerator<Uint8Array> {
    for (const version of versions) yield batchOf(version);
    if (!isWhole) throw new KvError('UNAVAILABLE', 'the node is gone');
  };
  return encodeSnapshot({ from, batches: batches(), to: () => from + versions.length });
}

let directory: string;
let notes: string[];
/** What the leader of a shard answers next, the first of all first. */
let snapshots: (() => AsyncIterable<Uint8Array>)[];
let changes: (() => AsyncIterable<Uint8Array>)[];
/** Behind which positions changes were asked for. */
let asked: number[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'holdfast-backup-'));
  notes = [];
  asked = [];
});

afterEach(() => rm(directory, { recursive: true }));

function toyCluster(): Cluster {
  const admin = {
    snapshot: () => snapshots.shift()!(),
    changes: (_: string, after: number) => {
      asked.push(after);
      return changes.shift()!();
    },
    timestamp: async () => cutVersion,
  };
  return {
    env: systemEnv(),
    layout: new EtcdLayout('test/'),
    etcd: { grantLease: async () => 1, revokeLease: async () => {}, transact: async () => ({}) },
    meta: { map: { shards: [{ shard: 's0' }] }, nodes: new Map([['n1', { node: 'n1' }]]) },
    look: async () => ({ shards: [{ shard: 's0', leader: 'n1' }] }),
    admin: () => admin,
    until: async (_: number, __: string, check: () => Promise<unknown>) => (await check()) ?? (await check()),
  } as unknown as Cluster;
}

function backUp(path: string): Promise<ClusterBackup> {
  const writer = new BackupWriter();
  const onNote = (text: string): void => void notes.push(text);
  return AtomicFile.write(disk, path, async (file) => {
    await file.write(writer.head({}));
    const taking = { cluster: toyCluster(), writer, file, onBatch: () => {}, onNote };
    const backup = await backUpCluster({ ...taking, race: (work) => work });
    await file.write(writer.end());
    return backup;
  });
}

/** The versions in a backup, by the parts they are in. */
async function partsOf(path: string): Promise<number[][]> {
  const parts: number[][] = [];
  for await (const item of itemsOf(disk, path)) {
    if (item.kind === 'part') parts.push([]);
    else if (item.kind === 'batch') parts.at(-1)!.push(item.batch.at(-1)!);
  }
  return parts;
}

describe('a backup of a cluster', () => {
  it('begins a part anew whose leader is lost on the way, and holds nothing twice', async () => {
    snapshots = [
      () => sent(10, [1, 2, 3, 4], false),
      () => sent(20, [], false),
      () => sent(30, [5, 6], true),
    ];
    changes = [() => sent(30, [7], false), () => sent(30, [7, 8], true)];
    const path = join(directory, 'backup');
    expect(await backUp(path)).toEqual({ version: cutVersion, positions: { s0: 32 } });
    expect(await partsOf(path)).toEqual([
      [5, 6],
      [7, 8],
    ]);
    // The log behind the snapshot that counts, not behind the one that came to no end.
    expect(asked).toEqual([30, 30]);
    expect(notes.filter((note) => note.includes('begun anew')).length).toBe(3);
  });

  it('gives up when one leader after the other is lost', async () => {
    snapshots = Array.from({ length: partAttemptsMax + 1 }, () => () => sent(10, [1], false));
    await expect(backUp(join(directory, 'backup'))).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    expect(snapshots.length).toBe(1);
  });

  it('is not begun anew for what another leader would not mend', async () => {
    snapshots = [() => sent(10, [cutVersion + 1], true)];
    changes = [() => sent(11, [cutVersion + 1], true), () => sent(11, [], true)];
    await expect(backUp(join(directory, 'backup'))).rejects.toMatchObject({ code: 'CORRUPT' });
    expect(changes.length).toBe(1);
  });
});
