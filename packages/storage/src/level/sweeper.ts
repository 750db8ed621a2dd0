/**
 * Clears, in the background, what nothing on the disk points at any more: the elements of collections that
 * lost their key, and the heads of databases that were flushed. Each is listed on the disk until it is
 * cleared, so a crash loses none. Its room is taken back, too.
 */
import { DeadRoom, elementsOf } from './dead-room.js';
import {
  expiryKeyOf,
  numberKey32,
  numberKey64,
  prefixes,
  prefixKey,
  readUint32,
  readUint64,
} from './disk-keys.js';
import { type Head, readHead } from './disk-records.js';
import type { OrderedBatch, OrderedStore } from './ordered-store.js';

/** Orphans that are taken off the list together, and heads that are removed together. */
const orphansPerBatch = 64;
const headsPerBatch = 500;

export class Sweeper {
  readonly #store: OrderedStore;
  readonly #dead: DeadRoom;
  readonly #orphans = new Set<number>();
  readonly #generations = new Set<number>();
  #running: Promise<void> | null = null;
  #isClosed = false;

  constructor(store: OrderedStore) {
    this.#store = store;
    this.#dead = new DeadRoom(store);
  }

  /** Takes up what an earlier life left: `nextIncarnation` is the first of this one, which may be listed before it has a key. */
  start(nextIncarnation: number): void {
    this.#run(async () => {
      for await (const key of this.#list(prefixes.orphan)) {
        const incarnation = readUint64(key, 1);
        if (incarnation < nextIncarnation) this.#orphans.add(incarnation);
      }
      for await (const key of this.#list(prefixes.generation)) this.#generations.add(readUint32(key, 1));
    });
  }

  /** A write set is on the disk that lists these. */
  add(orphans: readonly number[], generations: readonly number[]): void {
    for (const incarnation of orphans) this.#orphans.add(incarnation);
    for (const generation of generations) this.#generations.add(generation);
    this.#run(async () => {});
  }

  get isIdle(): boolean {
    return this.#running === null;
  }

  /** Resolves when nothing is left to be cleared, or the disk failed. */
  async idle(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.idle();
  }

  #run(first: () => Promise<void>): void {
    if (this.#running !== null || this.#isClosed) return;
    const sweeping = async () => {
      try {
        await first();
        while (!this.#isClosed && this.#hasWork) {
          await this.#sweepOrphans();
          await this.#sweepGeneration();
          await this.#dead.reclaim(() => this.#isClosed);
        }
      } catch {
        // A failing disk is the writer's matter: what is listed is tried again after its next success.
      } finally {
        // In one go with the last look at what is left: what comes later begins anew.
        this.#running = null;
      }
    };
    this.#running = sweeping();
  }

  get #hasWork(): boolean {
    return this.#orphans.size > 0 || this.#generations.size > 0;
  }

  async *#list(prefix: number): AsyncGenerator<Uint8Array> {
    const range = this.#store.range(prefixKey(prefix), prefixKey(prefix + 1));
    try {
      for (;;) {
        const entries = await range.next(1000);
        if (entries.length === 0) return;
        for (const [key] of entries) yield key;
      }
    } finally {
      await range.close();
    }
  }

  async #sweepOrphans(): Promise<void> {
    const swept: number[] = [];
    for (const incarnation of this.#orphans) {
      if (swept.length === orphansPerBatch) break;
      swept.push(incarnation);
    }
    if (swept.length === 0) return;
    await this.#clear(swept);
    const batch = this.#store.batch();
    for (const incarnation of swept) batch.delete(numberKey64(prefixes.orphan, incarnation));
    await batch.write();
    for (const incarnation of swept) this.#orphans.delete(incarnation);
  }

  /** Removes some heads of a dead generation, and what belongs to them. */
  async #sweepGeneration(): Promise<void> {
    const [generation] = this.#generations;
    if (generation === undefined) return;
    const { head } = prefixes;
    const range = this.#store.range(numberKey32(head, generation), numberKey32(head, generation + 1));
    const heads = await range.next(headsPerBatch).finally(() => range.close());
    const batch = this.#store.batch();
    const incarnations: number[] = [];
    for (const [key, value] of heads) this.#removeHead(batch, incarnations, key, value);
    if (incarnations.length > 0) await this.#clear(incarnations);
    if (heads.length === 0) batch.delete(numberKey32(prefixes.generation, generation));
    await batch.write();
    if (heads.length === 0) this.#generations.delete(generation);
  }

  async #clear(incarnations: readonly number[]): Promise<void> {
    await this.#store.clear(incarnations.map((incarnation) => elementsOf(incarnation)));
    await this.#dead.add(incarnations);
  }

  #removeHead(batch: OrderedBatch, incarnations: number[], key: Uint8Array, value: Uint8Array): void {
    batch.delete(key);
    let head: Head;
    try {
      head = readHead(key, value);
    } catch {
      // Damaged, and nobody wants it any more.
      return;
    }
    if (head.expiryMs !== 0) batch.delete(expiryKeyOf(key, head.expiryMs));
    if (head.incarnation !== 0) incarnations.push(head.incarnation);
  }
}
