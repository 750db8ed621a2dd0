/**
 * Catches what would make a run depend on more than its seed: while simulated code runs, the clock, the timers and
 * the randomness of the process are out of reach. Not caught: `new Date()`, `node:crypto`, files and sockets.
 */
import { KvError } from '@holdfast/common';

const guarded: readonly (readonly [object, string])[] = [
  [globalThis, 'setTimeout'],
  [globalThis, 'setInterval'],
  [globalThis, 'setImmediate'],
  [Date, 'now'],
  [Math, 'random'],
  [performance, 'now'],
];

interface Guarded {
  readonly owner: object;
  readonly name: string;
  /** Undefined when it is inherited. */
  readonly original: PropertyDescriptor | undefined;
  readonly replacement: PropertyDescriptor;
}

export class GlobalGuard {
  readonly #guarded: readonly Guarded[];
  #isUp = false;

  /** `onUse` is told, because code under test may catch the error that it gets. */
  constructor(onUse: (error: KvError) => void) {
    this.#guarded = guarded.map(([owner, name]) => {
      const refuse = (): never => {
        const error = new KvError('INVALID', `${name} of the process in a simulation: use Env`);
        onUse(error);
        throw error;
      };
      const original = Object.getOwnPropertyDescriptor(owner, name);
      return { owner, name, original, replacement: { value: refuse, configurable: true, writable: true } };
    });
  }

  raise(): void {
    if (this.#isUp) return;
    this.#isUp = true;
    for (const { owner, name, replacement } of this.#guarded) Object.defineProperty(owner, name, replacement);
  }

  lower(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    for (const { owner, name, original } of this.#guarded) {
      if (original === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, original);
    }
  }
}
