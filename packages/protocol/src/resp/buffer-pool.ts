/** Output buffers that connections share: 16 KiB each; larger ones are made for one use. */
// @hot-path

const bufferBytes = 16 * 1024;
const pooledMax = 256;

export class BufferPool {
  /** Stands for "no buffer". */
  readonly none: Buffer = Buffer.allocUnsafeSlow(0);
  readonly #free: Buffer[] = [];

  /** A buffer of at least `length` bytes; its content is undefined. */
  take(length: number): Buffer {
    if (length > bufferBytes) return Buffer.allocUnsafeSlow(length);
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
  }

  give(buffer: Buffer): void {
    if (buffer.length === bufferBytes && this.#free.length < pooledMax) this.#free.push(buffer);
  }
}
