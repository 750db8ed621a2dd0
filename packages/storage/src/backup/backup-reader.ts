/** Reads a backup: see `backup-format.ts`. */
import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { checksum, KvError } from '@holdfast/common';
import {
  type BackupFields,
  backupFormat,
  backupMagic,
  closeBytes,
  damagedBackup,
  frameHeadBytes,
  frameKinds,
  frameSum,
  headBytesMax,
} from './backup-format.js';

const unpack = promisify(
  (content: Uint8Array, length: number, done: (error: Error | null, bytes: Buffer) => void) =>
    inflateRaw(content, { maxOutputLength: Math.max(1, length) }, done),
);

export type BackupItem =
  | { readonly kind: 'head'; readonly fields: BackupFields }
  | { readonly kind: 'part'; readonly name: string }
  | { readonly kind: 'batch'; readonly batch: Uint8Array }
  | { readonly kind: 'close'; readonly position: number; readonly version: number };

/**
 * What a backup says, in order; it was whole only when this comes to its end. Throws KvError CORRUPT when it is damaged,
 * INVALID when it is no backup or of a newer format, and what `pieces` throws.
 */
export async function* readBackup(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<BackupItem, void, void> {
  const source = new Source(pieces[Symbol.asyncIterator]());
  try {
    yield* new BackupReading(source).items();
  } finally {
    await source.stop();
  }
}

class BackupReading {
  readonly #source: Source;
  #sum = 0;
  #at = 0;
  /** Of the part that is being read; -1 between parts. */
  #batches = -1;
  #parts = 0;

  constructor(source: Source) {
    this.#source = source;
  }

  async *items(): AsyncGenerator<BackupItem, void, void> {
    yield { kind: 'head', fields: await this.#head() };
    for (;;) {
      const at = this.#at;
      const { content, kind, unpacked } = await this.#frame();
      if (kind === frameKinds.end) return this.#end(at, content);
      if (kind === frameKinds.part && this.#batches < 0) {
        this.#parts++;
        this.#batches = 0;
        yield { kind: 'part', name: content.toString() };
      } else if (kind === frameKinds.data && this.#batches >= 0) {
        yield* this.#data(at, content, unpacked);
      } else if (kind === frameKinds.close && content.length === closeBytes) {
        if (content.readDoubleLE(16) !== this.#batches) throw damagedBackup(at, 'batches are missing');
        this.#batches = -1;
        yield { kind: 'close', position: content.readDoubleLE(0), version: content.readDoubleLE(8) };
      } else {
        throw damagedBackup(at, `a frame of kind ${kind} can't be here`);
      }
    }
  }

  async #head(): Promise<BackupFields> {
    const magicBytes = backupMagic.length;
    const start = await this.#take(magicBytes + 8).catch(() => null);
    if (start === null || !start.subarray(0, magicBytes).equals(backupMagic))
      throw new KvError('INVALID', 'this is no backup');
    const format = start.readUInt32LE(magicBytes);
    const length = start.readUInt32LE(magicBytes + 4);
    if (length > headBytesMax) throw damagedBackup(0, 'the length of its head is impossible');
    const rest = await this.#take(length + 4);
    const json = rest.subarray(0, length);
    this.#sum = checksum(json, 0, length, checksum(start, 0, start.length, 0));
    if (rest.readUInt32LE(length) !== this.#sum) throw damagedBackup(0, 'the checksum of its head is wrong');
    if (format !== backupFormat)
      throw new KvError(
        'INVALID',
        `the backup has format ${format}, this program knows ${backupFormat}: use the newer program`,
      );
    return JSON.parse(json.toString()) as BackupFields;
  }

  async #frame(): Promise<{ kind: number; unpacked: number; content: Buffer }> {
    const at = this.#at;
    const head = await this.#take(frameHeadBytes);
    const length = head.readUInt32LE(1);
    const content = await this.#take(length);
    this.#sum = frameSum(Buffer.concat([head, content]), this.#sum);
    if (head.readUInt32LE(9) !== this.#sum) throw damagedBackup(at, 'a checksum is wrong');
    return { kind: head[0], unpacked: head.readUInt32LE(5), content };
  }

  async *#data(at: number, content: Buffer, unpacked: number): AsyncGenerator<BackupItem, void, void> {
    const bytes = await unpack(content, unpacked).catch(() => null);
    if (bytes === null || bytes.length !== unpacked) throw damagedBackup(at, 'a frame does not unpack');
    for (let i = 0; i < bytes.length; ) {
      const end = i + 4 + bytes.readUInt32LE(i);
      if (end > bytes.length) throw damagedBackup(at, 'a batch is cut short');
      this.#batches++;
      yield { kind: 'batch', batch: bytes.subarray(i + 4, end) };
      i = end;
    }
  }

  async #end(at: number, content: Buffer): Promise<void> {
    if (content.length !== 4 || content.readUInt32LE(0) !== this.#parts || this.#batches >= 0)
      throw damagedBackup(at, 'parts are missing');
    if (!(await this.#source.isAtEnd())) throw damagedBackup(this.#at, 'it goes on after its end');
  }

  async #take(length: number): Promise<Buffer> {
    const bytes = await this.#source.take(length);
    if (bytes === null) throw damagedBackup(this.#at, 'it is cut short');
    this.#at += length;
    return bytes;
  }
}

/** Pieces, put together to what is asked for. */
class Source {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #parts: Uint8Array[] = [];
  #length = 0;

  constructor(pieces: AsyncIterator<Uint8Array>) {
    this.#pieces = pieces;
  }

  /** Null when there is not so much any more. */
  async take(length: number): Promise<Buffer | null> {
    while (this.#length < length) if (!(await this.#more())) return null;
    const all = Buffer.concat(this.#parts);
    this.#parts = [all.subarray(length)];
    this.#length = all.length - length;
    return all.subarray(0, length);
  }

  async isAtEnd(): Promise<boolean> {
    while (this.#length === 0) if (!(await this.#more())) return true;
    return false;
  }

  async stop(): Promise<void> {
    await this.#pieces.return?.();
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#pieces.next();
    if (done === true) return false;
    this.#parts.push(value);
    this.#length += value.length;
    return true;
  }
}
