/**
 * The shards of a backup, each put together by itself before all of them come together:
 *
 *     s0    a  b  FLUSHALL (version 100)                 -->  nothing
 *     s1    c  FLUSHALL (version 90)  d (version 95)     -->  d
 *
 * What is said of a whole database (it was flushed, or swapped) is said of one shard's part of it: in one place with the
 * keys of the others, s0 would take `d` away. So where that may have been said, each shard has a place of its own for the
 * time, and what is in it at the end is passed on.
 */
import { rm } from 'node:fs/promises';
import type { Env } from '@holdfast/common';
import { LevelStorage } from '@holdfast/storage';
import { applyTo, cacheBytes } from './applying.js';

/** A batch, and the part of the backup that it belongs to. */
export interface PartBatch {
  readonly part: string;
  readonly batch: Uint8Array;
}

export interface ApartOptions {
  readonly env: Env;
  /** For the time, of this alone. */
  readonly directory: string;
  readonly parts: readonly string[];
  /** All that is known of these parts, from the beginning: asked for again for the next ones. */
  readonly batches: (parts: ReadonlySet<string>) => AsyncIterable<PartBatch>;
}

/** Each has a thread, and buffers of some MiB: beyond so many, the backup is read once more. */
const storesAtOnce = 8;

/** What is there of all parts at their end. Throws what `batches` throws. */
export async function* apart(options: ApartOptions): AsyncGenerator<Uint8Array, void, void> {
  const { directory, parts } = options;
  await rm(directory, { recursive: true, force: true });
  try {
    for (let i = 0; i < parts.length; i += storesAtOnce)
      yield* someApart(options, parts.slice(i, i + storesAtOnce));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function* someApart(
  { batches, directory, env }: ApartOptions,
  parts: readonly string[],
): AsyncGenerator<Uint8Array, void, void> {
  const stores = new Map<string, LevelStorage>();
  try {
    for (const part of parts) {
      const place = { directory: `${directory}/${part}`, env, cacheBytes: cacheBytes / parts.length };
      stores.set(part, await LevelStorage.open(place));
    }
    for await (const { batch, part } of batches(new Set(parts))) await applyTo(stores.get(part)!, batch);
    for (const store of stores.values()) {
      await store.flush();
      yield* store.snapshot();
    }
  } finally {
    for (const store of stores.values()) await store.close();
    await rm(directory, { recursive: true, force: true });
  }
}
