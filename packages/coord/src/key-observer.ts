/** Tells those who wait for keys, watch them, or keep them that a key changed; while there are any. */
import type { KV } from '@holdfast/engine';
import type { Database, Keyspace, KeyspaceObserver } from '@holdfast/storage';
import type { Tracking } from './tracking.js';
import { keyNameOf, type WaitQueues } from './wait-queues.js';
import type { Watches } from './watches.js';

export class KeyObserver implements KeyspaceObserver {
  readonly #kv: KV;
  readonly #waits: WaitQueues;
  readonly #watches: Watches;
  readonly #tracking: Tracking;

  constructor(kv: KV, waits: WaitQueues, watches: Watches, tracking: Tracking) {
    this.#kv = kv;
    this.#waits = waits;
    this.#watches = watches;
    this.#tracking = tracking;
  }

  /** Changes are reported only while somebody cares. */
  update(): void {
    const { storage } = this.#kv;
    const isNeeded = this.#waits.size > 0 || this.#watches.size > 0 || this.#tracking.size > 0;
    storage.observer = isNeeded ? this : null;
  }

  changed({ index }: Keyspace, bytes: Uint8Array, start: number, length: number): void {
    if (this.#tracking.size > 0) this.#tracking.changed(bytes, start, length);
    if (this.#waits.size === 0 && this.#watches.size === 0) return;
    const name = keyNameOf(index, bytes, start, length);
    this.#waits.signal(name);
    this.#watches.changed(name);
  }

  ready({ index }: Keyspace, bytes: Uint8Array, start: number, length: number): void {
    if (this.#waits.size > 0) this.#waits.signal(keyNameOf(index, bytes, start, length));
  }

  replaced(database: Database, by: Database | null): void {
    this.#watches.replaced(database, by, this.#kv.context.nowMs);
    this.#waits.signalDatabase(database.index);
    if (this.#tracking.size > 0) this.#tracking.replaced(database, by);
  }
}
