import { createHash } from 'node:crypto';
import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { copyKey } from './copy-key.js';
import type { Database } from './database.js';
import { MemoryStorage } from './memory-storage.js';
import { MutationWriter } from './mutation.js';
import { stringForms } from './string-forms.js';
import { inlineValueBytesMax } from './string-keys.js';

interface Entry {
  value: Buffer;
  expiryMs: number;
  form: number;
}

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
const find = (db: Database, key: string): number => db.find(bytesOf(key), 0, key.length);

function put(db: Database, key: string, value: Uint8Array, expiryMs = 0): number {
  const name = bytesOf(key);
  return db.putString(
    find(db, key),
    name,
    0,
    name.length,
    value,
    0,
    value.length,
    expiryMs,
    stringForms.plain,
  );
}

function stringAt(db: Database, ref: number): Buffer {
  db.readString(ref);
  return Buffer.from(db.valueBytes.subarray(db.valueStart, db.valueStart + db.valueLength));
}

const print = ({ value, expiryMs, form }: Entry): string =>
  `${value.length} bytes, sha1 ${createHash('sha1').update(value).digest('hex')}, expiry ${expiryMs}, form ${form}`;

/** Keys with what can be seen of them, and with their versions if asked for. */
function contentOf(db: Database, withVersions: boolean): Record<string, string> {
  const content: Record<string, string> = {};
  db.dict.forEach((ref) => {
    const start = db.dict.keyStart(ref);
    const key = db.arena.chunk(ref).toString('latin1', start, start + db.dict.keyLength(ref));
    content[key] = print({ value: stringAt(db, ref), expiryMs: db.expiry(ref), form: db.stringForm(ref) });
    if (withVersions) content[key] += `, version ${db.version(ref)}`;
  });
  return content;
}

/** A storage whose journal is kept, one batch a write. */
function journaled(seed: number): { storage: MemoryStorage; write: (change: () => void) => Buffer } {
  const storage = new MemoryStorage(new SeededRandom(seed));
  let last = 0;
  storage.stamp.source = { next: () => ++last };
  const journal = new MutationWriter();
  storage.journal = journal;
  const write = (change: () => void): Buffer => {
    storage.stamp.reset();
    change();
    const batch = Buffer.from(journal.bytes.subarray(0, journal.length));
    journal.clear();
    return batch;
  };
  return { storage, write };
}

/** Changes two databases and their models at random, strings of all sizes among the values. */
class Changes {
  readonly models = [new Map<string, Entry>(), new Map<string, Entry>()];
  readonly #random: SeededRandom;
  readonly #storage: MemoryStorage;

  constructor(random: SeededRandom, storage: MemoryStorage) {
    this.#random = random;
    this.#storage = storage;
  }

  next(): void {
    const random = this.#random;
    const at = random.uint32() & 1;
    const [db, model] = [this.#storage.database(at), this.models[at]];
    const key = this.#key();
    const entry = model.get(key);
    switch (random.uint32() % 8) {
      case 0:
      case 1:
        return this.#put(db, model, key);
      case 2:
        if (entry !== undefined) this.#patch(db, key, entry);
        return;
      case 3:
        if (entry === undefined) return;
        entry.expiryMs = this.#expiry();
        db.setExpiry(find(db, key), entry.expiryMs);
        return;
      case 4:
        if (entry === undefined) return;
        model.delete(key);
        db.remove(find(db, key));
        return;
      case 5:
        if (entry !== undefined) this.#rename(db, model, key, entry);
        return;
      case 6:
        if (entry !== undefined) this.#copy(db, key, entry);
        return;
      default:
        if (random.uint32() % 200 !== 0) return;
        model.clear();
        db.flush();
    }
  }

  #put(db: Database, model: Map<string, Entry>, key: string): void {
    const entry = { value: this.#value(), expiryMs: this.#expiry(), form: stringForms.plain };
    put(db, key, entry.value, entry.expiryMs);
    model.set(key, entry);
  }

  #patch(db: Database, key: string, entry: Entry): void {
    const random = this.#random;
    const patch = this.#value().subarray(0, 600);
    const isFar = random.uint32() % 40 === 0;
    const at = random.uint32() % (isFar ? inlineValueBytesMax + 1000 : entry.value.length + 100);
    const length = Math.max(entry.value.length, at + patch.length);
    const value = Buffer.alloc(length);
    value.set(entry.value);
    value.set(patch, at);
    Object.assign(entry, { value, form: stringForms.raw });
    db.patchString(find(db, key), length, at, patch, 0, patch.length);
  }

  #rename(db: Database, model: Map<string, Entry>, key: string, entry: Entry): void {
    const target = this.#key();
    if (target === key) return;
    const old = find(db, target);
    if (old !== 0) db.remove(old);
    db.rename(find(db, key), bytesOf(target), 0, target.length);
    model.delete(key);
    model.set(target, entry);
  }

  #copy(source: Database, key: string, entry: Entry): void {
    const to = this.#random.uint32() & 1;
    const target = this.#storage.database(to);
    const name = this.#key();
    if (this.models[to].has(name)) return;
    copyKey(source, find(source, key), target, bytesOf(name), 0, name.length);
    this.models[to].set(name, { ...entry });
  }

  #key(): string {
    return `key:${this.#random.uint32() % 150}`;
  }

  #expiry(): number {
    return this.#random.uint32() % 3 === 0 ? 1_000_000 + (this.#random.uint32() % 1000) : 0;
  }

  #value(): Buffer {
    const random = this.#random;
    const kind = random.uint32() % 100;
    const length =
      kind === 0
        ? inlineValueBytesMax - 50 + (random.uint32() % 100)
        : random.uint32() % (kind < 10 ? 3000 : 40);
    return Buffer.alloc(length, `${random.uint32()}.`);
  }
}

for (const seed of [21, 22, 23]) {
  describe(`Database (seed ${seed})`, () => {
    it('does what its model does, and so does a storage that applies its journal, once or again', () => {
      const random = new SeededRandom(seed);
      const { storage, write } = journaled(seed);
      const changes = new Changes(random, storage);
      const follower = new MemoryStorage(new SeededRandom(seed + 1));
      const compare = (): void => {
        for (const at of [0, 1]) {
          const db = storage.database(at);
          const model = [...changes.models[at]].map(([key, entry]) => [key, print(entry)]);
          expect(contentOf(db, false)).toEqual(Object.fromEntries(model));
          expect(contentOf(follower.database(at), true)).toEqual(contentOf(db, true));
          const expiring = [...changes.models[at].values()].filter(({ expiryMs }) => expiryMs !== 0).length;
          expect(db.expiries.count).toBe(expiring);
          expect(follower.database(at).expiries.count).toBe(expiring);
        }
      };
      let batches: Buffer[] = [];
      for (let step = 1; step <= 4000; step++) {
        // A write is one change, or several as of a transaction.
        const count = step % 5 === 0 ? 4 : 1;
        const batch = write(() => {
          for (let i = 0; i < count; i++) changes.next();
        });
        batches.push(batch);
        follower.apply(batch, step);
        if (step % 7 === 0) follower.apply(batch, step);
        if (step % 400 !== 0) continue;
        // From any earlier position, too.
        follower.apply(Buffer.concat(batches), step);
        batches = [];
        compare();
      }
      for (const at of [0, 1]) {
        const db = storage.database(at);
        for (const key of changes.models[at].keys()) db.remove(find(db, key));
        expect(db.arena.usedBytes).toBe(0);
        expect(db.expiries.count).toBe(0);
      }
    });

    it('gives a snapshot that, with the journal since it began, is the whole state', async () => {
      const random = new SeededRandom(seed);
      const { storage, write } = journaled(seed);
      const changes = new Changes(random, storage);
      for (let i = 0; i < 300; i++) write(() => changes.next());
      const restored = new MemoryStorage(new SeededRandom(seed + 2));
      const since: Buffer[] = [];
      let position = 1;
      for await (const batch of storage.snapshot()) {
        restored.apply(batch, position++);
        for (let i = 0; i < 100; i++) since.push(write(() => changes.next()));
      }
      for (const batch of since) restored.apply(batch, position++);
      for (const at of [0, 1]) {
        expect(contentOf(restored.database(at), true)).toEqual(contentOf(storage.database(at), true));
      }
    });
  });
}

describe('expiry of keys', () => {
  function setUp(): Database {
    const storage = new MemoryStorage(new SeededRandom(1));
    let last = 0;
    storage.stamp.source = { next: () => ++last };
    return storage.database(0);
  }

  function expireAll(db: Database, nowMs: number): string[] {
    const expired: string[] = [];
    for (let calls = 0; ; calls++) {
      if (calls > 100_000) expect.fail('no end of expired keys');
      const ref = db.expiries.next(nowMs);
      if (ref === 0) return expired;
      if (ref < 0) continue;
      const start = db.dict.keyStart(ref);
      expired.push(db.arena.chunk(ref).toString('latin1', start, start + db.dict.keyLength(ref)));
      db.remove(ref);
    }
  }

  it('comes in order, for what each key was given last', () => {
    const db = setUp();
    const value = bytesOf('v');
    put(db, 'later', value, 100);
    put(db, 'later', value, 900);
    put(db, 'sooner', value, 800);
    db.setExpiry(find(db, 'sooner'), 200);
    put(db, 'never', value, 100);
    db.setExpiry(find(db, 'never'), 0);
    put(db, 'replaced', value, 100);
    put(db, 'replaced', value);
    put(db, 'moved', value, 300);
    db.rename(find(db, 'moved'), bytesOf('target'), 0, 6);
    put(db, 'grown', value, 400);
    db.patchString(find(db, 'grown'), 1000, 0, value, 0, 1);
    put(db, 'gone', value, 100);
    db.remove(find(db, 'gone'));
    expect(expireAll(db, 199)).toEqual([]);
    expect(expireAll(db, 850)).toEqual(['sooner', 'target', 'grown']);
    expect(db.expiries.earliestMs).toBe(900);
    expect(expireAll(db, 10_000)).toEqual(['later']);
    expect([db.size, db.expiries.count]).toEqual([2, 0]);
  });

  it('is found exactly once for every key, among keys that are touched, removed and made again', () => {
    const seed = 31;
    const random = new SeededRandom(seed);
    const db = setUp();
    const model = new Map<string, number>();
    for (let nowMs = 1; nowMs < 20_000; nowMs++) {
      for (let i = 0; i < 3; i++) {
        const key = `k${random.uint32() % 400}`;
        const action = random.uint32() % 10;
        if (action < 6) {
          const expiryMs = nowMs + 1 + (random.uint32() % 3000);
          put(db, key, Buffer.alloc(random.uint32() % 60), expiryMs);
          model.set(key, expiryMs);
        } else if (model.delete(key)) {
          db.remove(find(db, key));
        }
      }
      const due = [...model].filter(([, expiryMs]) => expiryMs <= nowMs).map(([key]) => key);
      const expired = expireAll(db, nowMs);
      if (expired.sort().join() !== due.sort().join()) expect(expired, `seed ${seed}`).toEqual(due);
      for (const key of due) model.delete(key);
      if (db.expiries.count !== model.size || db.expiries.queued > 1100 + 2 * model.size) {
        expect.fail(
          `seed ${seed}: ${db.expiries.count} of ${model.size} keys, ${db.expiries.queued} entries`,
        );
      }
    }
  });

  it('keeps its queue short when keys get new expiries for ever', () => {
    const db = setUp();
    const value = bytesOf('v');
    for (let i = 0; i < 50_000; i++) put(db, `session:${i % 10}`, value, 1_000_000 + i);
    expect(db.expiries.queued).toBe(10);
    for (let i = 0; i < 50_000; i++) db.setExpiry(find(db, 'session:1'), 5_000_000 + (i % 2) * 1000);
    expect(db.expiries.queued).toBe(10);
    for (let i = 0; i < 50_000; i++) {
      put(db, `once:${i}`, value, 1_000_000);
      db.remove(find(db, `once:${i}`));
    }
    expect(db.expiries.queued).toBeLessThan(1100);
  });

  it('looks at a bounded number of entries in one call', () => {
    const db = setUp();
    for (let i = 0; i < 1000; i++) put(db, `k${i}`, bytesOf('v'), 100);
    for (let i = 0; i < 1000; i++) put(db, `k${i}`, bytesOf('v'), 200);
    let calls = 0;
    while (db.expiries.next(150) < 0) calls++;
    expect(calls).toBe(15);
  });
});
