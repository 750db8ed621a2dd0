/**
 * Reads RDB files as they arrive, in pieces of any size. Keys come with their values as payloads of DUMP, which
 * RESTORE takes: nothing is unpacked. No more is kept than the key that is being read.
 */
import { KvError } from '@holdfast/common';
import { Crc64 } from './crc64.js';
import { sealPayload } from './dump-payload.js';
import { checksumSince, fileMagic, moduleTypes, opcodes } from './file-format.js';
import { CutShort, corrupt, RdbReader } from './rdb-reader.js';
import { rdbVersions } from './rdb-types.js';
import { RdbWriter } from './rdb-writer.js';
import { moduleParts, type Part, type Parts, parts, valueParts } from './value-parts.js';

/** A key of a file. */
export interface RdbFileKey {
  readonly kind: 'key';
  readonly database: number;
  readonly name: Buffer;
  /** As DUMP gives it. */
  readonly payload: Buffer;
  /** Ms since the epoch; null when it stays. */
  readonly expiryMs: number | null;
}

export type RdbFileItem =
  | RdbFileKey
  /** The code of a library of functions, a byte string. */
  | { readonly kind: 'library'; readonly code: string }
  /** What is said of the file: `redis-ver`, `ctime` ... */
  | { readonly kind: 'field'; readonly name: string; readonly value: string };

const bufferBytes = 1 << 16;

export class RdbFileReader {
  /** What has arrived and is not passed yet is `#bytes[0, #end)`; the checksum is that of all before. */
  #bytes: Buffer = Buffer.allocUnsafe(bufferBytes);
  #end = 0;
  #at = 0;
  readonly #checksum = new Crc64();
  /** Bytes before are not needed any more, and in the checksum. */
  #passed = 0;
  readonly #parts: Parts;
  #part: Part | null = null;
  #item: RdbFileItem | null = null;
  #isEnded = false;
  /** The last string that was read as a whole. */
  #text: Buffer = Buffer.alloc(0);
  readonly #ownString: Part = (reader) => {
    this.#text = reader.ownString();
    return 0;
  };
  #version = 0;
  #database = 0;
  #expiryMs: number | null = null;

  constructor() {
    this.#parts = this.#file();
  }

  /** The file has been read to its end, and its checksum was right. What follows is not part of it. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** What has arrived behind the end. */
  get rest(): Buffer {
    return this.#isEnded ? this.#bytes.subarray(this.#at, this.#end) : Buffer.alloc(0);
  }

  push(piece: Uint8Array): void {
    this.#reserve(piece.length);
    this.#bytes.set(piece, this.#end);
    this.#end += piece.length;
  }

  /**
   * What comes next; null when the file has ended, or more of it must arrive first. Throws KvError CORRUPT when it is
   * damaged, INVALID when it has what we don't have, LIMIT when a string is too long.
   */
  next(): RdbFileItem | null {
    this.#item = null;
    const reader = new RdbReader(this.#bytes, this.#at, this.#end);
    while (!this.#isEnded && this.#item === null) {
      try {
        this.#step(reader);
      } catch (error) {
        if (error instanceof CutShort) break;
        throw error;
      }
    }
    return this.#item;
  }

  /** Throws KvError CORRUPT when the file has not been read to its end. */
  finish(): void {
    if (!this.#isEnded) throw new CutShort();
  }

  #step(reader: RdbReader): void {
    const result = this.#part === null ? 0 : this.#part(reader);
    this.#at = reader.at;
    this.#part = this.#parts.next(result).value ?? null;
  }

  // The file

  *#file(): Parts {
    yield* this.#head();
    for (;;) {
      this.#pass();
      const opcode = yield parts.byte;
      if (opcode === opcodes.end) break;
      yield* this.#one(opcode);
    }
    yield* this.#foot();
    this.#isEnded = true;
  }

  *#head(): Parts {
    let head = '';
    for (let i = 0; i < 9; i++) head += String.fromCharCode(yield parts.byte);
    this.#version = Number(head.slice(fileMagic.length));
    if (!head.startsWith(fileMagic) || !(this.#version >= 1))
      throw new KvError('INVALID', 'this is not an RDB file');
    if (this.#version <= rdbVersions.redis74) return;
    const known = rdbVersions.redis74;
    throw new KvError('INVALID', `the file is of version ${this.#version} of RDB; we read up to ${known}`);
  }

  *#one(opcode: number): Parts {
    switch (opcode) {
      case opcodes.database:
        this.#database = yield parts.size;
        return;
      case opcodes.expiryMs: {
        const at = yield parts.word;
        this.#expiryMs = Number(this.#bytes.readBigInt64LE(at));
        return;
      }
      case opcodes.expiry: {
        const at = yield parts.halfWord;
        this.#expiryMs = this.#bytes.readInt32LE(at) * 1000;
        return;
      }
      case opcodes.field:
        return yield* this.#field();
      case opcodes.library:
        yield this.#ownString;
        this.#item = { kind: 'library', code: this.#text.toString('latin1') };
        return;
      case opcodes.earlyLibrary:
        throw new KvError('INVALID', 'the file has functions as a release candidate of Redis 7 wrote them');
      case opcodes.module:
        yield parts.size;
        return yield* moduleParts();
      case opcodes.frequency:
        yield parts.byte;
        return;
      default:
        return yield* opcode < opcodes.slots ? this.#key(opcode) : sizes(sizesOf(opcode));
    }
  }

  *#field(): Parts {
    yield this.#ownString;
    const name = this.#text.toString('latin1');
    yield this.#ownString;
    this.#item = { kind: 'field', name, value: this.#text.toString('latin1') };
  }

  *#key(type: number): Parts {
    yield this.#ownString;
    const name = this.#text;
    if (moduleTypes.has(type)) {
      throw new KvError('INVALID', `the key '${name.toString('latin1')}' holds a value of a module`);
    }
    // The buffer may be another one when the value has been read.
    const offset = this.#at - this.#passed;
    yield* valueParts(type);
    const start = this.#passed + offset;
    const writer = new RdbWriter(this.#at - start + 16);
    writer.byte(type);
    writer.raw(this.#bytes, start, this.#at - start);
    const payload = sealPayload(writer, this.#version);
    this.#item = { kind: 'key', database: this.#database, name, payload, expiryMs: this.#expiryMs };
    this.#expiryMs = null;
  }

  *#foot(): Parts {
    this.#pass();
    if (this.#version < checksumSince) return;
    const at = yield parts.word;
    const isChecked = this.#bytes.readBigUInt64LE(at) !== 0n;
    if (isChecked && !this.#checksum.equals(this.#bytes, at)) throw corrupt('its checksum is wrong');
  }

  /** All up to here is read: it need not be kept. */
  #pass(): void {
    this.#checksum.update(this.#bytes, this.#passed, this.#at);
    this.#passed = this.#at;
  }

  /** Makes room, by dropping what is passed. */
  #reserve(more: number): void {
    if (this.#end + more <= this.#bytes.length) return;
    const kept = this.#end - this.#passed;
    const isTight = kept + more > this.#bytes.length / 2;
    const target = isTight ? Buffer.allocUnsafeSlow(2 * (kept + more)) : this.#bytes;
    this.#bytes.copy(target, 0, this.#passed, this.#end);
    this.#bytes = target;
    this.#at -= this.#passed;
    this.#passed = 0;
    this.#end = kept;
  }
}

/** How many sizes belong to an opcode of which nothing else is of interest. */
function sizesOf(opcode: number): number {
  if (opcode === opcodes.slots) return 3;
  return opcode === opcodes.sizes ? 2 : 1;
}

function* sizes(count: number): Parts {
  for (let i = 0; i < count; i++) yield parts.size;
}
