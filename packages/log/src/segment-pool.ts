/**
 * Segment files ahead of their use: prepared in the background, or recycled after a trim.
 *
 * A write over blocks that are there already needs no metadata, so the sync after it is faster (figures in
 * `group-commit.ts`). A prepared file therefore holds zeros up to the usual size. Only the head of a recycled
 * file is written: its new salt makes everything behind it void.
 *
 * The head of every segment is on the disk before the file gets its place in the log. So a segment with a
 * bad head is damage, never an unfinished beginning.
 */
import { join } from 'node:path';
import type { Random } from '@holdfast/common';
import type { Disk, DiskFile } from './disk.js';
import { encodeFileHead, fileHeadBytes } from './frame.js';
import { spareSegmentsMax, zeroBytes } from './limits.js';
import { isSpareName, type Segment, type SpareSegment } from './segment.js';

export class SegmentPool {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #random: Random;
  readonly #segmentBytes: number;
  readonly #spares: SpareSegment[] = [];
  #lastNumber = 0;
  #isPreparing = false;
  /** Never reject. */
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: { disk: Disk; directory: string; random: Random; segmentBytes: number }) {
    this.#disk = options.disk;
    this.#directory = options.directory;
    this.#random = options.random;
    this.#segmentBytes = options.segmentBytes;
  }

  /** Takes over the spare files that an earlier process left: whole ones are kept, others removed. */
  async adopt(names: string[]): Promise<void> {
    for (const name of names) {
      if (!isSpareName(name)) continue;
      const path = join(this.#directory, name);
      this.#lastNumber = Math.max(this.#lastNumber, Number(/\d+/.exec(name)![0]));
      const file = this.#disk.open(path, 'write');
      await this.#keepOrRemove(path, file);
    }
  }

  /** A file that is ready, or null. */
  take(): SpareSegment | null {
    return this.#spares.shift() ?? null;
  }

  /** Makes a file at once, blocking, without zeros: for when none is ready. Throws KvError DISK. */
  createSync(): SpareSegment {
    const path = this.#newPath();
    const file = this.#disk.open(path, 'replace');
    try {
      const salt = this.#random.uint32();
      file.writeSync(encodeFileHead(salt), 0);
      file.datasyncSync();
      return { path, file, salt };
    } catch (error) {
      this.discard({ path, file, salt: 0 });
      throw error;
    }
  }

  /** Prepares a file in the background unless one is ready or being prepared. Failures are left to rotation. */
  replenish(): void {
    if (this.#spares.length > 0 || this.#isPreparing) return;
    this.#isPreparing = true;
    void this.#watched(
      this.#prepare().finally(() => {
        this.#isPreparing = false;
      }),
    );
  }

  /** Fills a file with zeros from its end to the usual size, durably. */
  async fillWithZeros(file: DiskFile): Promise<void> {
    const zeros = new Uint8Array(Math.min(zeroBytes, this.#segmentBytes));
    for (let at = file.size(); at < this.#segmentBytes; at += zeros.length) {
      await file.write(zeros.subarray(0, Math.min(zeros.length, this.#segmentBytes - at)), at);
    }
    await file.datasync();
  }

  /**
   * Takes segments out of the log for good, in the order given. A name is gone from the disk before the
   * bytes behind it change: otherwise a crash could bring back the name over other bytes.
   */
  recycle(segments: Segment[]): Promise<void> {
    return this.#watched(this.#recycle(segments));
  }

  /** Gives up a file that was taken or made and did not work out. */
  discard(spare: SpareSegment): void {
    this.#watched(this.#remove(spare.path, spare.file)).catch(() => {
      // The next start removes it.
    });
  }

  /** Waits for what is under way: no file is touched afterwards. Spare files stay for the next start. */
  async close(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    for (const spare of this.#spares.splice(0)) await spare.file.close();
  }

  async #prepare(): Promise<void> {
    let file: DiskFile | null = null;
    const path = this.#newPath();
    try {
      file = this.#disk.open(path, 'replace');
      const spare = await this.#writeHead(path, file);
      await this.fillWithZeros(file);
      this.#spares.push(spare);
    } catch {
      // Most likely a full disk. Rotation tries again with a file without zeros, and reports.
      if (file !== null) this.discard({ path, file, salt: 0 });
    }
  }

  async #recycle(segments: Segment[]): Promise<void> {
    const left = new Map<DiskFile, string>();
    for (const { file } of segments) left.set(file, this.#newPath());
    try {
      for (const { file, path } of segments) this.#disk.rename(path, left.get(file)!);
      await this.#disk.syncDirectory(this.#directory);
      for (const [file, path] of left) {
        left.delete(file);
        await this.#keepOrRemove(path, file);
      }
    } finally {
      // Where that failed: the next start finds them.
      for (const file of left.keys()) await file.close();
    }
  }

  /** The file is in the pool afterwards or closed, also when that fails. */
  async #keepOrRemove(path: string, file: DiskFile): Promise<void> {
    const isWhole = file.size() === this.#segmentBytes;
    if (!isWhole || this.#spares.length >= spareSegmentsMax) return this.#remove(path, file);
    try {
      this.#spares.push(await this.#writeHead(path, file));
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Closing waits for it. */
  #watched(work: Promise<void>): Promise<void> {
    const ended: Promise<void> = work
      .catch(() => {})
      .then(() => {
        this.#underWay.delete(ended);
      });
    this.#underWay.add(ended);
    return work;
  }

  async #writeHead(path: string, file: DiskFile): Promise<SpareSegment> {
    const salt = this.#random.uint32();
    const head = encodeFileHead(salt);
    await file.write(head.subarray(0, fileHeadBytes), 0);
    await file.datasync();
    return { path, file, salt };
  }

  async #remove(path: string, file: DiskFile): Promise<void> {
    await file.close();
    await this.#disk.unlink(path);
  }

  #newPath(): string {
    this.#lastNumber++;
    return join(this.#directory, `spare-${this.#lastNumber}.seg`);
  }
}
