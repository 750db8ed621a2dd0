import { crc32 } from 'node:zlib';
import { KvError, type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { valueTypes } from '../collection.js';
import { copyKey } from '../copy-key.js';
import { pieceBytes, pieceCount } from '../large-string.js';
import { freshMemory } from '../testing/conformance/storage-case.js';
import { damagesIn } from '../testing/damages-in.js';
import { beginColdLife, beginLevelLife } from '../testing/level-life.js';
import { SimulatedContent } from '../testing/simulated-ordered-store.js';
import { bytesOfText, StorageDriver } from '../testing/storage-driver.js';
import { metaKey } from './disk-keys.js';
import { headBytes, seal, writeHead } from './disk-records.js';
import type { OrderedStore } from './ordered-store.js';

const { HOLDFAST_SEED } = process.env;
const seed = Number(HOLDFAST_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** More than lies with its key, and no whole number of pieces. */
const length = 20 * pieceBytes + 100;
const text = (letter: string, bytes = length): string => letter.repeat(bytes);
const name = (key: string) => ({ database: 0, key: bytesOfText(key) });

/** What is put from now on, in bytes. */
function putsOf(content: SimulatedContent): { bytes: number; max: number } {
  const puts = { bytes: 0, max: 0 };
  const put = content.put.bind(content);
  content.put = (key, value) => {
    puts.bytes += value.length;
    puts.max = Math.max(puts.max, value.length);
    put(key, value);
  };
  return puts;
}

const pieceNames = (content: SimulatedContent): string[] =>
  [...content.entries.keys()].filter((key) => key[0] === 'e');

/** The writes of batches to a store from now on: `write` gets the number of each, and how it is done. */
function interceptWrites(
  store: OrderedStore,
  write: (count: number, run: () => Promise<void>) => Promise<void>,
) {
  const { batch } = store;
  const writes = { count: 0 };
  store.batch = () => {
    const begun = batch.call(store);
    const run = begun.write.bind(begun);
    begun.write = () => write(++writes.count, run);
    return begun;
  };
  return writes;
}

describe('a large string on the disk', () => {
  it('was one value, of which LevelDB had several copies at once', async () => {
    const content = new SimulatedContent();
    const { driver, storage } = await beginLevelLife(content);
    const puts = putsOf(content);
    driver.set('k', text('a'));
    driver.settle();
    await storage.flush();
    expect(puts.max).toBeLessThan(2 * pieceBytes);
    expect(pieceNames(content)).toHaveLength(pieceCount(length));
  });

  it('was written as a whole for each byte that changed', async () => {
    const content = new SimulatedContent();
    const { driver, storage } = await beginLevelLife(content);
    driver.set('k', text('a'));
    driver.settle();
    await storage.flush();
    const puts = putsOf(content);
    driver.patch('k', 5 * pieceBytes - 1, 'bb');
    driver.patch('k', length, 'c');
    driver.settle();
    await storage.flush();
    expect(puts.bytes).toBeLessThan(4 * pieceBytes);
    driver.expire('k', 4e12);
    driver.settle();
    await storage.flush();
    expect(puts.bytes).toBeLessThan(4 * pieceBytes);
    const later = await beginLevelLife(content, driver.log);
    await later.driver.load(name('k'));
    const expected = `${text('a', 5 * pieceBytes - 1)}bb${text('a', length - 5 * pieceBytes - 1)}c`;
    expect(later.driver.get('k') === expected).toBe(true);
    puts.bytes = 0;
    later.driver.patch('k', 0, 'd');
    later.driver.settle();
    await later.storage.flush();
    expect(puts.bytes).toBeLessThan(2 * pieceBytes);
  });

  it('is read from the disk for a snapshot as well', async () => {
    const { storage } = await beginColdLife(({ driver }) => driver.set('k', text('a'), 4e12));
    const memory = freshMemory();
    let position = 0;
    for await (const batch of storage.snapshot()) memory.apply(batch, ++position);
    const copy = new StorageDriver(memory);
    expect(copy.get('k') === text('a')).toBe(true);
  });

  it('that changed and left memory again, since its head was read for a snapshot, was taken for damaged', async () => {
    const keys = Array.from({ length: 6 }, (_, i) => `k${i}`);
    const { driver, storage } = await beginColdLife((life) => {
      for (const key of keys) life.driver.set(key, text('a'));
    });
    const memory = freshMemory();
    let position = 0;
    for await (const batch of storage.snapshot()) {
      memory.apply(batch, ++position);
      if (position > 1) continue;
      for (const key of keys) {
        await driver.load(name(key));
        driver.patch(key, length, text('b'));
      }
      driver.settle();
      await storage.flush();
      storage.cacheBytes = 1;
      while (!storage.letGoSome(100));
      expect(storage.database(0).size).toBe(0);
    }
    const copy = new StorageDriver(memory);
    for (const key of keys) expect(copy.get(key) === text('a') + text('b'), key).toBe(true);
  });

  it('that has lost a piece is damaged', async () => {
    const content = new SimulatedContent();
    const { driver, storage } = await beginLevelLife(content);
    driver.set('k', text('a'));
    driver.settle();
    await storage.flush();
    for (const piece of pieceNames(content)) {
      const value = content.entries.get(piece)!;
      content.delete(Buffer.from(piece, 'latin1'));
      const later = await beginLevelLife(content, driver.log);
      await expect(later.driver.load(name('k'))).rejects.toMatchObject({ code: 'CORRUPT' });
      expect((await damagesIn(content)).join()).toMatch(/has lost a part/);
      content.put(Buffer.from(piece, 'latin1'), value);
    }
    expect(await damagesIn(content)).toEqual([]);
  });

  it('leaves no pieces when it is put again, and the process was killed before that was written', async () => {
    const content = new SimulatedContent();
    const { driver, storage } = await beginLevelLife(content);
    driver.set('k', text('a'));
    driver.settle();
    await storage.flush();
    driver.set('k', 'b');
    driver.settle();
    const later = await beginLevelLife(content, driver.log);
    await later.storage.flush();
    await later.storage.swept();
    expect(pieceNames(content)).toEqual([]);
  });

  it('leaves no pieces when the process was killed before its head was written', async () => {
    const content = new SimulatedContent();
    const { driver, storage, store } = await beginLevelLife(content);
    const large = 20 * 1024 * 1024;
    driver.set('k', text('a', large));
    driver.settle();
    // The last batch has the head: the three before list the pieces, and have them.
    const writes = interceptWrites(store, (count, run) => (count < 4 ? run() : new Promise(() => {})));
    void storage.flush();
    await expect.poll(() => writes.count).toBe(4);
    expect(pieceNames(content)).toHaveLength(pieceCount(large));
    expect(await damagesIn(content)).toEqual([]);
    const later = await beginLevelLife(content);
    await later.storage.swept();
    expect(pieceNames(content)).toEqual([]);
    later.driver.change('set', 's', (set) => set.add(bytesOfText('m'), 0, 1));
    later.driver.settle();
    await later.storage.flush();
    expect(await damagesIn(content)).toEqual([]);
  });

  it('lost its pieces where the disk failed behind its head, and the process was killed while that was written again', async () => {
    const content = new SimulatedContent();
    const { driver, env, storage, store } = await beginLevelLife(content);
    const large = 20 * 1024 * 1024;
    driver.set('k', text('a', large));
    driver.settle();
    interceptWrites(store, async (count, run) => {
      // What comes behind the fourth, which has the head, is the second attempt: its first batch comes to the disk.
      if (count > 5) return new Promise(() => {});
      await run();
      if (count === 4) throw new KvError('DISK', 'No space left on device');
    });
    const flushing = storage.flush();
    await expect(flushing).rejects.toThrow('No space');
    env.advance(1000);
    for (let turns = 0; turns < 20; turns++) await new Promise<void>((resolve) => setImmediate(resolve));
    const left = content.copy();
    expect(await damagesIn(left)).toEqual([]);
    const later = await beginLevelLife(left, driver.log);
    await later.storage.swept();
    await later.driver.load(name('k'));
    expect(later.driver.get('k') === text('a', large)).toBe(true);
    expect(await damagesIn(left)).toEqual([]);
  });

  it('is written anew where much of it changed', async () => {
    const content = new SimulatedContent();
    const { driver, storage, store } = await beginLevelLife(content);
    const large = 20 * 1024 * 1024;
    driver.set('k', text('a', large));
    driver.settle();
    await storage.flush();
    const { writes } = store;
    driver.patch('k', 0, text('b', large));
    driver.settle();
    await storage.flush();
    await storage.swept();
    expect(store.writes - writes).toBeGreaterThan(3);
    expect(pieceNames(content)).toHaveLength(pieceCount(large));
    const later = await beginLevelLife(content, driver.log);
    await later.driver.load(name('k'));
    expect(later.driver.get('k') === text('b', large)).toBe(true);
  });

  it('of the format before is read, and put in pieces when it changes', async () => {
    const content = new SimulatedContent();
    const { driver, storage } = await beginLevelLife(content);
    driver.set('k', 'a small one');
    driver.settle();
    await storage.flush();
    const [headName] = [...content.entries.keys()].filter((key) => key[0] === 'd');
    const headKey = Buffer.from(headName, 'latin1');
    const head = Buffer.alloc(4 + headBytes(0, 0) + length, 'a');
    writeHead(head, 4, valueTypes.string, 0, storage.stamp.last, 0, 0);
    seal(headKey, 0, headKey.length, head, 0, head.length);
    content.put(headKey, head);
    const format = `holdfast level 3 ${/^holdfast level \d (\S+)/.exec(content.get(metaKey('format'))!.toString())![1]}`;
    const sum = crc32(format).toString(16).padStart(8, '0');
    content.put(metaKey('format'), Buffer.from(`${format} ${sum}\n`));
    const later = await beginLevelLife(content, driver.log);
    expect(content.get(metaKey('format'))!.toString()).toMatch(/^holdfast level 4 /);
    await later.driver.load(name('k'));
    expect(later.driver.get('k') === text('a')).toBe(true);
    later.driver.patch('k', 0, 'b');
    later.driver.settle();
    await later.storage.flush();
    expect(pieceNames(content)).toHaveLength(pieceCount(length));
    expect(content.get(headKey)!.length).toBeLessThan(100);
    expect(await damagesIn(content)).toEqual([]);
  });
});

/** So much that its pieces are written before it. */
const larger = 17 * 1024 * 1024;

/** What there should be, after each write. */
class Model {
  readonly strings = new Map<string, string>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  async next(driver: StorageDriver): Promise<void> {
    const [key, other] = [this.#key(), this.#key()];
    await driver.load(name(key), name(other));
    const { strings } = this;
    const old = strings.get(key);
    const letter = String.fromCharCode(97 + this.#below(26));
    switch (this.#below(9)) {
      case 0:
      case 1: {
        const value = text(letter, [this.#below(100), length + this.#below(100_000), larger][this.#below(3)]);
        driver.set(key, value, this.#below(2) * 4e12);
        strings.set(key, value);
        return;
      }
      case 2:
        driver.delete(key);
        strings.delete(key);
        return;
      case 3:
        driver.rename(key, other);
        if (old === undefined || key === other) return;
        strings.delete(key);
        strings.set(other, old);
        return;
      case 4:
        driver.expire(key, this.#below(2) * 4e12);
        return;
      case 5:
        if (old === undefined || strings.has(other)) return;
        driver.write((db) => {
          const [from, to] = [bytesOfText(key), bytesOfText(other)];
          copyKey(db, db.find(from, 0, from.length), db, to, 0, to.length);
        });
        strings.set(other, old);
        return;
      default: {
        const value = text(letter, 1 + this.#below(2 * pieceBytes));
        const at = this.#below((old?.length ?? 0) + 1000);
        driver.patch(key, at, value);
        const before = (old ?? '').slice(0, at).padEnd(at, '\0');
        strings.set(key, before + value + (old ?? '').slice(at + value.length));
      }
    }
  }

  #key(): string {
    return `key ${this.#below(3)}`;
  }

  #below(bound: number): number {
    return randomBelow(this.#random, bound);
  }
}

it(`large strings are what they were, over lives that end anywhere (HOLDFAST_SEED=${seed})`, async () => {
  const random = new SeededRandom(seed);
  const model = new Model(random);
  let content = new SimulatedContent();
  const log: Buffer[] = [];
  for (let life = 0; life < 12; life++) {
    const { driver, env, storage, store } = await beginLevelLife(content, log);
    // Not before: who applies a log waits for the disk, and here time stands still.
    storage.cacheBytes = life % 3 === 0 ? 1 << 20 : 0;
    store.mayHaveWritten = true;
    const flush = async (): Promise<void> => {
      let isFlushed = false;
      while (!isFlushed) {
        const flushing = storage.flush().then(
          () => {
            isFlushed = true;
          },
          () => {},
        );
        let isOver = false;
        void flushing.then(() => {
          isOver = true;
        });
        // What failed is tried again after a while.
        while (!isOver) {
          env.advance(1000);
          await new Promise<void>((resolve) => setImmediate(resolve));
        }
      }
    };
    for (let i = randomBelow(random, 25); i >= 0; i--) {
      await model.next(driver);
      if (randomBelow(random, 2) === 0) driver.settle();
      if (randomBelow(random, 8) > 0) continue;
      driver.settle();
      store.failingWrites = randomBelow(random, 3);
      await flush();
    }
    driver.settle();
    for (const key of ['key 0', 'key 1', 'key 2']) {
      await driver.load(name(key));
      expect(driver.get(key) === (model.strings.get(key) ?? null), `${key} in life ${life}`).toBe(true);
    }
    if (life % 4 === 3) {
      await flush();
      await storage.swept();
      expect(await damagesIn(content)).toEqual([]);
    }
    // Some end while a set is written, for the first time or again: what is being written then never comes to the disk.
    if (randomBelow(random, 2) === 0) {
      store.failingWrites = randomBelow(random, 3);
      void storage.flush().catch(() => {});
      for (let turns = randomBelow(random, 400); turns > 0; turns--) {
        env.advance(10);
        await new Promise<void>((resolve) => setImmediate(resolve));
      }
    }
    content = content.copy();
    expect(await damagesIn(content)).toEqual([]);
  }
});
