/**
 * Writes RDB files, piece by piece: see `file-format.ts`. Each method returns the next piece, which is valid until
 * the next call.
 */
import { KvError } from '@holdfast/common';
import { Crc64 } from './crc64.js';
import { isPayload } from './dump-payload.js';
import { fileMagic, opcodes } from './file-format.js';
import { rdbVersions } from './rdb-types.js';
import { RdbWriter } from './rdb-writer.js';

const footBytes = 10;

export class RdbFileWriter {
  readonly #version: number;
  readonly #writer = new RdbWriter(1 << 12);
  readonly #checksum = new Crc64();
  #database = -1;

  /** Redis reads files up to a version: see `rdbVersions`. */
  constructor(version: number = rdbVersions.redis70) {
    this.#version = version;
  }

  /** The beginning. `fields` say of what the file is: `redis-ver`, `ctime` ... */
  head(fields: Readonly<Record<string, string>>): Buffer {
    return this.#piece((writer) => {
      this.#raw(`${fileMagic}${String(this.#version).padStart(4, '0')}`);
      for (const [name, value] of Object.entries(fields)) {
        writer.byte(opcodes.field);
        this.#string(name);
        this.#string(value);
      }
    });
  }

  /** A library of functions, by its code, a byte string. */
  library(code: string): Buffer {
    return this.#piece((writer) => {
      writer.byte(opcodes.library);
      this.#string(code);
    });
  }

  /**
   * A key. `payload` is what DUMP gives; `expiryMs` is ms since the epoch, null when it stays. Throws KvError CORRUPT
   * when the payload is damaged, INVALID when the value can't be said in the version of the file.
   */
  key(database: number, name: Uint8Array, payload: Buffer, expiryMs: number | null): Buffer {
    if (!isPayload(payload)) throw new KvError('CORRUPT', 'a value is damaged');
    const version = payload.readUInt16LE(payload.length - footBytes);
    if (version > this.#version) {
      const key = Buffer.from(name).toString('latin1');
      throw new KvError(
        'INVALID',
        `the value of '${key}' needs version ${version} of RDB, and the file is of ${this.#version}`,
      );
    }
    return this.#piece((writer) => {
      if (database !== this.#database) {
        writer.byte(opcodes.database);
        writer.size(database);
        this.#database = database;
      }
      if (expiryMs !== null) {
        writer.byte(opcodes.expiryMs);
        writer.milliseconds(expiryMs);
      }
      writer.byte(payload[0]);
      writer.string(name, 0, name.length);
      writer.raw(payload, 1, payload.length - footBytes - 1);
    });
  }

  /** The end: nothing may follow. */
  end(): Buffer {
    const piece = this.#piece((writer) => writer.byte(opcodes.end));
    const end = Buffer.alloc(piece.length + 8);
    piece.copy(end);
    this.#checksum.writeTo(end, piece.length);
    return end;
  }

  #piece(write: (writer: RdbWriter) => void): Buffer {
    const writer = this.#writer;
    writer.length = 0;
    write(writer);
    const piece = writer.bytes.subarray(0, writer.length);
    this.#checksum.update(piece, 0, piece.length);
    return piece;
  }

  #raw(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    this.#writer.raw(bytes, 0, bytes.length);
  }

  #string(text: string): void {
    const bytes = Buffer.from(text, 'latin1');
    this.#writer.string(bytes, 0, bytes.length);
  }
}
