import assert from 'node:assert/strict';
import { byteStringOf, type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { AbsentNames } from '../absent-names.js';
import { valueTypes } from '../collection.js';
import type { Database } from '../database.js';
import { MemoryStorage } from '../memory-storage.js';
import { farFuture, freshMemory, stateOfLog } from '../testing/conformance/storage-case.js';
import { stateOf } from '../testing/digest.js';
import { beginLevelLife, type LevelLife } from '../testing/level-life.js';
import { RandomWrites } from '../testing/random-writes.js';
import { SimulatedContent } from '../testing/simulated-ordered-store.js';
import { bytesOfText } from '../testing/storage-driver.js';
import { EntryView } from '../values/field-table.js';
import type { HashValue } from '../values/hash-value.js';
import type { SetValue } from '../values/set-value.js';
import type { ZSetValue } from '../values/zset-value.js';
import { ExpiredKeys } from './expired-keys.js';
import { Keyspace } from './keyspace.js';
import { ResidentCache } from './resident-cache.js';
import { WriteBehind } from './write-behind.js';

const databases = 3;
const load = { keys: 40, databases, wholesale: true, partial: true };
const view = new EntryView();
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** With room for nothing: whatever may go, goes. */
function begin(content: SimulatedContent, log: Buffer[] = []): Promise<LevelLife> {
  return beginLevelLife(content, log, 1);
}

/** A snapshot that is taken a batch at a time, and what comes of it with the log from where it began. */
class Copy {
  readonly #batches: AsyncIterator<Uint8Array>;
  readonly #from: number;
  readonly #taken: Uint8Array[] = [];

  constructor({ storage, driver }: LevelLife) {
    this.#from = driver.log.length;
    this.#batches = storage.snapshot()[Symbol.asyncIterator]();
  }

  /** False when it is whole, or has to be begun again. */
  async takeSome(): Promise<boolean | null> {
    try {
      const { done, value } = await this.#batches.next();
      if (done === true) return false;
      this.#taken.push(Buffer.from(value));
      return true;
    } catch {
      return null;
    }
  }

  async assertWhole(log: readonly Uint8Array[]): Promise<void> {
    const restored = freshMemory();
    for (const batch of this.#taken) restored.apply(batch, 0);
    for (let position = this.#from; position < log.length; position++)
      restored.apply(log[position], position + 1);
    assert.deepEqual(await stateOf(restored), await stateOfLog(log));
  }
}

/** Two keys are needed together: they come and stay, whatever goes meanwhile. */
async function needTwo({ storage, driver }: LevelLife, random: Random): Promise<void> {
  const database = randomBelow(random, databases);
  const names = [0, 1].map(() => ({
    database,
    key: bytesOfText(`key:${randomBelow(random, load.keys)}`),
  }));
  const needed = driver.load(...names).then(() => {
    // Others have their turn between the load and whoever waited for it.
    driver.letGo();
    driver.letGo();
    for (const { key } of names) assert.ok(storage.isResident(database, key, 0, key.length), String(key));
  });
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  needed.then(end, end);
  while (!isOver) {
    driver.letGo();
    await nextTurn();
  }
  await needed;
}

/** Some elements are looked at, without the others. */
async function lookAtSome({ driver }: LevelLife, model: MemoryStorage, random: Random): Promise<void> {
  const database = randomBelow(random, databases);
  const key = `key:${randomBelow(random, load.keys)}`;
  const fields = [0, 1, 2].map(() => `f${randomBelow(random, 30)}`);
  await driver.loadElements(key, fields, database);
  for (const field of fields) {
    const [found, expected] = [driver.storage, model].map((storage) =>
      elementOf(storage.database(database), bytesOfText(key), bytesOfText(field)),
    );
    assert.equal(found, expected, `${field} of ${key}`);
  }
}

function elementOf(db: Database, key: Uint8Array, element: Buffer): string {
  const ref = db.find(key, 0, key.length);
  const type = ref === 0 ? valueTypes.none : db.type(ref);
  if (type === valueTypes.set)
    return String((db.collection(ref) as SetValue).has(element, 0, element.length));
  if (type === valueTypes.zset)
    return String((db.collection(ref) as ZSetValue).score(element, 0, element.length));
  if (type !== valueTypes.hash) return String(type);
  const { table } = db.collection(ref) as HashValue;
  const entry = table.find(element, 0, element.length);
  if (entry === 0) return 'none';
  table.read(entry, view);
  return byteStringOf(view.valueBytes, view.valueStart, view.valueLength);
}

/** A life of writes of all kinds, each checked against a storage that has all in memory. */
async function live(content: SimulatedContent, log: Buffer[], random: Random): Promise<void> {
  const life = await begin(content, log);
  const { storage, driver, env } = life;
  const model = new MemoryStorage(new SeededRandom(5));
  for (const [i, batch] of log.entries()) model.apply(batch, i + 1);
  const writes = new RandomWrites(driver, random, load);
  let copy: Copy | null = null;
  for (let turn = 0; turn < 60; turn++) {
    const known = log.length;
    for (let i = randomBelow(random, 4); i >= 0; i--) await writes.next();
    driver.settle();
    for (let i = known; i < log.length; i++) model.apply(log[i], i + 1);
    if (randomBelow(random, 3) === 0) await storage.flush();
    env.advance(randomBelow(random, 300));
    driver.letGo();
    for (let index = 0; index < databases; index++)
      assert.equal(storage.keyCount(index), model.keyCount(index), 'number of keys');
    await needTwo(life, random);
    await lookAtSome(life, model, random);
    if (copy === null && randomBelow(random, 8) === 0) copy = new Copy(life);
    const isGoingOn = copy === null ? true : await copy.takeSome();
    if (isGoingOn === false) await copy!.assertWhole(log);
    if (isGoingOn !== true) copy = null;
  }
  while (copy !== null && (await copy.takeSome()) === true);
  assert.deepEqual(await stateOf(storage), await stateOf(model));
  // The next life knows which keys there are, or has to look.
  if (randomBelow(random, 2) === 0) await storage.close();
}

async function liveOften(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const content = new SimulatedContent();
  const log: Buffer[] = [];
  for (let lives = 0; lives < 3; lives++) await live(content, log, random);
}

/** Keys that left memory before their time came. */
async function expire(): Promise<void> {
  const { storage, driver } = await begin(new SimulatedContent());
  const expired = async (nowMs: number): Promise<number> => {
    await storage.prepareExpired(nowMs);
    const db = storage.database(0);
    let count = 0;
    for (let ref = db.expiries.next(nowMs); ref !== 0; ref = db.expiries.next(nowMs)) {
      if (ref < 0) continue;
      storage.stamp.reset();
      db.remove(ref);
      count++;
    }
    return count;
  };
  driver.set('stays', 'x');
  driver.settle();
  await storage.flush();
  driver.letGo();
  assert.equal(await expired(farFuture), 0);
  for (let i = 0; i < 50; i++) driver.set(`key ${i}`, 'x', farFuture + i);
  driver.settle();
  await storage.flush();
  driver.letGo();
  assert.equal(storage.database(0).size, 0);
  assert.equal(await expired(farFuture + 29), 30);
  driver.settle();
  assert.equal(storage.keyCount(0), 21);
}

describe('ResidentCache', () => {
  it('with room for nothing the state is the same, and so are counts, copies and lives to come', async () => {
    for (let seed = 1; seed <= 3; seed++) await liveOften(seed);
  });

  it('what has left memory expires', expire);

  it('lets nothing go that is not on the disk yet', async () => {
    const { storage, driver } = await begin(new SimulatedContent());
    driver.set('a', 'x');
    driver.letGo();
    driver.settle();
    expect(storage.database(0).size).toBe(1);
    await storage.flush();
    driver.letGo();
    expect([storage.database(0).size, storage.keyCount(0)]).toEqual([0, 1]);
  });

  it('spares what was accessed since it was there last, once', async () => {
    const { storage, driver } = await begin(new SimulatedContent());
    storage.trackAccess(true);
    const { dict } = storage.database(0);
    for (let i = 0; i < 100; i++) driver.set(`key ${i}`, 'x');
    driver.settle();
    await storage.flush();
    const isThere = (i: number) => dict.find(bytesOfText(`key ${i}`), 0, `key ${i}`.length) !== 0;
    for (let i = 0; i < 50; i++) if (isThere(i)) dict.access = -1;
    // Less than a whole round.
    for (let round = 0; round < 3; round++) storage.letGoSome(64);
    expect(dict.size).toBeLessThan(100);
    for (let i = 0; i < 50; i++) expect(isThere(i), `key ${i}`).toBe(true);
    for (let round = 0; round < 10; round++) driver.letGo();
    expect(dict.size).toBe(0);
  });

  it('memory that was let go is used again', async () => {
    const { storage, driver } = await begin(new SimulatedContent());
    storage.cacheBytes = 100_000;
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 500; i++) driver.set(`key ${round} ${i}`, 'x'.repeat(100));
      driver.settle();
      await storage.flush();
      for (let turn = 0; turn < 20; turn++) driver.letGo();
    }
    const { arena } = storage.database(0);
    expect(arena.usedBytes).toBeLessThanOrEqual(100_000);
    expect(arena.usedBytes + arena.freeBytes).toBeLessThan(300_000);
  });
});

describe('mistakes in letting go are found:', () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const mistakes: Record<string, () => void> = {
    'what the disk does not have yet is let go': () => {
      vi.spyOn(WriteBehind.prototype, 'isPending').mockReturnValue(false);
    },
    'what is about to be used is let go': () => {
      vi.spyOn(Keyspace.prototype, 'isPinned').mockReturnValue(false);
    },
    'what was let go is not counted': () => {
      const { letGo } = Keyspace.prototype;
      vi.spyOn(Keyspace.prototype, 'letGo').mockImplementation(function (this: Keyspace, ...args) {
        letGo.apply(this, args);
        this.coldKeys--;
      });
    },
    'what was let go is still known to be absent': () => {
      vi.spyOn(AbsentNames.prototype, 'delete').mockImplementation(() => {});
    },
    'what was removed is forgotten before the disk knows': () => {
      const { pruneRemovals } = Keyspace.prototype;
      vi.spyOn(Keyspace.prototype, 'removalStaged').mockImplementation(function (this: Keyspace) {
        pruneRemovals.call(this, Number.POSITIVE_INFINITY);
      });
    },
    'a snapshot is not told of what leaves': () => {
      vi.spyOn(ResidentCache.prototype, 'snapshotBegins').mockImplementation(() => {});
    },
    'what was let go is never looked for when its time comes': () => {
      vi.spyOn(ExpiredKeys.prototype, 'mayExpireAt').mockImplementation(() => {});
    },
  };

  for (const [name, plant] of Object.entries(mistakes)) {
    it(name, async () => {
      plant();
      let isFound = await expire().then(
        () => false,
        () => true,
      );
      for (let seed = 1; seed <= 6 && !isFound; seed++) {
        await liveOften(seed).catch(() => {
          isFound = true;
        });
      }
      expect(isFound).toBe(true);
    });
  }
});

it('leaves room for what sets took of the system, which is used again by the next one', async () => {
  const bound = 16 * 2 ** 20;
  const { storage, driver } = await beginLevelLife(new SimulatedContent(), [], bound);
  for (let i = 0; i < 3200; i++) driver.set(`key:${i}`, 'x'.repeat(10_000));
  driver.settle();
  await storage.flush();
  for (let i = 0; i < 3200; i++) {
    await driver.load({ database: 0, key: bytesOfText(`key:${i}`) });
    while (!storage.letGoSome(1000)) await nextTurn();
  }
  expect(storage.pendingBytes).toBe(0);
  // What sets have is counted up to a quarter of the bound.
  expect(storage.usedBytes).toBeLessThanOrEqual(bound * (3 / 4));
  expect(storage.usedBytes).toBeGreaterThan(bound / 2);
});
