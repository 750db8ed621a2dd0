/** A number that survives: no timestamp above it was handed out. */
export interface HighWaterMark {
  /** The last value stored, 0 when there is none. Throws when it can't be known: 0 would repeat timestamps. */
  load(): Promise<number>;
  /** Durable when it resolves. Called one at a time, with growing values. */
  store(value: number): Promise<void>;
}

/** For storage that keeps nothing: after a restart there is no version left that could be repeated. */
export class MemoryHighWaterMark implements HighWaterMark {
  #value = 0;

  async load(): Promise<number> {
    return this.#value;
  }

  async store(value: number): Promise<void> {
    this.#value = value;
  }
}
