/** Writes a backup, piece by piece: see `backup-format.ts`. Each piece belongs to the caller. */
import { promisify } from 'node:util';
import { deflateRaw } from 'node:zlib';
import { checksum, KvError } from '@holdfast/common';
import {
  type BackupFields,
  backupFormat,
  backupMagic,
  batchBytesMax,
  closeBytes,
  frameHeadBytes,
  frameKinds,
  frameSum,
  packedBytes,
} from './backup-format.js';

/** In the thread pool. Level 1 packs 100-byte values at some 100 MB/s, and nearly as well as others. */
const pack = promisify((content: Uint8Array, done: (error: Error | null, packed: Buffer) => void) =>
  deflateRaw(content, { level: 1 }, done),
);

const nothing = Buffer.alloc(0);

/** A place between two parts, to write on from another time. */
export interface BackupMark {
  readonly sum: number;
  readonly parts: number;
}

export class BackupWriter {
  #sum = 0;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #batches = 0;
  #parts = 0;

  head(fields: BackupFields): Buffer {
    const json = Buffer.from(JSON.stringify(fields));
    const { length } = backupMagic;
    const head = Buffer.alloc(length + 12 + json.length);
    backupMagic.copy(head);
    head.writeUInt32LE(backupFormat, length);
    head.writeUInt32LE(json.length, length + 4);
    json.copy(head, length + 8);
    this.#sum = checksum(head, 0, head.length - 4, 0);
    head.writeUInt32LE(this.#sum, head.length - 4);
    return head;
  }

  /** Where it is now: not within a part. */
  mark(): BackupMark {
    return { sum: this.#sum, parts: this.#parts };
  }

  /** Everything since the mark is as if it had never been written. */
  rewind({ parts, sum }: BackupMark): void {
    this.#sum = sum;
    this.#parts = parts;
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  part(name: string): Buffer {
    this.#parts++;
    this.#batches = 0;
    return this.#frame(frameKinds.part, Buffer.from(name), 0);
  }

  /** Of the part that was begun last; empty while batches gather. Throws KvError LIMIT. */
  async batch(batch: Uint8Array): Promise<Buffer> {
    if (batch.length > batchBytesMax)
      throw new KvError('LIMIT', `a key of ${batch.length} bytes is more than a backup takes`);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(batch.length, 0);
    this.#waiting.push(length, Buffer.from(batch));
    this.#waitingBytes += 4 + batch.length;
    this.#batches++;
    return this.#waitingBytes < packedBytes ? nothing : this.#packed();
  }

  async close(position: number, version: number): Promise<Buffer> {
    const packed = await this.#packed();
    const content = Buffer.alloc(closeBytes);
    content.writeDoubleLE(position, 0);
    content.writeDoubleLE(version, 8);
    content.writeDoubleLE(this.#batches, 16);
    return Buffer.concat([packed, this.#frame(frameKinds.close, content, 0)]);
  }

  end(): Buffer {
    const content = Buffer.alloc(4);
    content.writeUInt32LE(this.#parts, 0);
    return this.#frame(frameKinds.end, content, 0);
  }

  async #packed(): Promise<Buffer> {
    if (this.#waitingBytes === 0) return nothing;
    const content = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#waitingBytes = 0;
    return this.#frame(frameKinds.data, await pack(content), content.length);
  }

  #frame(kind: number, content: Uint8Array, unpacked: number): Buffer {
    const frame = Buffer.allocUnsafeSlow(frameHeadBytes + content.length);
    frame[0] = kind;
    frame.writeUInt32LE(content.length, 1);
    frame.writeUInt32LE(unpacked, 5);
    frame.set(content, frameHeadBytes);
    this.#sum = frameSum(frame, this.#sum);
    frame.writeUInt32LE(this.#sum, 9);
    return frame;
  }
}
