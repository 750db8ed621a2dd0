/**
 * What one file of a SimulatedDisk is made of; survives renames. What was written since the last sync is kept as the
 * writes that it came in, so that a power cut may take any part of it:
 *
 *     sectors   of each sector some of its writes arrived, independently of the others; the last one may be torn
 *     end       what was written up to a random moment, and a part of the write after that
 *     garbage   as sectors; where nothing arrived, within a file that grew, is what the disk had there before
 */
import { type Random, randomBelow } from '@holdfast/common';

const sectorBytes = 512;

export type PowerLoss = 'sectors' | 'end' | 'garbage';

const losses: readonly PowerLoss[] = ['sectors', 'end', 'garbage'];

/** `bytes` null: the size alone changed, to `size`. */
interface Change {
  readonly at: number;
  readonly bytes: Uint8Array | null;
  readonly size: number;
}

/** Bytes that grow, in steps. Zeros beyond `size`. */
class Content {
  bytes = new Uint8Array(0);
  size = 0;

  apply({ at, bytes, size }: Change): void {
    this.resize(size);
    if (bytes !== null) this.bytes.set(bytes, at);
  }

  resize(size: number): void {
    if (size > this.bytes.length) {
      const grown = new Uint8Array(Math.max(size, this.bytes.length * 2, 4096));
      grown.set(this.bytes.subarray(0, this.size));
      this.bytes = grown;
    }
    if (size < this.size) this.bytes.fill(0, size, this.size);
    this.size = size;
  }
}

export class SimulatedFile {
  #current = new Content();
  #durable = new Content();
  /** Since the last sync, in order. */
  #pending: Change[] = [];

  get size(): number {
    return this.#current.size;
  }

  /** As readers see it, up to `size`. */
  get bytes(): Uint8Array {
    return this.#current.bytes;
  }

  get pending(): readonly Change[] {
    return this.#pending;
  }

  /** `bytes` null: the size alone changes. */
  change(at: number, bytes: Uint8Array | null, size: number): void {
    // Not `slice`: of a Buffer that is a view, not a copy.
    const change = { at, bytes: bytes === null ? null : new Uint8Array(bytes), size };
    this.#current.apply(change);
    this.#pending.push(change);
  }

  /** Makes the first `count` pending changes durable. */
  settle(count: number): void {
    for (const change of this.#pending.splice(0, count)) this.#durable.apply(change);
  }

  /** A sync failed that covered these: their pages count as clean, and no later sync will try them again. */
  abandon(changes: readonly Change[]): void {
    this.#pending = this.#pending.filter((change) => !changes.includes(change));
  }

  /** Turns one bit of what is stored. */
  flipBit(at: number, bit: number): void {
    this.#current.bytes[at] ^= 1 << bit;
    if (at < this.#durable.size) this.#durable.bytes[at] ^= 1 << bit;
  }

  /** The power goes: some of what is pending arrives. `loss` null: in one of the ways, by chance. */
  crash(random: Random, loss: PowerLoss | null): void {
    const way = loss ?? losses[randomBelow(random, losses.length)];
    if (way === 'end') this.#loseEnd(random);
    else this.#loseSectors(random, way === 'garbage');
    this.#current = new Content();
    this.#current.apply({
      at: 0,
      bytes: this.#durable.bytes.slice(0, this.#durable.size),
      size: this.#durable.size,
    });
    this.#pending = [];
  }

  #loseEnd(random: Random): void {
    this.settle(randomBelow(random, this.#pending.length + 1));
    const torn = this.#pending.at(0);
    if (torn === undefined || torn.bytes === null) return;
    const bytes = torn.bytes.subarray(0, randomBelow(random, torn.bytes.length + 1));
    this.#durable.apply({ at: torn.at, bytes, size: Math.max(this.#durable.size, torn.at + bytes.length) });
  }

  #loseSectors(random: Random, hasGarbage: boolean): void {
    const sizeCount = randomBelow(random, this.#pending.length + 1);
    const size = sizeCount === 0 ? this.#durable.size : this.#pending[sizeCount - 1].size;
    const sizeBefore = this.#durable.size;
    const after = this.#durable;
    after.resize(this.#pending.reduce((most, change) => Math.max(most, change.size), sizeBefore));
    if (hasGarbage) for (let at = sizeBefore; at < after.size; at++) after.bytes[at] = random.uint32();
    for (const writes of this.#pendingBySector().values()) {
      const arrived = randomBelow(random, writes.length + 1);
      for (let i = 0; i < arrived; i++) {
        const { start, bytes } = writes[i];
        const isTorn = i === arrived - 1 && randomBelow(random, 8) === 0;
        after.bytes.set(isTorn ? bytes.subarray(0, randomBelow(random, bytes.length)) : bytes, start);
      }
    }
    after.resize(size);
  }

  #pendingBySector(): Map<number, { start: number; bytes: Uint8Array }[]> {
    const sectors = new Map<number, { start: number; bytes: Uint8Array }[]>();
    for (const { at, bytes } of this.#pending) {
      for (let done = 0; bytes !== null && done < bytes.length; ) {
        const start = at + done;
        const length = Math.min(bytes.length - done, sectorBytes - (start % sectorBytes));
        const sector = Math.floor(start / sectorBytes);
        const writes = sectors.get(sector) ?? [];
        writes.push({ start, bytes: bytes.subarray(done, done + length) });
        sectors.set(sector, writes);
        done += length;
      }
    }
    return sectors;
  }
}
