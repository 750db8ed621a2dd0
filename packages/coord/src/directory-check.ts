/**
 * Checks a whole data directory that no server has open: each part by itself, and that they fit together.
 *
 *     DIR/format, timestamps, chain    small files with checksums, as DIR/history
 *     DIR/log, log-NAME                every entry, and that it decodes
 *     DIR/snapshots                    every frame, and that it decodes
 *     DIR/level                        every file and every record: `checkLevel`
 *     DIR/shards/SHARD                 of a node of a cluster, whose logs are in etcd: its snapshots or its level storage
 *
 * The state of level storage, or the newest snapshot, must be one that the log goes on from. Nothing that matters is
 * changed: see `checkLevel`.
 */
import { type Findings, KvError } from '@holdfast/common';
import {
  type Chain,
  checkLog,
  type Disk,
  FileHighWaterMark,
  FileRegister,
  readChain,
  readSmallFile,
} from '@holdfast/log';
import { BatchCheck, checkLevel, type StoreDirectory } from '@holdfast/storage';
import { firstName, inFiles, segmentDirectory } from './chain-segments.js';
import { readStarts } from './history/history-starts.js';
import { SnapshotFiles } from './snapshot-files.js';

export interface DirectoryReport {
  /** Of the data: what is on the disk by itself, before the log is applied. 0 for nothing, or when it is damaged. */
  readonly position: number;
  /** Of the log; 0 when there is none in files. */
  readonly head: number;
  readonly tail: number;
  /** What level storage holds; 0 for memory storage, where it is not counted. */
  readonly keys: number;
  readonly elements: number;
  /** Entries of the log and batches of snapshots. */
  readonly batches: number;
}

/** Throws KvError INVALID (there is no data), LOCKED, DISK. */
export async function checkDirectory(disk: Disk, path: string, findings: Findings): Promise<DirectoryReport> {
  if (!(await disk.exists(path))) throw new KvError('INVALID', `there is no directory ${path}`);
  const names = await disk.list(path);
  if (!names.some((name) => isPart(name)))
    throw new KvError('INVALID', `${path} holds no data of a server or of a node`);
  const lock = await disk.lock(path);
  try {
    return await new DirectoryCheck(disk, path, names, findings).run();
  } finally {
    await lock.release();
  }
}

function isPart(name: string): boolean {
  return /^(format|identity|timestamps|chain|log|log-.+|snapshots|level|shards)$/.test(name);
}

/** The position that a state is as of; and for a snapshot, how far it may reach. */
interface StatePosition {
  readonly place: string;
  readonly from: number;
  readonly to: number;
}

class DirectoryCheck {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #names: readonly string[];
  readonly #findings: Findings;
  readonly #batches = new BatchCheck();
  #batchCount = 0;
  #keys = 0;
  #elements = 0;

  constructor(disk: Disk, path: string, names: readonly string[], findings: Findings) {
    this.#disk = disk;
    this.#path = path;
    this.#names = names;
    this.#findings = findings;
  }

  async run(): Promise<DirectoryReport> {
    await this.#attempt(`${this.#path}/format`, () => this.#checkFormat());
    const mark = new FileHighWaterMark({ disk: this.#disk, path: `${this.#path}/timestamps` });
    await this.#attempt(`${this.#path}/timestamps`, () => mark.load());
    if ((await readStarts(this.#disk, `${this.#path}/history`)) === null)
      this.#findings.damage(
        `${this.#path}/history`,
        'its checksum is wrong: the history of writes begins anew',
      );
    const log = await this.#checkLogs();
    let state: StatePosition | null = null;
    const hasLevel = this.#names.includes('level');
    if (hasLevel) state = await this.#checkLevel(`${this.#path}/level`);
    if (this.#names.includes('snapshots'))
      state = (await this.#checkSnapshots(`${this.#path}/snapshots`)) ?? state;
    if (this.#names.includes('shards')) await this.#checkShards();
    // Where the state can't be read, that was said already.
    if (log !== null && !(hasLevel && state === null)) this.#checkPositions(log, state);
    return {
      position: state?.from ?? 0,
      head: log?.head ?? 0,
      tail: log?.tail ?? 0,
      keys: this.#keys,
      elements: this.#elements,
      batches: this.#batchCount,
    };
  }

  async #checkFormat(): Promise<void> {
    const content = await readSmallFile(this.#disk, `${this.#path}/format`);
    if (content === null) {
      if (!this.#names.includes('shards'))
        this.#findings.damage(`${this.#path}/format`, 'the file is missing');
      return;
    }
    const text = Buffer.from(content).toString('latin1');
    const [, version = '', storage = ''] = /^holdfast (\d+) (\w+)\n$/.exec(text) ?? [];
    if (version === '' || !['memory', 'level'].includes(storage))
      this.#findings.damage(`${this.#path}/format`, 'it does not say which storage this is');
    else if (version !== '1')
      this.#findings.damage(
        `${this.#path}/format`,
        `a newer version (${text.trim()}) wrote it: use that version`,
      );
    else if (storage === 'memory' && this.#names.includes('level'))
      this.#findings.damage(`${this.#path}/format`, 'it says memory, and there is level storage');
  }

  // Logs

  async #checkLogs(): Promise<{ head: number; tail: number } | null> {
    const chain = await this.#attempt(`${this.#path}/chain`, () => this.#readChain());
    if (chain === undefined) return null;
    if (chain !== null) return this.#checkChain(chain);
    if (!this.#names.includes('log')) return null;
    const { head, tail } = await this.#checkLog(segmentDirectory(this.#path, firstName));
    // Level storage begins another one where it is; a snapshot belongs to the one that is gone.
    return head === 0 && this.#names.includes('level') ? null : { head, tail };
  }

  async #readChain(): Promise<Chain | null> {
    if (!this.#names.includes('chain')) return null;
    return readChain(new FileRegister({ disk: this.#disk, path: `${this.#path}/chain` }));
  }

  /** Null when a part of it is elsewhere. */
  async #checkChain({ segments }: Chain): Promise<{ head: number; tail: number } | null> {
    let whole: { head: number; tail: number } | null = null;
    for (const [i, segment] of segments.entries()) {
      if (segment.kind !== inFiles) {
        this.#findings.note(
          `${this.#path}/chain`,
          `a part of the log (${segment.name}) is in etcd: not looked at`,
        );
        whole = null;
        continue;
      }
      const directory = segmentDirectory(this.#path, segment.name);
      if (!(await this.#disk.exists(directory))) {
        this.#findings.damage(directory, 'a part of the log is missing');
        continue;
      }
      const { head, tail } = await this.#checkLog(directory);
      const end = segments[i + 1]?.after;
      if (end !== undefined && tail < end)
        this.#findings.damage(directory, `it ends at position ${tail}, and the log goes on after ${end}`);
      whole = { head: whole === null ? head : whole.head, tail };
    }
    return whole;
  }

  async #checkLog(directory: string): Promise<{ head: number; tail: number }> {
    return checkLog(this.#disk, directory, this.#findings, (_, batch) => {
      this.#batchCount++;
      this.#batches.check(batch);
    });
  }

  // States

  async #checkLevel(path: string): Promise<StatePosition | null> {
    const summary = await checkLevel(this.#storeDirectory(path), this.#findings);
    if (summary === null) return null;
    this.#keys += summary.keys;
    this.#elements += summary.elements;
    return { place: path, from: summary.position, to: summary.position };
  }

  #storeDirectory(path: string): StoreDirectory {
    const disk = this.#disk;
    return {
      path,
      list: () => disk.list(path),
      open: (name) => {
        const file = disk.open(`${path}/${name}`, 'read');
        return {
          name,
          size: file.size(),
          read: (target, at) => file.read(target, at),
          close: () => file.close(),
        };
      },
    };
  }

  /** The newest: older ones are of no use any more. */
  async #checkSnapshots(path: string): Promise<StatePosition | null> {
    const files = new SnapshotFiles(this.#disk, path);
    const all = await files.all();
    for (const snapshot of all) {
      await this.#attempt(files.pathOf(snapshot), async () => {
        for await (const batch of files.read(snapshot)) {
          this.#batchCount++;
          this.#batches.check(batch);
          this.#findings.passed(batch.length);
        }
      });
    }
    const newest = all.at(-1);
    return newest === undefined ? null : { place: files.pathOf(newest), from: newest.from, to: newest.to };
  }

  async #checkShards(): Promise<void> {
    const path = `${this.#path}/shards`;
    for (const shard of await this.#disk.list(path)) {
      const parts = await this.#disk.list(`${path}/${shard}`);
      if (parts.includes('level')) await this.#checkLevel(`${path}/${shard}/level`);
      if (parts.includes('snapshots')) await this.#checkSnapshots(`${path}/${shard}/snapshots`);
    }
  }

  /** The log must go on from the state, and reach as far as it. */
  #checkPositions(log: { head: number; tail: number }, state: StatePosition | null): void {
    const { from, place, to } = state ?? { place: this.#path, from: 0, to: 0 };
    if (log.head > from + 1)
      this.#findings.damage(
        place,
        `it is as of position ${from}, and the log begins with ${log.head}: what lies between is missing`,
      );
    if (to > log.tail)
      this.#findings.damage(
        place,
        `it reaches to position ${to}, and the log ends at ${log.tail}: entries are missing`,
      );
  }

  /** What `body` throws for damage is a finding; undefined then. */
  async #attempt<T>(place: string, body: () => Promise<T>): Promise<T | undefined> {
    try {
      return await body();
    } catch (error) {
      if (!(error instanceof KvError) || (error.code !== 'CORRUPT' && error.code !== 'INVALID')) throw error;
      this.#findings.damage(place, error.message);
      return undefined;
    }
  }
}
