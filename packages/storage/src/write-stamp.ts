// @hot-path
import { KvError } from '@holdfast/common';

/** Where versions come from: the timestamp oracle. */
export interface VersionSource {
  next(count: number): number;
}

/**
 * The version of the write that is going on: taken from the source when the first change is made, and
 * shared by all changes until `reset`. A command that changes nothing takes no version.
 */
export class WriteStamp {
  /** 0 when the current command has changed nothing yet. */
  version = 0;
  /** The last version that was given to a write. */
  last = 0;
  /** How many changes commands made, those in transactions and scripts too: one each, or as many as it says. */
  writes = 0;
  /** Somebody who wants to know what a command changes cleared this before it, and there was a change since. */
  changed = false;
  source: VersionSource | null = null;

  current(): number {
    if (!this.changed) {
      this.changed = true;
      this.writes++;
    }
    if (this.version !== 0) return this.version;
    if (this.source === null) throw new KvError('INVALID', 'the storage has no source of versions');
    this.version = this.source.next(1);
    this.last = this.version;
    return this.version;
  }

  /** The next change belongs to another write. */
  reset(): void {
    this.version = 0;
  }

  /** Changes are stamped with a given version: for applying mutations, which were counted where they were made. */
  use(version: number): void {
    this.changed = true;
    this.version = version;
    if (version > this.last) this.last = version;
  }
}
