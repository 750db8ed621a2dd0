/**
 * Records that are asked for one by one, and read many at once:
 *
 *     asked for   | a b c d | e f g h i j | ...      of one turn, or of the time that two reads take
 *     read          [ a b c d ]
 *                             [ e f g h i j ]
 *
 * Who asks for very many has a queue of its own: when both queues have any, they are read in turn.
 */
import type { Timers } from '@holdfast/common';
import type { Collection } from '../collection.js';
import type { Keyspace } from './keyspace.js';
import { Load } from './load.js';
import type { OrderedStore } from './ordered-store.js';

/**
 * So many reads go on at once, and what is asked for meanwhile gathers: fewer and larger ones. A key costs 23 us
 * of processor time when 10 are read at once by 4, 13 when 25 are by 2.
 */
const readsAtOnce = 2;
/** Records in one of them, so that a command of very many does not hold up the others. */
const recordsPerRead = 512;

export interface ReadQueueOptions {
  readonly store: OrderedStore;
  readonly timers: Timers;
}

/** What becomes of a load: `onRead` or `onFailure` before whoever waits for it goes on, `onEnd` then. */
export interface ReadQueueListener {
  readonly onRead: (load: Load, values: readonly (Uint8Array | undefined)[]) => void;
  readonly onFailure: (load: Load) => void;
  readonly onEnd: (load: Load) => void;
}

export class ReadQueue {
  readonly #options: ReadQueueOptions;
  readonly #listener: ReadQueueListener;
  /** To be read; the last one takes what is asked for. */
  readonly #few: Load[] = [];
  readonly #bulk: Load[] = [];
  #wasBulk = false;
  #isScheduled = false;
  /** Under way. */
  #reads = 0;
  readonly #startScheduled = (): void => {
    this.#isScheduled = false;
    this.#start();
  };

  constructor(options: ReadQueueOptions, listener: ReadQueueListener) {
    this.#options = options;
    this.#listener = listener;
  }

  /** Reads `record` with what else is asked for. `collection`: see `Load.add`. */
  add(
    keyspace: Keyspace,
    name: string,
    record: Buffer,
    collection: Collection | null,
    isBulk: boolean,
  ): Load {
    const queue = isBulk ? this.#bulk : this.#few;
    let load = queue.at(-1);
    if (load === undefined || load.names.length >= recordsPerRead) queue.push((load = new Load()));
    if (!this.#isScheduled && this.#reads < readsAtOnce) {
      this.#isScheduled = true;
      this.#options.timers.setImmediate(this.#startScheduled);
    }
    load.add(keyspace, name, record, collection);
    return load;
  }

  #start(): void {
    while (this.#reads < readsAtOnce) {
      const load = this.#next();
      if (load === undefined) return;
      void this.#run(load);
    }
  }

  #next(): Load | undefined {
    const isBulk = this.#few.length === 0 || (this.#bulk.length > 0 && !this.#wasBulk);
    this.#wasBulk = isBulk;
    return isBulk ? this.#bulk.shift() : this.#few.shift();
  }

  async #run(load: Load): Promise<void> {
    const { onRead, onFailure, onEnd } = this.#listener;
    this.#reads++;
    try {
      onRead(load, await this.#options.store.getMany(load.records));
      load.resolve();
    } catch (error) {
      onFailure(load);
      load.reject(error);
    }
    this.#reads--;
    this.#start();
    onEnd(load);
  }
}
