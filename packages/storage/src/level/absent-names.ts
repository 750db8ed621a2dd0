/**
 * Keys that the disk was asked for in vain, so that it is asked once. The oldest are forgotten beyond a bound: the disk
 * tells again, and its filters make that cheap.
 */
// @hot-path

const namesMax = 32_768;
/** Of all names together: a name may have a megabyte. */
const bytesMax = 4 * 1024 * 1024;

export class AbsentNames {
  readonly #names = new Set<string>();
  #bytes = 0;

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
    if (this.#names.size > namesMax || this.#bytes > bytesMax) this.#forgetOldest();
  }

  delete(name: string): void {
    if (this.#names.size > 0 && this.#names.delete(name)) this.#bytes -= name.length;
  }

  #forgetOldest(): void {
    for (const name of this.#names) {
      if (this.#names.size <= namesMax && this.#bytes <= bytesMax) return;
      this.delete(name);
    }
  }
}
