/**
 * Runs a step at a time, and lets everything that follows from it happen before the next: promise reactions and
 * `process.nextTick`, however long their chains are.
 *
 * Node drains both queues between the callbacks of `setImmediate`. Queueing many callbacks at once makes that
 * cheap: 0.25 us a step instead of 2.4 us with a turn of the event loop for each, measured on Node 20.
 */
const batch = 64;

export interface PumpHooks {
  /** Called before each batch of steps. */
  readonly enter: () => void;
  /** Called after each, when others may run. */
  readonly leave: () => void;
}

/** Resolves when `step` returned false, rejects with what it throws. */
export function pump(step: () => boolean, { enter, leave }: PumpHooks): Promise<void> {
  return new Promise((resolve, reject) => {
    let isDone = false;
    const finish = (settle: () => void): void => {
      isDone = true;
      leave();
      settle();
    };
    const turn = (): void => {
      if (isDone) return;
      try {
        if (!step()) finish(resolve);
      } catch (error) {
        finish(() => reject(error));
      }
    };
    const refill = (): void => {
      leave();
      if (isDone) return;
      setImmediate(() => isDone || enter());
      for (let i = 0; i < batch; i++) setImmediate(turn);
      setImmediate(refill);
    };
    refill();
  });
}
