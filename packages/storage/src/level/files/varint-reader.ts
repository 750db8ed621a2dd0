/** Numbers as LevelDB has them in its files: seven bits a byte, the lowest first. */
import { KvError } from '@holdfast/common';

export class VarintReader {
  readonly #bytes: Buffer;
  readonly #end: number;
  at = 0;

  constructor(bytes: Buffer, end: number) {
    this.#bytes = bytes;
    this.#end = end;
  }

  /** The next number; of `count` numbers the first. Throws KvError CORRUPT. */
  next(count = 1): number {
    let first = 0;
    for (let i = 0; i < count; i++) {
      const value = this.#one();
      if (i === 0) first = value;
    }
    return first;
  }

  /** Passes over a text, which has its length before it. */
  skipText(): void {
    const length = this.next();
    this.at += length;
  }

  #one(): number {
    let value = 0;
    for (let factor = 1; factor < 2 ** 53; factor *= 128) {
      if (this.at >= this.#end) break;
      const byte = this.#bytes[this.at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
    throw damaged('', 'a number can not be read');
  }
}

export function damaged(where: string, what: string): KvError {
  return new KvError('CORRUPT', where === '' ? what : `${where}: ${what}`);
}
