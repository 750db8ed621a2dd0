/** A file that is written beside its name, and gets it when it is whole and on the disk. */
import { dirname } from 'node:path';
import type { Disk, DiskFile } from '@holdfast/log';

export class DataFile {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #file: DiskFile;
  size = 0;

  constructor(disk: Disk, path: string) {
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
    await this.#file.close();
    this.#disk.rename(`${this.#path}.tmp`, this.#path);
    await this.#disk.syncDirectory(dirname(this.#path));
  }

  async abandon(): Promise<void> {
    await this.#file.close();
    await this.#disk.unlink(`${this.#path}.tmp`);
  }
}
