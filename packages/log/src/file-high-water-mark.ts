/**
 * A number that only grows, kept in one small file: what the timestamp oracle promised to stay below.
 * It satisfies the oracle's `HighWaterMark` contract by its shape, so neither package imports the other.
 *
 *     "<value> <crc32 of value in hex>\n"     text, so that an operator can read it
 *
 * A damaged file is refused (CORRUPT), never taken for "no mark": that would let timestamps repeat.
 */
import { checksum, KvError } from '@holdfast/common';
import type { Disk } from './disk.js';
import { readSmallFile, writeSmallFile } from './small-file.js';

export class FileHighWaterMark {
  readonly #disk: Disk;
  readonly #path: string;

  constructor(options: { disk: Disk; path: string }) {
    this.#disk = options.disk;
    this.#path = options.path;
  }

  /** The stored value, 0 when none was ever stored. */
  async load(): Promise<number> {
    const content = await readSmallFile(this.#disk, this.#path);
    if (content === null) return 0;
    const [digits = '', sum = ''] = Buffer.from(content).toString('latin1').trimEnd().split(' ');
    const value = Number(digits);
    if (!/^\d+$/.test(digits) || !Number.isSafeInteger(value) || sum !== checksumText(digits)) {
      throw new KvError(
        'CORRUPT',
        `${this.#path} is damaged: restore it from a backup, or write a value above every version in use ` +
          `with the checksum of its digits`,
      );
    }
    return value;
  }

  /** Durable when it resolves. */
  async store(value: number): Promise<void> {
    const digits = String(value);
    await writeSmallFile(
      this.#disk,
      this.#path,
      Buffer.from(`${digits} ${checksumText(digits)}\n`, 'latin1'),
    );
  }
}

function checksumText(digits: string): string {
  const bytes = Buffer.from(digits, 'latin1');
  return checksum(bytes, 0, bytes.length, 0).toString(16).padStart(8, '0');
}
