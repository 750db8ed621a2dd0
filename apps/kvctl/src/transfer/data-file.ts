/** A file that is written beside its name, and gets it when it is whole and on the disk. */
import { stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { KvError } from '@holdfast/common';
import type { Disk, DiskFile } from '@holdfast/log';

export class DataFile {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #file: DiskFile;
  #isClosed = false;
  size = 0;

  /** Throws KvError INVALID when it could not get its name in the end, DISK. */
  static async create(disk: Disk, path: string): Promise<DataFile> {
    const found = await stat(path).catch(() => null);
    if (found?.isDirectory()) throw new KvError('INVALID', `${path} is a directory: name a file in it`);
    return new DataFile(disk, path);
  }

  private constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
    this.#file = disk.open(`${path}.tmp`, 'replace');
  }

  async write(bytes: Uint8Array): Promise<void> {
    await this.#file.write(bytes, this.size);
    this.size += bytes.length;
  }

  /** What was written behind the first `size` bytes is no more. */
  async rewind(size: number): Promise<void> {
    await this.#file.truncate(size);
    this.size = size;
  }

  async finish(): Promise<void> {
    await this.#file.datasync();
    await this.#close();
    this.#disk.rename(`${this.#path}.tmp`, this.#path);
    await this.#disk.syncDirectory(dirname(this.#path));
  }

  /** Nothing is left of it; also after `finish` failed. */
  async abandon(): Promise<void> {
    await this.#close().catch(() => {});
    // It may have its name already.
    await this.#disk.unlink(`${this.#path}.tmp`).catch(() => {});
  }

  async #close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#file.close();
  }
}
