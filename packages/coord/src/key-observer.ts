/** Tells those who wait for keys and those who watch them that a key changed; while there are any. */
import type { KV } from '@holdfast/engine';
import type { Database, KeyspaceObserver } from '@holdfast/storage';
import { keyNameOf, type WaitQueues } from './wait-queues.js';
import type { Watches } from './watches.js';

export class KeyObserver implements KeyspaceObserver {
  readonly #kv: KV;
  readonly #waits: WaitQueues;
  readonly #watches: Watches;

  constructor(kv: KV, waits: WaitQueues, watches: Watches) {
    this.#kv = kv;
    this.#waits = waits;
    this.#watches = watches;
  }

  /** Changes are reported only while somebody cares. */
  update(): void {
    const { storage } = this.#kv;
    storage.observer = this.#waits.size > 0 || this.#watches.size > 0 ? this : null;
  }

  changed(database: Database, bytes: Uint8Array, start: number, length: number): void {
    const name = keyNameOf(database.index, bytes, start, length);
    this.#waits.signal(name);
    this.#watches.changed(name);
  }

  replaced(database: Database, by: Database | null): void {
    this.#watches.replaced(database, by, this.#kv.context.nowMs);
    this.#waits.signalDatabase(database.index);
  }
}
