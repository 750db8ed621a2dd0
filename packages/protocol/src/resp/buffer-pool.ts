/** Output buffers that connections share, of one size; larger ones are made for one use. */
// @hot-path

const pooledMax = 256;

export class BufferPool {
  /** Stands for "no buffer". */
  readonly none: Buffer = Buffer.allocUnsafeSlow(0);
  readonly #free: Buffer[] = [];
  readonly #bufferBytes: number;

  constructor(bufferBytes: number = 16 * 1024) {
    this.#bufferBytes = bufferBytes;
  }

  /** A buffer of at least `length` bytes; its content is undefined. */
  take(length: number): Buffer {
    if (length > this.#bufferBytes) return Buffer.allocUnsafeSlow(length);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#bufferBytes);
  }

  give(buffer: Buffer): void {
    if (buffer.length === this.#bufferBytes && this.#free.length < pooledMax) this.#free.push(buffer);
  }
}
