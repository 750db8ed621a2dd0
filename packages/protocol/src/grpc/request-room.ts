/**
 * What requests of all calls may take together while they are under way. A message has its place as soon as it says how
 * long it is, and until its call is over (of a stream: until it was executed), or it is refused before it is read.
 */
import { KvError } from '@holdfast/common';
import { requestsBytesMax } from './limits.js';

export class RequestRoom {
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(bytesMax = requestsBytesMax) {
    this.#bytesMax = bytesMax;
  }

  /** Taken by messages that are under way. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Throws KvError LIMIT when there is no place for so many more. */
  take(bytes: number): void {
    if (bytes > 0 && this.#bytes + bytes > this.#bytesMax) {
      throw new KvError('LIMIT', `at most ${this.#bytesMax} bytes of requests may be under way`);
    }
    this.#bytes += bytes;
  }

  give(bytes: number): void {
    this.#bytes -= bytes;
  }
}
