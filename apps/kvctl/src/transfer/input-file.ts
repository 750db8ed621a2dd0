/** The bytes of a file, in pieces: what is still needed of them stays together. */
import { KvError } from '@holdfast/common';
import type { Disk, DiskFile } from '@holdfast/log';

const pieceBytes = 1 << 20;

export class InputFile {
  readonly path: string;
  readonly size: number;
  /** What was read and not passed yet. */
  bytes: Buffer = Buffer.alloc(0);
  /** Where `bytes` begins in the file. */
  offset = 0;
  readonly #file: DiskFile;

  /** Throws KvError DISK. */
  constructor(disk: Disk, path: string) {
    this.path = path;
    this.#file = disk.open(path, 'read');
    this.size = this.#file.size();
  }

  /** Reads on, as much again as there is: a value of 200 MB is copied twice, and not once for each piece. False at the end of the file. */
  async more(): Promise<boolean> {
    const at = this.offset + this.bytes.length;
    const piece = Buffer.allocUnsafeSlow(Math.min(Math.max(pieceBytes, this.bytes.length), this.size - at));
    if (piece.length === 0) return false;
    if ((await this.#file.read(piece, at)) < piece.length)
      throw new KvError('DISK', `${this.path} became shorter while it was read`);
    this.bytes = this.bytes.length === 0 ? piece : Buffer.concat([this.bytes, piece]);
    return true;
  }

  pass(count: number): void {
    this.bytes = this.bytes.subarray(count);
    this.offset += count;
  }

  /** Gives back what was passed last. */
  unread(bytes: Buffer): void {
    this.bytes = this.bytes.length === 0 ? Buffer.from(bytes) : Buffer.concat([bytes, this.bytes]);
    this.offset -= bytes.length;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
