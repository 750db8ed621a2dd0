/** The one mark of simulated instances, each some milliseconds from it, over ways on which messages get lost. */
import { KvError, randomBelow } from '@holdfast/common';
import type { SimulatedEnv } from '@holdfast/common/testing';
import type { MarkRecord, MarkState, MarkStore } from '../mark-store.js';
import type { SimulatedProcess } from './simulated-process.js';

export interface SimulatedMarkOptions {
  /** Time of a message on its way, in ms; 0 answers without any virtual time. */
  readonly delayMsMax?: number;
  /** Probability that a message, either way, is lost. */
  readonly loss?: number;
}

/** When who asks gives up, in ms. */
const timeoutMs = 40;

export class SimulatedMark {
  state: MarkState = { revision: 0, record: null };
  readonly #env: SimulatedEnv;
  readonly #delayMsMax: number;
  readonly #loss: number;
  readonly #listeners = new Set<() => void>();

  constructor(env: SimulatedEnv, { delayMsMax = 0, loss = 0 }: SimulatedMarkOptions = {}) {
    this.#env = env;
    this.#delayMsMax = delayMsMax;
    this.#loss = loss;
  }

  /** As a process sees it. */
  storeFor(process: SimulatedProcess): MarkStore {
    return {
      read: () => this.#ask(process, 'UNAVAILABLE', () => this.state),
      write: (revision, record) => this.#ask(process, 'UNDETERMINED', () => this.#write(revision, record)),
      watch: (onChange) => {
        const listener = (): void => this.#send(() => process.run(onChange));
        this.#listeners.add(listener);
        return { close: () => this.#listeners.delete(listener) };
      },
    };
  }

  #ask<T>(process: SimulatedProcess, lost: 'UNAVAILABLE' | 'UNDETERMINED', operate: () => T): Promise<T> {
    if (this.#delayMsMax === 0) return Promise.resolve(operate());
    return new Promise((resolve, reject) => {
      this.#send(() => {
        const result = operate();
        this.#send(() => process.run(() => resolve(result)));
      });
      const giveUp = (): void => reject(new KvError(lost, 'no answer in time'));
      process.timers.setTimeout(giveUp, timeoutMs);
    });
  }

  #send(what: () => void): void {
    if (this.#delayMsMax === 0) what();
    else if (this.#env.random.uint32() >= this.#loss * 0x100000000) {
      this.#env.timers.setTimeout(what, randomBelow(this.#env.random, this.#delayMsMax));
    }
  }

  #write(revision: number, record: MarkRecord): number | null {
    if (revision !== this.state.revision) return null;
    this.state = { revision: revision + 1, record };
    for (const listener of this.#listeners) listener();
    return revision + 1;
  }
}
