/** Those who wait until something may have changed: woken all together, they look for themselves. */
export class Wakeups {
  #waiting: (() => void)[] = [];

  /** Resolves with the next call of `wake`. */
  next(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  wake(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
