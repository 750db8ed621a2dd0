/** What a server sends, in the pieces in which it is asked for. */
import { KvError } from '@holdfast/common';

/** A line that is longer is none. */
const lineBytesMax = 64 * 1024;
const lf = 10;

export class ByteSource {
  readonly #pieces: AsyncIterator<Buffer>;
  readonly #onBytes: (count: number) => void;
  #rest: Buffer = Buffer.alloc(0);

  /** `onBytes` is told of all that arrives. */
  constructor(pieces: AsyncIterable<Buffer>, onBytes: (count: number) => void) {
    this.#pieces = pieces[Symbol.asyncIterator]();
    this.#onBytes = onBytes;
  }

  /** What has arrived, or else arrives next: never empty. Rejects with KvError CLOSED when nothing comes any more. */
  async piece(): Promise<Buffer> {
    if (this.#rest.length > 0) {
      const rest = this.#rest;
      this.#rest = Buffer.alloc(0);
      return rest;
    }
    const { done, value } = await this.#pieces.next();
    if (done === true) throw new KvError('CLOSED', 'the connection was closed');
    this.#onBytes(value.length);
    return value;
  }

  /** Gives back what was not used: it comes next. */
  unread(bytes: Buffer): void {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([bytes, this.#rest]);
  }

  /** The next line that is not empty: a server that has nothing to say yet sends empty ones. */
  async line(): Promise<string> {
    let line: Buffer = Buffer.alloc(0);
    for (;;) {
      const piece = await this.piece();
      const end = piece.indexOf(lf);
      line = Buffer.concat([line, end < 0 ? piece : piece.subarray(0, end)]);
      if (line.length > lineBytesMax)
        throw new KvError('INVALID', 'the other server does not speak the Redis protocol');
      if (end < 0) continue;
      this.unread(piece.subarray(end + 1));
      const text = line.toString('latin1').trimEnd();
      if (text !== '') return text;
      line = Buffer.alloc(0);
    }
  }
}
