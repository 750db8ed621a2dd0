/** What is to be ended, in the opposite order of how it was begun; once. */
export class Closing {
  #steps: (() => unknown)[] = [];

  add(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** Goes on when a step fails, and throws the first failure at the end. */
  async run(): Promise<void> {
    const steps = this.#steps.reverse();
    this.#steps = [];
    let failure: unknown = null;
    for (const step of steps) {
      try {
        await step();
      } catch (error) {
        failure ??= error;
      }
    }
    if (failure !== null) throw failure;
  }
}
