/**
 * Nothing is made durable, and all that is written is recorded: what is added to a snapshot that is taken meanwhile.
 * Grows with every write, so it is to be in use no longer than that takes.
 */
import { MutationWriter, type Storage } from '@holdfast/storage';
import type { Committer } from './committer.js';
import type { Fate } from './coordinator.js';
import type { KeptHistory } from './history/kept-history.js';
import { Wakeups } from './wakeups.js';

export class RecordingCommitter implements Committer {
  readonly committedVersion = Number.POSITIVE_INFINITY;
  readonly refusal = null;
  readonly position = 0;
  isHeld = false;
  isAbandoned = false;
  readonly #journal = new MutationWriter();
  #batches: Buffer[] = [];
  readonly #wakeups = new Wakeups();

  readonly #storage: Storage;
  readonly #history: KeptHistory | null;

  constructor(storage: Storage, history: KeptHistory | null = null) {
    this.#storage = storage;
    this.#history = history;
    storage.journal = this.#journal;
  }

  /** What was written since the last call, write by write. */
  take(): Buffer[] {
    this.settle();
    const batches = this.#batches;
    this.#batches = [];
    return batches;
  }

  settle(): void {
    const journal = this.#journal;
    if (this.isHeld || journal.length === 0) return;
    const batch = Buffer.from(journal.bytes.subarray(0, journal.length));
    this.#batches.push(batch);
    this.#history?.commits?.committed(batch, 0, this.#storage.stamp.last);
    journal.clear();
  }

  executed(): void {}

  onCommitted(): void {}

  hold(): void {
    this.isHeld = true;
  }

  release(): void {
    this.isHeld = false;
    this.settle();
    this.#wakeups.wake();
  }

  abandon(): void {
    this.isAbandoned = true;
    this.#wakeups.wake();
  }

  async drained(): Promise<void> {
    while (this.isHeld && !this.isAbandoned) await this.#wakeups.next();
  }

  fateOf(): Fate {
    return 'committed';
  }
}
