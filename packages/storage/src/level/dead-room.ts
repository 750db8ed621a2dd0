/**
 * Takes back the room of what was cleared. LevelDB gives it back when it merges what is there with what was removed, which
 * it does by the bytes of a level: a removal has few, and a piece of a string many. And what is new lies beside all that is
 * older, so it is never merged with that: 1 GB was written of five strings of 20 MB, and took 1 GB.
 *
 *     incarnations    3   5   6   7   8   9  11        dead: 5 to 9, but for 7
 *                         [ is compacted  ]            when as much of it is dead as lives
 */
import { numberKey64, prefixes } from './disk-keys.js';
import type { KeyRange, OrderedStore } from './ordered-store.js';

/** So much may be dead, in bytes. */
const deadBytesMin = 64 * 1024 * 1024;
/** So much is compacted at once, or one incarnation: whoever closes the store waits for it. */
const compactedBytesMax = 128 * 1024 * 1024;

export class DeadRoom {
  readonly #store: OrderedStore;
  #deadBytes = 0;
  /** The dead incarnations are among those from one on, and below another. */
  #from = Number.POSITIVE_INFINITY;
  #to = 0;

  constructor(store: OrderedStore) {
    this.#store = store;
  }

  /** The elements of some incarnations were cleared. */
  async add(incarnations: readonly number[]): Promise<void> {
    for (const { from, to } of runsOf(incarnations)) {
      this.#deadBytes += await this.#bytesOf(from, to);
      this.#from = Math.min(this.#from, from);
      this.#to = Math.max(this.#to, to);
    }
  }

  /** Gives back what is worth it; `isClosing` ends it early. */
  async reclaim(isClosing: () => boolean): Promise<void> {
    if (this.#deadBytes < deadBytesMin) return;
    const [from, to] = [this.#from, this.#to];
    const bytes = await this.#bytesOf(from, to);
    if (this.#deadBytes < bytes / 2) return;
    this.#deadBytes = 0;
    this.#from = Number.POSITIVE_INFINITY;
    this.#to = 0;
    await this.#compact(from, to, bytes, isClosing);
  }

  async #compact(from: number, to: number, bytes: number, isClosing: () => boolean): Promise<void> {
    if (bytes === 0 || isClosing()) return;
    if (bytes <= compactedBytesMax || to - from === 1) {
      await this.#store.compact(elementsOf(from, to));
      return;
    }
    const middle = Math.floor((from + to) / 2);
    for (const [start, end] of [
      [from, middle],
      [middle, to],
    ])
      await this.#compact(start, end, await this.#bytesOf(start, end), isClosing);
  }

  #bytesOf(from: number, to: number): Promise<number> {
    return this.#store.takenBy(elementsOf(from, to));
  }
}

/** The elements of the incarnations from one on, and below another. */
export function elementsOf(from: number, to: number = from + 1): KeyRange {
  const { element } = prefixes;
  return { from: numberKey64(element, from), to: numberKey64(element, to) };
}

/** Those that follow one another are one run. */
function runsOf(incarnations: readonly number[]): { from: number; to: number }[] {
  const runs: { from: number; to: number }[] = [];
  for (const incarnation of incarnations.toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last?.to === incarnation) last.to++;
    else runs.push({ from: incarnation, to: incarnation + 1 });
  }
  return runs;
}
