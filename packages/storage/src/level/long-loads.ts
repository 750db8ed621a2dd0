/**
 * Loads of whole collections, which take as long as they take: a piece at a time, while others go on. So many are read at
 * once, and the others wait for their turn. Whoever asks for a key meanwhile joins the load of it.
 */
import type { Timers } from '@holdfast/common';
import type { Keyspace } from './keyspace.js';
import { Load } from './load.js';

/** Each reads ahead. */
const collectionsAtOnce = 16;

export class LongLoads {
  readonly #timers: Timers;
  #reading = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Begins with the load of a key, which `read` makes. */
  begin(keyspace: Keyspace, name: string, read: () => Promise<unknown>): Load {
    const load = new Load();
    keyspace.loads.set(name, load);
    load.pin(keyspace, name);
    void this.#run(keyspace, name, load, read);
    return load;
  }

  async #run(keyspace: Keyspace, name: string, load: Load, read: () => Promise<unknown>): Promise<void> {
    if (this.#reading >= collectionsAtOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#reading++;
    try {
      await read();
      keyspace.loads.delete(name);
      load.resolve();
    } catch (error) {
      keyspace.loads.delete(name);
      load.reject(error);
    }
    this.#reading--;
    this.#waiting.shift()?.();
    load.unpinLater(this.#timers);
  }
}
