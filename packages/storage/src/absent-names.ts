/**
 * Names that the disk was asked for in vain, so that it is asked once. The oldest are forgotten beyond a bound: the disk
 * tells again, and its filters make that cheap.
 *
 *     older      | ............ |  forgotten as a whole when `newer` is half of the bound, but for what is still needed
 *     newer      | ....           then takes its place
 *
 * Forgetting them one by one would be slow: a Set keeps holes where its oldest members were, and looking for the first
 * one that is left costs 8 us a name at 32,768.
 */
// @hot-path

const needsNone = (): boolean => false;

export class AbsentNames {
  readonly #namesMax: number;
  readonly #bytesMax: number;
  readonly #isNeeded: (name: string) => boolean;
  #older = new Set<string>();
  #newer = new Set<string>();
  /** Of `newer`, and how many names of it were kept when it began. */
  #bytes = 0;
  #kept = 0;

  /**
   * `bytesMax` is of all names together: one may have a megabyte. What `isNeeded` says somebody waits for is not forgotten,
   * however much it is.
   */
  constructor(namesMax: number, bytesMax: number, isNeeded: (name: string) => boolean = needsNone) {
    this.#namesMax = namesMax;
    this.#bytesMax = bytesMax;
    this.#isNeeded = isNeeded;
  }

  get size(): number {
    return this.#older.size + this.#newer.size;
  }

  has(name: string): boolean {
    return this.#newer.has(name) || this.#older.has(name);
  }

  add(name: string): void {
    if (this.has(name)) return;
    this.#newer.add(name);
    this.#bytes += name.length;
    if (this.#newer.size - this.#kept >= this.#namesMax / 2 || this.#bytes >= this.#bytesMax / 2)
      this.#turn();
  }

  delete(name: string): void {
    this.#newer.delete(name);
    this.#older.delete(name);
  }

  #turn(): void {
    const forgotten = this.#older;
    this.#older = this.#newer;
    this.#newer = new Set();
    this.#bytes = 0;
    for (const name of forgotten) if (this.#isNeeded(name)) this.#newer.add(name);
    this.#kept = this.#newer.size;
  }
}
