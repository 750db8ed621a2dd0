/** A list of ids, to be filled again and again: no object for each. */
// @hot-path
import type { StreamId } from './stream-id.js';

export class StreamIds {
  count = 0;
  #words = new Int32Array(64);

  clear(): void {
    this.count = 0;
  }

  push(id: StreamId): void {
    const at = this.count * 4;
    if (at === this.#words.length) {
      const grown = new Int32Array(at * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    id.writeWords(this.#words, at);
    this.count++;
  }

  /** Makes `into` the id at `i`; returns it. */
  read(i: number, into: StreamId): StreamId {
    return into.readWords(this.#words, i * 4);
  }

  static of(...ids: readonly StreamId[]): StreamIds {
    const list = new StreamIds();
    for (const id of ids) list.push(id);
    return list;
  }
}
