/** Backups in files: written from what a server sends or a directory holds, checked, and made into a directory again. */
import { basename } from 'node:path';
import { type Env, type Findings, KvError } from '@holdfast/common';
import { checkDirectory, SnapshotFiles, type SnapshotStream } from '@holdfast/coord';
import { type AtomicFile, type Disk, writeSmallFile } from '@holdfast/log';
import {
  type BackupFields,
  type BackupItem,
  type BackupWriter,
  BatchCheck,
  LevelStorage,
  readBackup,
} from '@holdfast/storage';
import { apart, type PartBatch } from './apart.js';
import { applyTo, cacheBytes } from './applying.js';
import type { StorageKind } from './directory-target.js';
import type { HistorySource } from './history-source.js';
import { InputFile } from './input-file.js';
import { abandon, begin, checkPlace, finish } from './restore-place.js';

/** A whole server, whose name is empty, or a shard. */
export interface BackupPart {
  readonly name: string;
  readonly position: number;
  readonly version: number;
}

export interface BackupSummary {
  readonly fields: BackupFields;
  readonly parts: readonly BackupPart[];
  readonly batches: number;
  /** Something in it is about a whole database, of one part. */
  readonly isWide: boolean;
}

export interface PartOptions {
  readonly writer: BackupWriter;
  readonly name: string;
  readonly stream: SnapshotStream;
  readonly file: AtomicFile;
  readonly onBatch: () => void;
  /** That it is as of; what the stream says, or the highest in it, when not given. */
  readonly version?: number | undefined;
}

/** Writes one part; returns what it is as of. */
export async function writePart(options: PartOptions): Promise<{ position: number; version: number }> {
  const { file, name, onBatch, stream, writer } = options;
  const check = new BatchCheck();
  await file.write(writer.part(name));
  for await (const batch of stream.batches) {
    check.check(batch);
    await file.write(await writer.batch(batch));
    onBatch();
  }
  const position = stream.to();
  const version = options.version ?? stream.version?.() ?? check.lastVersion;
  if (check.lastVersion > version)
    throw new KvError('CORRUPT', `${name}: version ${check.lastVersion} is beyond the cut at ${version}`);
  await file.write(await writer.close(position, version));
  return { position, version };
}

export async function* itemsOf(disk: Disk, path: string): AsyncGenerator<BackupItem, void, void> {
  const input = new InputFile(disk, path);
  try {
    yield* readBackup(piecesOf(input));
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    throw new KvError(error.code, `${path}: ${error.message}`, { cause: error });
  } finally {
    await input.close();
  }
}

async function* piecesOf(input: InputFile): AsyncGenerator<Uint8Array> {
  while (await input.more()) {
    const piece = input.bytes;
    input.pass(piece.length);
    yield piece;
  }
}

/** Reads a backup to its end. Throws KvError CORRUPT, INVALID. */
export async function checkBackup(disk: Disk, path: string, onBatch: () => void): Promise<BackupSummary> {
  const check = new BatchCheck();
  const parts = new Map<string, BackupPart>();
  let fields: BackupFields = {};
  let name = '';
  let batches = 0;
  for await (const item of itemsOf(disk, path)) {
    if (item.kind === 'head') fields = item.fields;
    else if (item.kind === 'part') name = item.name;
    else if (item.kind === 'close') {
      // Of a shard, the last one says what all of it is as of.
      parts.set(name, { name, position: item.position, version: item.version });
    } else {
      check.check(item.batch);
      batches++;
      onBatch();
    }
  }
  return { fields, parts: [...parts.values()], batches, isWide: check.isWide };
}

/** How a restore goes on behind the backup. */
export interface RestorePoint {
  /** What the backup is as of, and what the restored is to be as of. */
  readonly after: number;
  readonly version: number;
  /** Null when there is nothing between the two. */
  readonly history: HistorySource | null;
}

/** Where all that is to be restored comes from. */
export interface RestoreSource {
  readonly env: Env;
  readonly disk: Disk;
  readonly path: string;
  readonly summary: BackupSummary;
  /** Null: as the backup is. */
  readonly point: RestorePoint | null;
  readonly onBatch: () => void;
}

/**
 * All that is to be restored, in order, for one place: what comes from shards is put together apart where it has to be, in
 * `scratch`. Throws KvError CORRUPT, and what the history throws.
 */
async function* batchesOf(source: RestoreSource, scratch: string): AsyncGenerator<Uint8Array, void, void> {
  const { env, point, summary } = source;
  const parts = summary.parts.map(({ name }) => name);
  // What comes from a history is not known before it is asked for.
  if (parts.length > 1 && (summary.isWide || point?.history)) {
    const batches = (some: ReadonlySet<string>) => partBatchesOf(source, some);
    for await (const batch of apart({ env, directory: scratch, parts, batches })) {
      yield batch;
      source.onBatch();
    }
  } else for await (const { batch } of partBatchesOf(source, new Set(parts))) yield batch;
}

async function* partBatchesOf(
  { disk, onBatch, path, point }: RestoreSource,
  parts: ReadonlySet<string>,
): AsyncGenerator<PartBatch, void, void> {
  let part = '';
  for await (const item of itemsOf(disk, path)) {
    if (item.kind === 'part') part = item.name;
    if (item.kind !== 'batch' || !parts.has(part)) continue;
    yield { part, batch: item.batch };
    onBatch();
  }
  if (point === null || point.history === null) return;
  for await (const each of point.history.batches(parts, point.after, point.version)) {
    yield each;
    onBatch();
  }
}

export interface RestoreOptions extends RestoreSource {
  readonly directory: string;
  readonly storage: StorageKind;
  /** What is there is moved to `DIR.replaced`. */
  readonly replace: boolean;
  /** So many more bytes of what was built were looked at. Nothing is in place before the last one. */
  readonly onChecked: (bytes: number) => void;
}

/** Builds the directory, checks it, and puts it in place. All parts of the backup come together in it. */
export async function restoreBackup(options: RestoreOptions): Promise<void> {
  const { disk, storage } = options;
  const place = await checkPlace(disk, options.directory, options.replace);
  const { building, directory } = place;
  // A server that has the directory keeps it.
  let lock = (await disk.exists(directory)) ? await disk.lock(directory) : null;
  try {
    await begin(disk, place);
    const scratch = `${building}/parts`;
    if (storage === 'level') await fillLevel(options, `${building}/level`, scratch);
    else await fillSnapshot(options, `${building}/snapshots`, scratch);
    await writeSmallFile(disk, `${building}/format`, Buffer.from(`holdfast 1 ${storage}\n`));
    await checkDirectory(disk, building, new Refusing(options.onChecked));
    if (place.way === 'beside') {
      // The lock is a name in it.
      await lock?.release();
      lock = null;
    }
    await finish(disk, place);
  } catch (error) {
    await abandon(disk, place).catch(() => {});
    throw error;
  } finally {
    await lock?.release().catch(() => {});
  }
}

/** All parts together, as level storage in a directory of its own. */
export async function fillLevel(source: RestoreSource, level: string, scratch: string): Promise<void> {
  const storage = await LevelStorage.open({ directory: level, env: source.env, cacheBytes });
  try {
    for await (const batch of batchesOf(source, scratch)) await applyTo(storage, batch);
    await storage.flush();
  } finally {
    await storage.close();
  }
}

async function fillSnapshot(source: RestoreSource, snapshots: string, scratch: string): Promise<void> {
  const batches = async function* (): AsyncGenerator<Uint8Array> {
    for await (const batch of batchesOf(source, scratch)) if (batch.length > 0) yield batch;
  };
  await new SnapshotFiles(source.disk, snapshots).write(0, batches(), async () => 0);
}

/** What was just written must be whole. */
class Refusing implements Findings {
  readonly passed: (bytes: number) => void;

  constructor(passed: (bytes: number) => void) {
    this.passed = passed;
  }

  damage(place: string, what: string): never {
    throw new KvError('CORRUPT', `${basename(place)}, just written: ${what}`);
  }

  note(): void {}
}
