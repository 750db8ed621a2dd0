/**
 * Entries that a watch told of and nobody has read yet. Those that nobody reads make room for newer ones: what is not
 * here is read out of etcd.
 */
import { toldBytesMax } from './limits.js';
import type { Position } from './log.js';

export class ToldEntries {
  /** As they are stored in etcd. */
  readonly #entries = new Map<Position, Buffer>();
  #bytes = 0;

  note(position: Position, entry: Buffer): void {
    this.take(position);
    this.#entries.set(position, entry);
    this.#bytes += entry.length;
    for (const oldest of this.#entries.keys()) {
      if (this.#bytes <= toldBytesMax) break;
      this.take(oldest);
    }
  }

  /** The entry, which is no longer kept; null when it is not here. */
  take(position: Position): Buffer | null {
    const entry = this.#entries.get(position);
    if (entry === undefined) return null;
    this.#entries.delete(position);
    this.#bytes -= entry.length;
    return entry;
  }
}
