/**
 * SIGINT and SIGTERM while a command makes something that is whole only in the end: it ends at its next step and removes
 * what it did not finish. A second signal ends the process at once.
 */
import { constants } from 'node:os';
import { KvError } from '@holdfast/common';

const signals = ['SIGINT', 'SIGTERM'] as const;

type Signal = (typeof signals)[number];

/** Where signals come from: the process. */
export interface Signals {
  on(signal: Signal, listener: (signal: Signal) => void): unknown;
  off(signal: Signal, listener: (signal: Signal) => void): unknown;
}

/** What was not finished is removed by whoever it passes. */
export class Interrupted extends KvError {
  constructor() {
    super('CLOSED', 'interrupted');
  }
}

export class Interruption {
  readonly #signals: Signals;
  readonly #come = (signal: Signal): void => this.#end(signal);
  readonly #onSignal = new Set<() => void>();
  #signal: Signal | null = null;

  constructor(signals: Signals) {
    this.#signals = signals;
  }

  /** The one that came, or null. */
  get signal(): string | null {
    return this.#signal;
  }

  /** As a process says it that died of the signal. */
  get exitCode(): number {
    return 128 + constants.signals[this.#signal!];
  }

  /** Until then, and after `ignore`, a signal ends the process at once. */
  heed(): void {
    for (const signal of signals) this.#signals.on(signal, this.#come);
  }

  ignore(): void {
    for (const signal of signals) this.#signals.off(signal, this.#come);
  }

  /** To be asked at each step of what takes long. Throws Interrupted. */
  check(): void {
    if (this.#signal !== null) throw new Interrupted();
  }

  /** Waits for others, who may never answer, no longer than until there is a signal. Throws Interrupted. */
  race<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (): void => reject(new Interrupted());
      this.#onSignal.add(end);
      work.then(resolve, reject).finally(() => this.#onSignal.delete(end));
      if (this.#signal !== null) end();
    });
  }

  /** What others send, until there is a signal. Throws Interrupted. */
  async *over<T>(items: AsyncIterable<T>): AsyncGenerator<T, void, void> {
    const iterator = items[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await this.race(iterator.next());
        if (done) return;
        yield value;
      }
    } finally {
      // It comes to an end only after what is waited for.
      const ending = Promise.resolve(iterator.return?.()).catch(() => {});
      if (this.#signal === null) await ending;
    }
  }

  /** `close` ends what is waited for. */
  closing<T extends { close(): void }>(closable: T): T {
    this.#onSignal.add(() => closable.close());
    return closable;
  }

  #end(signal: Signal): void {
    this.ignore();
    this.#signal = signal;
    for (const end of [...this.#onSignal]) end();
  }
}
