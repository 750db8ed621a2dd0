/**
 * Names that the disk was asked for in vain, so that it is asked once. The oldest are forgotten beyond a bound: the disk
 * tells again, and its filters make that cheap.
 */
// @hot-path

export class AbsentNames {
  readonly #namesMax: number;
  readonly #bytesMax: number;
  readonly #names = new Set<string>();
  #bytes = 0;

  /** `bytesMax` is of all names together: one may have a megabyte. */
  constructor(namesMax: number, bytesMax: number) {
    this.#namesMax = namesMax;
    this.#bytesMax = bytesMax;
  }

  get size(): number {
    return this.#names.size;
  }

  has(name: string): boolean {
    return this.#names.has(name);
  }

  add(name: string): void {
    if (this.#names.has(name)) return;
    this.#names.add(name);
    this.#bytes += name.length;
    if (this.#names.size > this.#namesMax || this.#bytes > this.#bytesMax) this.#forgetOldest();
  }

  delete(name: string): void {
    if (this.#names.size > 0 && this.#names.delete(name)) this.#bytes -= name.length;
  }

  #forgetOldest(): void {
    for (const name of this.#names) {
      if (this.#names.size <= this.#namesMax && this.#bytes <= this.#bytesMax) return;
      this.delete(name);
    }
  }
}
