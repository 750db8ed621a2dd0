/**
 * A file that has its name once it is whole: a reader finds what was there before or all of it, also after a crash at any
 * point.
 *
 *     write name.tmp ... -> datasync -> rename to name -> sync the directory
 *
 * Two writers of one file at once are the caller's mistake: they would share the temporary name.
 */
import { dirname } from 'node:path';
import { KvError } from '@holdfast/common';
import type { Disk, DiskFile } from './disk.js';

export class AtomicFile {
  /** The name that it gets in the end: another one than it began with, where that is known only then. In the same directory. */
  path: string;
  /** What was written, and what is being written. */
  size = 0;
  readonly #disk: Disk;
  readonly #temporary: string;
  readonly #file: DiskFile;
  #writing: Promise<void> = Promise.resolve();
  #isClosed = false;

  /**
   * `fill` writes the content; what it returns is returned once the file has its name, durably. When it throws, or the disk
   * fails, what was at `path` is there as before and nothing is left of the new one: that may be what fills the disk.
   */
  static async write<T>(disk: Disk, path: string, fill: (file: AtomicFile) => Promise<T>): Promise<T> {
    const file = new AtomicFile(disk, path);
    try {
      const result = await fill(file);
      await file.#finish();
      return result;
    } catch (error) {
      await file.#abandon();
      throw error;
    }
  }

  /**
   * As `write`, of something small, blocking: for a command that is one moment. Whoever may use the file that it replaces may
   * use it, too.
   */
  static writeSync(disk: Disk, path: string, content: Uint8Array): void {
    const temporary = temporaryOf(path);
    const file = disk.open(temporary, 'replace');
    try {
      file.writeSync(content, 0);
      file.takePermissions(path);
      file.datasyncSync();
      disk.rename(temporary, path);
      disk.syncDirectorySync(dirname(path));
    } catch (error) {
      removeIfThere(disk, temporary);
      throw error;
    } finally {
      void file.close().catch(() => {});
    }
  }

  /** What a process was writing to `path` when it was killed: nobody needs it, and it takes room. */
  static async removeUnfinished(disk: Disk, path: string): Promise<void> {
    const temporary = temporaryOf(path);
    if (await disk.exists(temporary)) await disk.unlink(temporary);
  }

  private constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.path = path;
    this.#temporary = temporaryOf(path);
    this.#file = disk.open(this.#temporary, 'replace');
  }

  /**
   * Behind all that was written before, which need not be done yet. `bytes` must stay untouched until it resolves. Nothing is
   * written any more after a write that failed, of which the file's end is told as well, nor once `fill` has ended.
   */
  write(bytes: Uint8Array): Promise<void> {
    const at = this.size;
    this.size += bytes.length;
    this.#writing = this.#writing.then(() => {
      if (this.#isClosed) throw new KvError('CLOSED', `${this.#temporary} is not written any more`);
      return this.#file.write(bytes, at);
    });
    this.#writing.catch(() => {});
    return this.#writing;
  }

  /** What was written behind the first `size` bytes is no more. */
  async rewind(size: number): Promise<void> {
    await this.#writing;
    await this.#file.truncate(size);
    this.size = size;
  }

  async #finish(): Promise<void> {
    await this.#writing;
    await this.#file.datasync();
    await this.#close();
    this.#disk.rename(this.#temporary, this.path);
    await this.#disk.syncDirectory(dirname(this.path));
  }

  async #abandon(): Promise<void> {
    await this.#close().catch(() => {});
    // It may have its name already.
    await this.#disk.unlink(this.#temporary).catch(() => {});
  }

  /** A write that is under way has the descriptor, which another file may have right after. */
  async #close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#writing.catch(() => {});
    await this.#file.close();
  }
}

/** It may have its name already. */
function removeIfThere(disk: Disk, temporary: string): void {
  try {
    disk.unlinkSync(temporary);
  } catch {
    // What the disk said before is what counts.
  }
}

function temporaryOf(path: string): string {
  return `${path}.tmp`;
}
