import { KvError } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { farFuture, stateOfLog } from '../testing/conformance/storage-case.js';
import { stateOf } from '../testing/digest.js';
import { beginLevelLife, type LevelLife, levelEnv } from '../testing/level-life.js';
import { type ChosenWrite, RandomWrites } from '../testing/random-writes.js';
import {
  SeededScheduler,
  SimulatedContent,
  SimulatedOrderedStore,
} from '../testing/simulated-ordered-store.js';
import { bytesOfText, StorageDriver } from '../testing/storage-driver.js';
import { numberKey64, prefixes } from './disk-keys.js';
import { LevelStorage } from './level-storage.js';

/** Virtual time, but what only waits for the next turn of the loop gets it. */
/** Keys of the disk that begin with a letter. */
function keysOf(content: SimulatedContent, letter: string): string[] {
  return [...content.entries.keys()].filter((name) => name.startsWith(letter));
}

function fillHash(driver: StorageDriver, key: string, count: number, database = 0): void {
  driver.change(
    'hash',
    key,
    (hash) => {
      for (let i = 0; i < count; i++) {
        const field = bytesOfText(`field ${i}`);
        hash.set(field, 0, field.length, field, 0, field.length);
      }
    },
    database,
  );
}

describe('LevelStorage', () => {
  it('after the death of the process, disk and log together are the state', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const random = new SeededRandom(seed);
      const content = new SimulatedContent();
      const log: Buffer[] = [];
      for (let life = 0; life < 4; life++) {
        const { storage, driver } = await beginLevelLife(content, log);
        const writes = new RandomWrites(driver, random, {
          keys: 40,
          databases: 3,
          wholesale: true,
          partial: true,
        });
        for (let turn = 0; turn < 60; turn++) {
          for (let i = random.uint32() % 4; i >= 0; i--) await writes.next();
          driver.settle();
          if (random.uint32() % 5 === 0) await storage.flush();
        }
      }
      const { storage } = await beginLevelLife(content, log);
      expect(await stateOf(storage), `seed ${seed}`).toEqual(await stateOfLog(log));
    }
  });

  it('in whatever order the disk answers, and whenever the process dies', async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const random = new SeededRandom(1000 + seed);
      const content = new SimulatedContent();
      const log: Buffer[] = [];
      for (let life = 0; life < 4; life++) await liveAndDie(content, log, random);
      const { storage } = await beginLevelLife(content, log);
      expect(await stateOf(storage), `seed ${seed}`).toEqual(await stateOfLog(log));
    }
  });

  it('opening reads no key', async () => {
    const content = new SimulatedContent();
    const first = await beginLevelLife(content);
    for (let i = 0; i < 100; i++) first.driver.set(`key ${i}`, 'x');
    first.driver.settle();
    await first.storage.flush();
    const { storage } = await beginLevelLife(content, first.driver.log);
    expect([storage.keyCount(0), storage.database(0).size]).toEqual([100, 0]);
  });

  it('a write to one field of a large hash writes two records', async () => {
    const content = new SimulatedContent();
    const { storage, driver } = await beginLevelLife(content);
    fillHash(driver, 'h', 1000);
    driver.settle();
    await storage.flush();
    const before = new Map(content.entries);
    driver.change('hash', 'h', (hash) => hash.set(bytesOfText('field 5'), 0, 7, bytesOfText('new'), 0, 3));
    driver.settle();
    await storage.flush();
    const changed = [...content.entries].filter(([name, value]) => before.get(name) !== value);
    // The field, the head, the state, and its mark.
    expect(changed.map(([name]) => name[0]).sort()).toEqual(['d', 'e', 'm', 'm']);
  });

  it('a change at the end of a long list writes its last node', async () => {
    const content = new SimulatedContent();
    const { storage, driver } = await beginLevelLife(content);
    const push = (count: number) => {
      driver.change('list', 'l', (list) => {
        for (let i = 0; i < count; i++) list.pushOne(1, Buffer.alloc(100, 97), 0, 100);
      });
      driver.settle();
    };
    push(2000);
    await storage.flush();
    const before = new Map(content.entries);
    expect(keysOf(content, 'e').length).toBeGreaterThan(20);
    push(1);
    await storage.flush();
    const changed = [...content.entries].filter(([name, value]) => before.get(name) !== value);
    expect(changed.length).toBeLessThanOrEqual(4);
  });

  it('what is read from memory late is found under the new name of its key', async () => {
    const content = new SimulatedContent();
    const first = await beginLevelLife(content);
    const field = bytesOfText('f');
    first.driver.change('hash', 'h', (hash) => {
      hash.set(field, 0, 1, field, 0, 1);
      hash.setExpiry(hash.table.find(field, 0, 1), field, 0, 1, farFuture);
    });
    first.driver.rename('h', 'renamed');
    first.driver.settle();
    await first.storage.flush();
    const before = await stateOf(first.storage);
    const { storage } = await beginLevelLife(content, first.driver.log);
    expect(storage.durablePosition).toBe(first.driver.log.length);
    expect(await stateOf(storage)).toEqual(before);
  });

  it('writes of one key are written once', async () => {
    const content = new SimulatedContent();
    const { storage, driver, store } = await beginLevelLife(content);
    const writes = store.writes;
    for (let i = 0; i < 500; i++) {
      driver.set('a', String(i));
      driver.settle();
    }
    await storage.flush();
    expect(store.writes - writes).toBe(1);
    expect(keysOf(content, 'd').length).toBe(1);
  });

  it('what nobody can reach is cleared: elements of removed keys, flushed databases, expiries', async () => {
    const content = new SimulatedContent();
    const { storage, driver } = await beginLevelLife(content);
    fillHash(driver, 'removed', 300);
    fillHash(driver, 'replaced', 300);
    fillHash(driver, 'kept', 10);
    fillHash(driver, 'flushed', 300, 1);
    driver.set('expiring', 'x', 4e12, 1);
    driver.settle();
    await storage.flush();
    driver.delete('removed');
    driver.set('replaced', 'string');
    driver.rename('kept', 'moved');
    driver.flushDatabase(1);
    driver.settle();
    await storage.flush();
    await storage.swept();
    expect(keysOf(content, 'e').length).toBe(10);
    expect(keysOf(content, 'd').length).toBe(2);
    for (const letter of ['x', 'o', 'g']) expect(keysOf(content, letter)).toEqual([]);
  });

  it('what was to be cleared when the process died is cleared in the next life', async () => {
    const content = new SimulatedContent();
    const first = await beginLevelLife(content);
    fillHash(first.driver, 'a', 50);
    fillHash(first.driver, 'b', 50, 1);
    first.driver.settle();
    await first.storage.flush();
    // Dies between the write that lists the orphans and their being cleared.
    const store = first.store;
    store.clear = () => new Promise(() => {});
    first.driver.delete('a');
    first.driver.flushDatabase(1);
    first.driver.settle();
    await first.storage.flush();
    expect(keysOf(content, 'e').length).toBe(100);
    const { storage } = await beginLevelLife(content, first.driver.log);
    await storage.swept();
    // Format, state, and the mark of the last batch.
    expect(content.entries.size).toBe(3);
  });

  it('a flush that is asked for within a turn is not put off until a set is written anyway', async () => {
    const { storage, driver } = await beginLevelLife(new SimulatedContent());
    driver.set('a', '1');
    driver.settle();
    driver.set('b', '2');
    const flushed = storage.flush();
    driver.settle();
    await flushed;
    expect(storage.durablePosition).toBe(2);
  });

  it('a collection that lived shorter than a write leaves nothing', async () => {
    const content = new SimulatedContent();
    const { storage, driver } = await beginLevelLife(content);
    fillHash(driver, 'a', 100);
    driver.settle();
    driver.delete('a');
    driver.settle();
    await storage.flush();
    expect([...content.entries.keys()].filter((name) => /^[eox]/.test(name))).toEqual([]);
  });

  it('keys and fields as long as they may be', async () => {
    const content = new SimulatedContent();
    const first = await beginLevelLife(content);
    const long = 'k'.repeat(0xfffff);
    first.driver.set(long, 'x', 4e12);
    first.driver.change('set', 's', (set) => set.add(bytesOfText(long), 0, long.length));
    first.driver.settle();
    await first.storage.flush();
    const state = await stateOf(first.storage);
    const { storage, driver } = await beginLevelLife(content, first.driver.log);
    expect(await stateOf(storage)).toEqual(state);
    driver.delete(long);
    driver.delete('s');
    driver.settle();
    await storage.flush();
    await storage.swept();
    // Format, state, and the mark of the last batch.
    expect(content.entries.size).toBe(3);
  });
});

describe('a scan over keys that are not in memory', () => {
  async function coldKeys(): Promise<LevelLife> {
    const content = new SimulatedContent();
    const first = await beginLevelLife(content);
    for (let i = 0; i < 50; i++) first.driver.set(`cold ${i}`, 'x');
    first.driver.settle();
    await first.storage.flush();
    return beginLevelLife(content, first.driver.log);
  }

  /** A whole scan, whose first page may have been prepared by another one. */
  async function scan(storage: LevelStorage): Promise<Set<string>> {
    const seen = new Set<string>();
    let cursor = 0;
    do {
      await storage.prepareScan(0, cursor, 20);
      cursor = storage.scanPage(0, cursor, 20, (ref) => {
        const { arena, dict } = storage.database(0);
        const start = dict.keyStart(ref);
        seen.add(arena.chunk(ref).toString('latin1', start, start + dict.keyLength(ref)));
      });
    } while (cursor !== 0);
    return seen;
  }

  function setMany({ driver }: LevelLife, name: string): void {
    for (let i = 0; i < 50; i++) driver.set(`${name} ${i}`, 'x');
  }

  it('visits keys that are not on the disk yet', async () => {
    const life = await coldKeys();
    setMany(life, 'pending');
    life.driver.settle();
    expect((await scan(life.storage)).size).toBe(100);
  });

  it('visits keys that came after another scan had prepared its page', async () => {
    const life = await coldKeys();
    const { storage, driver } = life;
    const preparing = storage.prepareScan(0, 0, 20);
    setMany(life, 'early');
    driver.settle();
    await preparing;
    setMany(life, 'late');
    driver.settle();
    await storage.flush();
    expect(storage.prepareScan(0, 0, 20)).toBeNull();
    expect((await scan(storage)).size).toBe(150);
  });

  it('visits keys that were written in the same turn', async () => {
    const life = await coldKeys();
    const { storage, driver } = life;
    await storage.prepareScan(0, 0, 20);
    setMany(life, 'unstaged');
    for (let i = 0; i < 50; i++) driver.rename(`unstaged ${i}`, `moved ${i}`);
    const seen = await scan(storage);
    for (let i = 0; i < 50; i++) expect(seen).toContain(`moved ${i}`);
  });

  it('is not continued by a page that nobody prepared', async () => {
    const { storage } = await coldKeys();
    expect(() => storage.scanPage(0, 0, 10, () => {})).toThrow(KvError);
  });
});

it('a command may name more absent keys than are remembered', async () => {
  const content = new SimulatedContent();
  const before = await beginLevelLife(content);
  before.driver.set('there', 'x');
  before.driver.settle();
  await before.storage.flush();
  const { storage } = await beginLevelLife(content, before.driver.log);
  const keys = Array.from({ length: 50_000 }, (_, i) => bytesOfText(`absent ${i}`));
  await storage.load(keys.map((key) => ({ database: 0, key })));
  expect(keys.every((key) => storage.isResident(0, key, 0, key.length))).toBe(true);
});

describe('a write set', () => {
  it('holds nothing of a turn that is going on', async () => {
    const content = new SimulatedContent();
    const { storage, driver, env } = await beginLevelLife(content);
    driver.set('a', 'first ');
    driver.settle();
    await storage.flush();
    driver.patch('a', 0, 'staged');
    driver.settle();
    driver.patch('a', 0, 'unstag');
    env.advance(60);
    for (let i = 0; i < 5; i++) await new Promise(setImmediate);
    driver.stage();
    env.advance(60);
    for (let i = 0; i < 5; i++) await new Promise(setImmediate);
    const next = await beginLevelLife(content, driver.log.slice(0, 2));
    await next.driver.load({ database: 0, key: bytesOfText('a') });
    expect(next.driver.get('a')).toBe('staged');
  });

  it('is written after a while, without being asked', async () => {
    const { storage, driver, env } = await beginLevelLife(new SimulatedContent());
    driver.set('a', '1');
    driver.settle();
    env.advance(9999);
    expect(storage.durablePosition).toBe(0);
    env.advance(1);
    for (let i = 0; i < 5; i++) await new Promise(setImmediate);
    expect(storage.durablePosition).toBe(1);
  });
});

/** Random writes and loads, while the disk answers in random order, up to a death at any moment. */
async function liveAndDie(content: SimulatedContent, log: Buffer[], random: SeededRandom): Promise<void> {
  const env = levelEnv();
  const scheduler = new SeededScheduler(random);
  const store = new SimulatedOrderedStore(content, scheduler);
  const storage = await scheduler.run(LevelStorage.over(store, env, 'simulated'));
  const driver = new StorageDriver(storage, log);
  await scheduler.run(driver.recover());
  const writes = new RandomWrites(driver, random, { keys: 40, databases: 3, wholesale: true });
  let waiting: ChosenWrite[] = [];
  for (let turn = 0; turn < 80; turn++) {
    for (let i = random.uint32() % 4; i >= 0; i--) waiting.push(writes.choose());
    waiting = waiting.filter((write) => !runIfResident(driver, write));
    driver.stage();
    if (random.uint32() % 3 > 0) driver.commit();
    if (random.uint32() % 6 === 0) env.advance(60);
    for (let i = random.uint32() % 6; i > 0; i--) await scheduler.step();
  }
  // What was staged and not committed may be in the log or not.
  if (random.uint32() % 2 === 0) log.length = driver.committedPosition;
  scheduler.abandon();
}

/** Runs a write whose keys are resident; otherwise asks for them, and it waits. */
function runIfResident(driver: StorageDriver, { database, keys, elements, run }: ChosenWrite): boolean {
  if (elements !== undefined) {
    const loading = driver.requestElements(keys[0], elements, database);
    if (loading === null) run();
    return loading === null;
  }
  const names = keys.map((key) => ({ database, key: bytesOfText(key) }));
  const { storage } = driver;
  const missing = names.filter(({ key }) => !storage.isResident(database, key, 0, key.length));
  if (missing.length > 0) {
    storage.load(missing);
    return false;
  }
  run();
  return true;
}

describe('LevelStorage on a bad disk', () => {
  it('keeps what was committed while the disk is full, says so, and writes it when there is room', async () => {
    for (const mayHaveWritten of [false, true]) {
      const content = new SimulatedContent();
      const { storage, driver, store, env } = await beginLevelLife(content);
      driver.set('a', '1');
      driver.settle();
      await storage.flush();
      store.failingWrites = 2;
      store.mayHaveWritten = mayHaveWritten;
      driver.set('a', '2');
      driver.settle();
      await expect(storage.flush()).rejects.toMatchObject({ code: 'DISK' });
      expect(storage.failure).toBeInstanceOf(KvError);
      expect(storage.durablePosition).toBe(1);
      driver.set('b', '3');
      driver.settle();
      const writing = storage.flush().catch(() => {});
      env.advance(500);
      await writing;
      expect(storage.failure).not.toBeNull();
      const last = storage.flush();
      env.advance(500);
      await last;
      expect([storage.failure, storage.durablePosition, store.reopenings]).toEqual([null, 3, 2]);
      const next = await beginLevelLife(content, driver.log);
      expect(await stateOf(next.storage)).toEqual(await stateOf(storage));
    }
  });

  it('is stuck once as much is pending as may be, and the disk takes nothing: strings that memory has to keep count', async () => {
    const { storage, driver, store, env } = await beginLevelLife(new SimulatedContent());
    // So 16 MiB may be pending.
    storage.cacheBytes = 1024 * 1024;
    store.failingWrites = 1;
    for (let i = 0; i < 17; i++) {
      driver.set(`key ${i}`, 'x'.repeat(1024 * 1024));
      driver.settle();
      if (i === 0) await storage.flush().catch(() => {});
      if (i < 15) expect(storage.isStuck).toBe(false);
    }
    expect(storage.isStuck).toBe(true);
    env.advance(500);
    await storage.flush();
    expect([storage.isStuck, storage.failure]).toEqual([false, null]);
  });

  it('holds back what is pending until it is written', async () => {
    const { storage, driver } = await beginLevelLife(new SimulatedContent());
    driver.set('a', 'x'.repeat(10_000));
    driver.stage();
    expect(storage.pendingBytes).toBeGreaterThan(10_000);
    driver.commit();
    await storage.flush();
    expect(storage.pendingBytes).toBe(0);
  });

  it('a flipped bit is found, whatever it hits', async () => {
    const content = new SimulatedContent();
    const first = await beginLevelLife(content);
    first.driver.set('string', 'value');
    fillHash(first.driver, 'hash', 3);
    first.driver.settle();
    await first.storage.flush();
    for (const [name, value] of [...content.entries]) {
      if (!/^[de]/.test(name)) continue;
      for (let at = 0; at < value.length; at++) {
        const flipped = Buffer.from(value);
        flipped[at] ^= 1 << (at % 8);
        content.entries.set(name, flipped);
        const { storage } = await beginLevelLife(content, first.driver.log);
        const names = ['string', 'hash'].map((key) => ({ database: 0, key: bytesOfText(key) }));
        await expect(storage.load(names), `byte ${at}`).rejects.toMatchObject({ code: 'CORRUPT' });
      }
      content.entries.set(name, value);
    }
  });

  it('a collection is loaded to its end, though a read of the disk hands out less than it was asked for', async () => {
    const content = new SimulatedContent();
    const first = await beginLevelLife(content);
    fillHash(first.driver, 'hash', 300);
    first.driver.change('list', 'list', (list) => {
      for (let i = 0; i < 300; i++) list.pushOne(1, Buffer.alloc(3000, i), 0, 3000);
    });
    first.driver.settle();
    await first.storage.flush();
    const before = await stateOf(first.storage);
    const { storage } = await beginLevelLife(content, first.driver.log);
    expect(storage.durablePosition).toBe(first.driver.log.length);
    expect(await stateOf(storage)).toEqual(before);
  });

  it('a collection whose elements are gone is damaged, not empty', async () => {
    const content = new SimulatedContent();
    const first = await beginLevelLife(content);
    fillHash(first.driver, 'hash', 3);
    first.driver.settle();
    await first.storage.flush();
    for (const name of keysOf(content, 'e')) content.delete(Buffer.from(name, 'latin1'));
    const { storage } = await beginLevelLife(content, first.driver.log);
    const loading = storage.load([{ database: 0, key: bytesOfText('hash') }]);
    await expect(loading).rejects.toMatchObject({ code: 'CORRUPT' });
  });

  it('refuses a newer format, a foreign database and a damaged state', async () => {
    const open = (content: SimulatedContent) =>
      LevelStorage.over(new SimulatedOrderedStore(content), levelEnv(), 'dir');
    const newer = new SimulatedContent();
    await open(newer);
    newer.put(bytesOfText('mformat'), bytesOfText('holdfast level 5 5\n'));
    await expect(open(newer)).rejects.toMatchObject({ code: 'INVALID', message: /format version 5/ });
    const foreign = new SimulatedContent();
    foreign.put(bytesOfText('mine'), bytesOfText('x'));
    await expect(open(foreign)).rejects.toMatchObject({ code: 'INVALID', message: /another program/ });
    const damaged = new SimulatedContent();
    await open(damaged);
    damaged.put(bytesOfText('mstate'), Buffer.alloc(292));
    await expect(open(damaged)).rejects.toMatchObject({ code: 'CORRUPT' });
  });

  it('keys of incarnations sort as the numbers do', () => {
    const numbers = [0, 1, 255, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5, 2 ** 53 - 1];
    const keys = numbers.map((number) => numberKey64(prefixes.element, number));
    expect([...keys].sort(Buffer.compare)).toEqual(keys);
  });
});
