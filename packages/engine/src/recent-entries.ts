/** The newest entries of a log, as many as are wanted: read newest first, kept oldest first, which is the order of arrival. */

/** Of those that are too many so large a part is dropped together, and so many at least. */
const dropsShare = 1 / 8;
const dropsMin = 16;

export class RecentEntries<T> {
  /** With some at the beginning that are to be dropped. */
  #entries: T[] = [];
  #lengthMax = 128;

  get length(): number {
    return Math.min(this.#entries.length, this.#lengthMax);
  }

  set lengthMax(max: number) {
    this.#drop(0);
    this.#lengthMax = max;
    this.#drop(0);
  }

  add(entry: T): void {
    this.#entries.push(entry);
    this.#drop(Math.max(dropsMin, this.#lengthMax * dropsShare));
  }

  /** The newest `count`. */
  newest(count: number): T[] {
    const { length } = this.#entries;
    return this.#entries.slice(length - Math.min(count, this.length)).reverse();
  }

  /** Takes out the newest of the last `looks` entries that fits. */
  take(looks: number, fits: (entry: T) => boolean): T | undefined {
    const found = this.newest(looks).find(fits);
    if (found !== undefined) this.#entries.splice(this.#entries.lastIndexOf(found), 1);
    return found;
  }

  clear(): void {
    this.#entries = [];
  }

  /** Drops what is too much, if it is more than so many. */
  #drop(tolerated: number): void {
    const surplus = this.#entries.length - this.#lengthMax;
    if (surplus > tolerated) this.#entries.splice(0, surplus);
  }
}
