/**
 * The last commits of a server without a log, or of a replica, in memory: batches one after another in chunks outside the JavaScript
 * heap, of which the oldest makes room.
 *
 *     chunk    | length u32 | batch | length u32 | batch | ...        chunk | ...        chunk | ...
 *              '-- the versions in it are above those of the chunk before, up to `last`
 *
 * Begins with the first write after `oldest`; a restart forgets it.
 */
import type { Clock } from '@holdfast/common';
import { PositionWaiters } from '@holdfast/log';
import { BatchWrites } from '@holdfast/storage';
import { type HistoryBounds, versionOfAge } from './bounds.js';
import { compacted } from './errors.js';
import type { HistoryPage, KeptCommits, ReadLimit } from './history.js';
import { chunkBytesMax, chunksPerHistory, readLimitDefault } from './limits.js';
import { PageBuilder } from './page-builder.js';

interface Chunk {
  readonly bytes: Buffer;
  used: number;
  /** The highest version in it. */
  last: number;
}

const headBytes = 4;

export class MemoryHistory implements KeptCommits {
  oldest: number;
  newest: number;
  readonly #clock: Clock;
  readonly #bounds: () => HistoryBounds;
  readonly #writes = new BatchWrites();
  readonly #waiters = new PositionWaiters();
  /** The oldest first. */
  readonly #chunks: Chunk[] = [];
  #bytes = 0;

  /** `oldest` is above every version that was given so far, and below all to come. */
  constructor(clock: Clock, bounds: () => HistoryBounds, oldest: number) {
    this.#clock = clock;
    this.#bounds = bounds;
    this.oldest = oldest;
    this.newest = oldest;
  }

  /** Bytes of memory that it takes. */
  get bytes(): number {
    return this.#bytes;
  }

  committed(batch: Uint8Array, _position: number, version: number): void {
    if (version <= this.newest) return;
    const bounds = this.#bounds();
    const needed = headBytes + batch.length;
    if (needed > bounds.bytes) this.#dropAll(version);
    else this.#add(this.#roomFor(needed, bounds), batch, version);
    this.reached(version);
  }

  /** Everything up to this version was handed over, whether a write has it or not. */
  reached(version: number): void {
    if (version <= this.newest) return;
    this.newest = version;
    if (!this.#waiters.isEmpty) this.#waiters.wake(version);
  }

  async read(after: number, limit: ReadLimit = readLimitDefault): Promise<HistoryPage> {
    this.#dropOld(this.#bounds());
    if (after < this.oldest) throw compacted(after, this.oldest);
    const page = new PageBuilder(after, limit);
    for (const chunk of this.#chunks) {
      if (chunk.last <= after) continue;
      for (let at = 0; at < chunk.used; ) {
        const end = at + headBytes + chunk.bytes.readUInt32LE(at);
        const batch = chunk.bytes.subarray(at + headBytes, end);
        for (const write of this.#writes.of(batch)) {
          if (write.version <= after) continue;
          if (!page.takes(write)) return page.upTo(page.last);
          page.add(write, Buffer.from(batch.subarray(write.start, write.end)));
        }
        at = end;
      }
    }
    return page.upTo(Math.max(after, this.newest));
  }

  async waitBeyond(version: number, signal?: AbortSignal): Promise<void> {
    if (this.newest <= version) await this.#waiters.wait(version, signal);
  }

  end(): void {
    this.#dropAll(this.newest);
    this.#waiters.wakeAll();
  }

  #add(chunk: Chunk, batch: Uint8Array, version: number): void {
    chunk.bytes.writeUInt32LE(batch.length, chunk.used);
    chunk.bytes.set(batch, chunk.used + headBytes);
    chunk.used += headBytes + batch.length;
    chunk.last = version;
  }

  /** The chunk that goes on; the memory of one that is dropped is used again. */
  #roomFor(needed: number, bounds: HistoryBounds): Chunk {
    const current = this.#chunks.at(-1);
    if (current !== undefined && current.used + needed <= current.bytes.length) return current;
    this.#dropOld(bounds);
    const usual = Math.min(chunkBytesMax, Math.ceil(bounds.bytes / chunksPerHistory));
    const length = Math.max(usual, needed);
    let free: Buffer | null = null;
    while (this.#chunks.length > 0 && this.#bytes + length > bounds.bytes) free = this.#dropOldest();
    const bytes = free?.length === length ? free : Buffer.allocUnsafeSlow(length);
    const chunk = { bytes, used: 0, last: 0 };
    this.#chunks.push(chunk);
    this.#bytes += length;
    return chunk;
  }

  #dropOld(bounds: HistoryBounds): void {
    const tooOld = versionOfAge(this.#clock, bounds.seconds);
    while (this.#chunks.length > 0 && (this.#chunks[0].last <= tooOld || this.#bytes > bounds.bytes))
      this.#dropOldest();
  }

  #dropOldest(): Buffer {
    const { bytes, last } = this.#chunks.shift()!;
    this.#bytes -= bytes.length;
    this.oldest = last;
    return bytes;
  }

  #dropAll(version: number): void {
    while (this.#chunks.length > 0) this.#dropOldest();
    this.oldest = version;
  }
}
