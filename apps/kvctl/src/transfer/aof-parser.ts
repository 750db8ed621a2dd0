/**
 * The commands in a file of Redis' append-only log: arrays of bulks, and lines of annotations.
 *
 *     #TS:1700000000\r\n
 *     *3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n
 */
import { KvError } from '@holdfast/common';
import type { InputFile } from './input-file.js';

const lineBytesMax = 64 * 1024;
const [lf, cr] = [10, 13];
const [array, bulk, annotation] = Buffer.from('*$#');

/** The file ends within a command. */
export class CutShort extends Error {}

export class AofParser {
  readonly #input: InputFile;
  /** Within the bytes of `#input`. */
  #at = 0;

  constructor(input: InputFile) {
    this.#input = input;
  }

  /** The arguments of the next command, owned by the caller; null at the end. Throws CutShort, KvError CORRUPT. */
  async next(): Promise<Buffer[] | null> {
    const input = this.#input;
    for (;;) {
      input.pass(this.#at);
      this.#at = 0;
      if (input.bytes.length === 0 && !(await input.more())) return null;
      if (input.bytes[0] !== annotation) break;
      await this.#line();
    }
    const count = await this.#number(array, 'a command');
    const args: Buffer[] = [];
    for (let left = count; left > 0; left--) args.push(await this.#bulk());
    if (count === 0) throw this.#damaged('a command without a name');
    return args;
  }

  async #bulk(): Promise<Buffer> {
    const length = await this.#number(bulk, 'an argument');
    await this.#need(length + 2);
    const { bytes } = this.#input;
    const start = this.#at;
    this.#at += length + 2;
    if (bytes[this.#at - 2] !== cr) throw this.#damaged('an argument does not end where it should');
    return Buffer.from(bytes.subarray(start, start + length));
  }

  async #number(first: number, what: string): Promise<number> {
    const line = await this.#line();
    const digits = line.subarray(1).toString('latin1');
    if (line[0] !== first || !/^\d{1,10}$/.test(digits)) throw this.#damaged(`${what} is expected`);
    return Number(digits);
  }

  /** The next line, without its end. */
  async #line(): Promise<Buffer> {
    const input = this.#input;
    for (;;) {
      const end = input.bytes.indexOf(lf, this.#at);
      if (end >= 0) {
        // A text that begins with a hash would otherwise pass for a log that is cut short in its first line.
        if (end === this.#at || input.bytes[end - 1] !== cr)
          throw this.#damaged('a line does not end as it should');
        const line = input.bytes.subarray(this.#at, end - 1);
        this.#at = end + 1;
        return line;
      }
      if (input.bytes.length - this.#at > lineBytesMax) throw this.#damaged('a line has no end');
      if (!(await input.more())) throw new CutShort();
    }
  }

  async #need(length: number): Promise<void> {
    const input = this.#input;
    if (input.offset + this.#at + length > input.size) throw new CutShort();
    while (input.bytes.length - this.#at < length) await input.more();
  }

  #damaged(what: string): KvError {
    const { offset, path } = this.#input;
    return new KvError(
      'CORRUPT',
      `${path}, offset ${offset}: bad file format: ${what}. Repair it with redis-check-aof`,
    );
  }
}
