/**
 * Requests one after the other as Redis clients send them, and where each ends: what was sent is kept until it is
 * answered, so that it can be sent again.
 *
 *     bytes   | *2..GET..k.. | *3..SET..k..v.. | ...
 *     ends                   ^0                ^1
 */
// @hot-path
import { copyBytes, digitCount, type Request, writeInteger } from '@holdfast/common';

/** What became of a request may matter: sent twice, it would take effect twice. */
export const requestKinds = { read: 0, write: 1 } as const;

export class Frames {
  bytes: Buffer;
  length = 0;
  /** Where each request ends in `bytes`. */
  ends: Int32Array;
  /** One of `requestKinds` for each. */
  kinds: Uint8Array;
  count = 0;
  /** How many of them are writes. */
  writes = 0;

  constructor(bytesMax: number, requestsMax: number) {
    this.bytes = Buffer.allocUnsafeSlow(bytesMax);
    this.ends = new Int32Array(requestsMax);
    this.kinds = new Uint8Array(requestsMax);
  }

  append(request: Request, kind: number): void {
    const { frameEnd, frameStart } = request;
    if (frameEnd === 0) this.#appendArguments(request);
    else this.#copy(request.bytes, frameStart, frameEnd - frameStart);
    this.#mark(kind);
  }

  /** Appends a request of other frames, which lies at `start`. */
  appendFrom(frames: Frames, index: number, start: number): void {
    this.#copy(frames.bytes, start, frames.ends[index] - start);
    this.#mark(frames.kinds[index]);
  }

  /** Makes room for `more` bytes. */
  reserve(more: number): void {
    const wanted = this.length + more;
    if (wanted <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(wanted, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }

  #copy(bytes: Uint8Array, start: number, length: number): void {
    this.reserve(length);
    copyBytes(bytes, start, this.bytes, this.length, length);
    this.length += length;
  }

  #mark(kind: number): void {
    const i = this.count++;
    if (i === this.ends.length) this.#growMarks();
    this.ends[i] = this.length;
    this.kinds[i] = kind;
    if (kind === requestKinds.write) this.writes++;
  }

  /** A request that came in another form. */
  #appendArguments(request: Request): void {
    const { count } = request;
    this.reserve(frameLength(request));
    this.#header(42, count);
    for (let i = 0; i < count; i++) {
      const length = request.length(i);
      this.#header(36, length);
      copyBytes(request.bytes, request.start(i), this.bytes, this.length, length);
      this.length += length;
      this.bytes[this.length++] = 13;
      this.bytes[this.length++] = 10;
    }
  }

  #header(type: number, n: number): void {
    const { bytes } = this;
    bytes[this.length] = type;
    const at = writeInteger(bytes, this.length + 1, n);
    bytes[at] = 13;
    bytes[at + 1] = 10;
    this.length = at + 2;
  }

  #growMarks(): void {
    const ends = new Int32Array(Math.max(16, this.ends.length * 2));
    ends.set(this.ends);
    this.ends = ends;
    const kinds = new Uint8Array(ends.length);
    kinds.set(this.kinds);
    this.kinds = kinds;
  }
}

/** Bytes of a request as it is passed on. */
export function frameLength(request: Request): number {
  const { count, frameEnd, frameStart } = request;
  if (frameEnd !== 0) return frameEnd - frameStart;
  let bytes = 3 + digitCount(count);
  for (let i = 0; i < count; i++) bytes += 5 + digitCount(request.length(i)) + request.length(i);
  return bytes;
}
