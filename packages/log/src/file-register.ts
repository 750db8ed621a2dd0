/**
 * A register in one small file, for the processes of one machine that hold the lock of its directory: one at
 * a time. Changes are compared within the process.
 *
 *     "<version> <crc32 of version and value in hex>\n<value>"
 */
import { checksum, KvError } from '@holdfast/common';
import type { Disk } from './disk.js';
import type { Register, RegisterState } from './register.js';
import { readSmallFile, writeSmallFile } from './small-file.js';

export class FileRegister implements Register {
  readonly #disk: Disk;
  readonly #path: string;
  /** Changes happen one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: { disk: Disk; path: string }) {
    this.#disk = options.disk;
    this.#path = options.path;
  }

  async read(): Promise<RegisterState> {
    await this.#last.catch(() => {});
    return this.#read();
  }

  compareAndSet(version: number, value: Uint8Array): Promise<boolean> {
    const change = this.#last.catch(() => {}).then(() => this.#set(version, value));
    this.#last = change;
    return change;
  }

  async #set(version: number, value: Uint8Array): Promise<boolean> {
    if ((await this.#read()).version !== version) return false;
    try {
      await writeSmallFile(this.#disk, this.#path, encode(version + 1, value));
      return true;
    } catch (cause) {
      throw new KvError('UNDETERMINED', `${this.#path} may not have been written: ${cause}`, { cause });
    }
  }

  async #read(): Promise<RegisterState> {
    const content = await readSmallFile(this.#disk, this.#path);
    if (content === null) return { version: 0, value: new Uint8Array(0) };
    const end = content.indexOf(0x0a);
    const version = Number(
      Buffer.from(content.subarray(0, Math.max(0, end)))
        .toString('latin1')
        .split(' ')[0],
    );
    const value = content.slice(end + 1);
    if (end > 0 && Number.isSafeInteger(version) && Buffer.compare(encode(version, value), content) === 0) {
      return { version, value };
    }
    throw new KvError('CORRUPT', `${this.#path} is damaged: restore the directory from a backup`);
  }
}

function encode(version: number, value: Uint8Array): Buffer {
  const digits = Buffer.from(String(version), 'latin1');
  const sum = checksum(value, 0, value.length, checksum(digits, 0, digits.length, 0));
  return Buffer.concat([digits, Buffer.from(` ${sum.toString(16).padStart(8, '0')}\n`, 'latin1'), value]);
}
