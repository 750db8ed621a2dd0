/**
 * One command as it arrived: its arguments, as positions in the bytes they came in.
 *
 *     bytes    * 2 \r \n $ 3 \r \n G E T \r \n $ 1 \r \n k \r \n
 *                                  ^ start(0), length(0) = 3    ^ start(1), length(1) = 1
 *
 * A view, decoded lazily and used again for the next command: it is valid during the call it is
 * passed to, and whoever keeps bytes copies them (`toOwned`). Every protocol fills this same class,
 * so that the calls on the hot path see one shape.
 */
// @hot-path

import {
  byteStringOf,
  bytesOf,
  checkTextLength,
  copyBytes,
  emptyBytes,
  parseDouble,
  parseInteger,
} from './bytes.js';
import { textOf } from './escaped-text.js';
import { quotedBytesMax } from './limits.js';

/** Arguments that there is room for at first. */
const usualRoom = 32;
/** Room for 4,096 arguments is kept for the next request. */
const keptOffsets = 2 * 4096;

export class Request {
  /** Where the arguments lie. Not owned: changes after the call that received this request. */
  bytes: Uint8Array = emptyBytes;
  /** Number of arguments, the command's name among them. */
  count = 0;
  /** Start of argument i at [2i], its length at [2i + 1]. Arguments lie in order. Grown by `reserve`. */
  offsets: Int32Array;

  /**
   * Where in `bytes` the whole request lies as it came, an array of bulk strings: whoever passes it on copies that.
   * `frameEnd` is 0 where it came in another form.
   */
  frameStart = 0;
  frameEnd = 0;

  /** With room for so many arguments at first. */
  constructor(room = usualRoom) {
    this.offsets = new Int32Array(2 * room);
  }

  /** Makes room for `count` arguments; those set so far are kept. */
  reserve(count: number): void {
    if (count * 2 <= this.offsets.length) return;
    const grown = new Int32Array(Math.max(count * 2, this.offsets.length * 2));
    grown.set(this.offsets);
    this.offsets = grown;
  }

  /** Lets go of bytes that belong to others, and of the room that very many arguments took. */
  release(): void {
    this.bytes = emptyBytes;
    if (this.offsets.length > keptOffsets) this.offsets = new Int32Array(2 * usualRoom);
  }

  /** Position of argument `i` in `bytes`. */
  start(i: number): number {
    return this.offsets[2 * i];
  }

  /** Length of argument `i` in bytes. */
  length(i: number): number {
    return this.offsets[2 * i + 1];
  }

  /** Bytes from the start of the first argument to the end of the last: no argument is longer than this. */
  get span(): number {
    const last = 2 * this.count - 2;
    return last < 0 ? 0 : this.offsets[last] + this.offsets[last + 1] - this.offsets[0];
  }

  /** Argument `i` as a view over `bytes`; not a copy. */
  view(i: number): Uint8Array {
    const start = this.offsets[2 * i];
    return this.bytes.subarray(start, start + this.offsets[2 * i + 1]);
  }

  /** The arguments from `first` on, as views. */
  views(first: number): Uint8Array[] {
    return Array.from({ length: Math.max(0, this.count - first) }, (_, i) => this.view(first + i));
  }

  /** A copy of argument `i` that the caller owns. */
  copy(i: number): Buffer {
    const length = this.offsets[2 * i + 1];
    const owned = Buffer.allocUnsafeSlow(length);
    copyBytes(this.bytes, this.offsets[2 * i], owned, 0, length);
    return owned;
  }

  /** Argument `i` as a byte string (one character a byte). Throws KvError LIMIT beyond `textBytesMax`. */
  byteString(i: number): string {
    return byteStringOf(this.bytes, this.offsets[2 * i], this.offsets[2 * i + 1]);
  }

  /** Argument `i` decoded as UTF-8, for messages and names; see `textOf`. Throws KvError LIMIT beyond `textBytesMax`. */
  text(i: number): string {
    checkTextLength(this.offsets[2 * i + 1]);
    return textOf(this.view(i));
  }

  /** Argument `i` as Redis' errors repeat it: up to its first zero byte, and no more than so many bytes. */
  quoted(i: number, bytesMax: number = quotedBytesMax): string {
    const bytes = this.view(i).subarray(0, bytesMax);
    const end = bytes.indexOf(0);
    return textOf(end < 0 ? bytes : bytes.subarray(0, end));
  }

  /** Argument `i` as a 64-bit integer; NaN when it is none (see `parseInteger`). */
  integer(i: number): number {
    return parseInteger(this.bytes, this.offsets[2 * i], this.offsets[2 * i + 1]);
  }

  /** Argument `i` as a double; NaN when it is none (see `parseDouble`). */
  double(i: number): number {
    return parseDouble(this.bytes, this.offsets[2 * i], this.offsets[2 * i + 1]);
  }

  /** Whether argument `i` is `token`, in any case. `token` must be upper-case ASCII letters, digits or `-`. */
  is(i: number, token: string): boolean {
    const length = token.length;
    if (this.offsets[2 * i + 1] !== length) return false;
    const start = this.offsets[2 * i];
    for (let j = 0; j < length; j++) {
      let byte = this.bytes[start + j];
      if (byte >= 97 && byte <= 122) byte -= 32;
      if (byte !== token.charCodeAt(j)) return false;
    }
    return true;
  }

  /** The arguments from `first` on, as a request over the same bytes. */
  slice(first: number): Request {
    const part = new Request();
    part.bytes = this.bytes;
    part.count = this.count - first;
    part.offsets = this.offsets.slice(2 * first, 2 * this.count);
    return part;
  }

  /** A request of its own bytes, to be kept beyond the call. */
  toOwned(): Request {
    let total = 0;
    for (let i = 0; i < this.count; i++) total += this.offsets[2 * i + 1];
    // A little more than there are: what is not there reads as empty.
    const owned = new Request(this.count + 2);
    owned.bytes = Buffer.allocUnsafeSlow(total);
    owned.count = this.count;
    let at = 0;
    for (let i = 0; i < this.count; i++) {
      const length = this.offsets[2 * i + 1];
      copyBytes(this.bytes, this.offsets[2 * i], owned.bytes, at, length);
      owned.offsets[2 * i] = at;
      owned.offsets[2 * i + 1] = length;
      at += length;
    }
    return owned;
  }

  /** Fills this request from separate arguments, copying them into bytes of its own. Strings are UTF-8. */
  assign(args: readonly (string | Uint8Array)[]): this {
    const parts: Uint8Array[] = new Array(args.length);
    let total = 0;
    for (let i = 0; i < args.length; i++) {
      parts[i] = bytesOf(args[i]);
      total += parts[i].length;
    }
    if (this.bytes.length < total) this.bytes = Buffer.allocUnsafeSlow(Math.max(total, 256));
    this.frameEnd = 0;
    this.reserve(args.length);
    this.count = args.length;
    let at = 0;
    for (let i = 0; i < parts.length; i++) {
      const length = parts[i].length;
      copyBytes(parts[i], 0, this.bytes, at, length);
      this.offsets[2 * i] = at;
      this.offsets[2 * i + 1] = length;
      at += length;
    }
    return this;
  }

  /** A new request from separate arguments. */
  static of(...args: (string | Uint8Array)[]): Request {
    return new Request().assign(args);
  }
}
