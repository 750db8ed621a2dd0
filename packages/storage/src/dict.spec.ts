import { KvError, keyBytesMax } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { describe, expect, it } from 'vitest';
import { Arena, type Ref } from './arena.js';
import { Dict } from './dict.js';
import { hasExpiry, hasObject } from './records.js';

interface Entry {
  value: string;
  flags: number;
  stamp: number;
  object: number;
  expiry: number;
  access: number;
}

/** A dict beside a Map that is changed with it; every record carries all that a record can. */
class Pair {
  readonly dict: Dict;
  readonly model = new Map<string, Entry>();
  readonly #random: SeededRandom;
  #stamp = 0;

  constructor(seed: number) {
    this.#random = new SeededRandom(seed);
    this.dict = new Dict(new Arena(), seed);
    // Of those that remember accesses, and those that do not.
    if (seed % 2 === 0) this.dict.trackAccess(true);
  }

  /** Bytes that an empty dict counts: the words of its few slots. */
  get leftBytes(): number {
    return this.dict.tracksAccess ? 16 : 0;
  }

  find(key: string): Ref {
    const bytes = Buffer.from(`..${key}`, 'latin1');
    return this.dict.find(bytes, 2, bytes.length - 2);
  }

  put(key: string): void {
    const { dict } = this;
    const entry = this.#randomEntry();
    const bytes = Buffer.from(key, 'latin1');
    const typeAndFlags = (3 << 24) | entry.flags;
    let ref = this.find(key);
    const known = this.model.get(key);
    if ((ref !== 0) !== (known !== undefined))
      expect.fail(`${key} should ${ref !== 0 ? 'not ' : ''}be there`);
    if (ref === 0) {
      ref = dict.create(bytes, 0, bytes.length, entry.value.length, typeAndFlags);
    } else if ((this.#random.uint32() & 1) === 0) {
      ref = dict.replace(ref, entry.value.length, typeAndFlags, false);
    } else {
      // The value is kept as far as it fits.
      ref = dict.replace(ref, entry.value.length, typeAndFlags, true);
      const shared = Math.min(entry.value.length, known!.value.length);
      const kept = this.#value(ref).slice(0, shared);
      if (kept !== known!.value.slice(0, shared)) expect.fail(`${key} lost its value`);
    }
    dict.setStamp(ref, entry.stamp);
    if (dict.tracksAccess) dict.access = entry.access;
    if (entry.object !== 0) dict.setObject(ref, entry.object);
    if (entry.expiry !== 0) dict.setExpiry(ref, entry.expiry);
    dict.arena.chunk(ref).write(entry.value, dict.valueStart(ref), 'latin1');
    this.model.set(key, entry);
  }

  remove(key: string): void {
    const ref = this.find(key);
    if ((ref !== 0) !== this.model.delete(key))
      expect.fail(`${key} should ${ref !== 0 ? 'not ' : ''}be there`);
    if (ref !== 0) this.dict.remove(ref);
  }

  check(key: string): void {
    const { dict } = this;
    const ref = this.find(key);
    const entry = this.model.get(key);
    if (entry === undefined || ref === 0) {
      if (entry !== undefined || ref !== 0) expect.fail(`${key} should ${ref !== 0 ? 'not ' : ''}be there`);
      return;
    }
    const found = {
      value: this.#value(ref),
      flags: dict.typeAndFlags(ref) & (hasExpiry | hasObject),
      stamp: dict.stamp(ref),
      object: entry.object === 0 ? 0 : dict.object(ref),
      expiry: dict.expiry(ref),
      access: dict.access,
    };
    if (JSON.stringify(found) !== JSON.stringify(entry)) expect(found).toEqual(entry);
  }

  checkAll(): void {
    expect(this.dict.size).toBe(this.model.size);
    for (const key of this.model.keys()) this.check(key);
    const seen = new Set<string>();
    this.dict.forEach((ref) => {
      seen.add(this.keyOf(ref));
    });
    expect(seen.size).toBe(this.model.size);
  }

  keyOf(ref: Ref): string {
    const start = this.dict.keyStart(ref);
    return this.dict.arena.chunk(ref).toString('latin1', start, start + this.dict.keyLength(ref));
  }

  scanAll(count: number, between: () => void): Map<string, number> {
    const seen = new Map<string, number>();
    let cursor = 0;
    do {
      const refs: Ref[] = [];
      cursor = this.dict.scan(cursor, count, refs);
      for (const ref of refs) seen.set(this.keyOf(ref), (seen.get(this.keyOf(ref)) ?? 0) + 1);
      between();
    } while (cursor !== 0);
    return seen;
  }

  #value(ref: Ref): string {
    const start = this.dict.valueStart(ref);
    return this.dict.arena.chunk(ref).toString('latin1', start, start + this.dict.valueLength(ref));
  }

  #randomEntry(): Entry {
    const random = this.#random;
    const flags =
      ((random.uint32() & 1) !== 0 ? hasExpiry : 0) | ((random.uint32() & 1) !== 0 ? hasObject : 0);
    return {
      value: 'v'.repeat(random.uint32() % 8 === 0 ? random.uint32() % 700 : random.uint32() % 30),
      flags,
      stamp: ++this.#stamp,
      object: (flags & hasObject) === 0 ? 0 : 1 + (random.uint32() % 1000),
      expiry: (flags & hasExpiry) === 0 ? 0 : 1 + random.uint32(),
      access: this.dict.tracksAccess ? random.uint32() | 0 : 0,
    };
  }
}

describe('Dict', () => {
  for (const seed of [11, 12, 13]) {
    it(`does what a Map does, while it grows, splits, shrinks and merges (seed ${seed})`, () => {
      const random = new SeededRandom(seed);
      const pair = new Pair(seed);
      const empty = pair.dict.indexBytes;
      for (const [until, range] of [
        [40_000, 30_000],
        [300, 30_000],
        [15_000, 50_000],
        [0, 50_000],
      ] as const) {
        const isGrowing = until > pair.dict.size;
        while (isGrowing ? pair.dict.size < until : pair.dict.size > until) {
          const key = `key:${random.uint32() % range}`;
          const action = random.uint32() % 1000;
          if (action < (isGrowing ? 800 : 2)) pair.put(key);
          else if (action < 950) pair.remove(key);
          else pair.check(key);
          if (isGrowing && pair.dict.size > range * 0.7) break;
          if (!isGrowing && pair.dict.size < 600) for (const any of [...pair.model.keys()]) pair.remove(any);
        }
        pair.checkAll();
      }
      expect(pair.dict.size).toBe(0);
      expect(pair.dict.arena.usedBytes).toBe(pair.leftBytes);
      // What the table itself took is given back, too.
      expect(pair.dict.indexBytes).toBeLessThanOrEqual(empty * 2);
    });

    it(`scans every element that stays, whatever comes and goes meanwhile (seed ${seed})`, () => {
      const random = new SeededRandom(seed);
      for (const [stable, volatile, count] of [
        [50, 400, 3],
        [3000, 30_000, 100],
        [9000, 20_000, 1000],
      ]) {
        const pair = new Pair(seed);
        for (let i = 0; i < stable; i++) pair.put(`stable:${i}`);
        let grows = (random.uint32() & 1) === 0;
        if (!grows) for (let i = 0; i < volatile; i++) pair.put(`volatile:${i}`);
        const step = Math.ceil((volatile * count) / stable);
        const seen = pair.scanAll(count, () => {
          if (random.uint32() % 20 === 0) grows = !grows;
          for (let i = 0; i < step; i++) {
            const key = `volatile:${random.uint32() % volatile}`;
            if (grows) pair.put(key);
            else pair.remove(key);
          }
        });
        for (let i = 0; i < stable; i++)
          if (!seen.has(`stable:${i}`)) expect.fail(`stable:${i} was not seen`);
      }
    });
  }

  it('scans an unchanging table once, at any page size, with a bounded look at each call', () => {
    const pair = new Pair(5);
    for (let i = 0; i < 20_000; i++) pair.put(`k${i}`);
    for (const count of [1, 10, 333, 1_000_000]) {
      let calls = 0;
      const seen = pair.scanAll(count, () => calls++);
      expect(seen.size).toBe(20_000);
      expect(Math.max(...seen.values())).toBe(1);
      expect(calls).toBeLessThanOrEqual(20_000 / count + 20_000 / (count * 5) + 2);
    }
    expect(pair.dict.scan(2 ** 32, 10, [])).toBe(0);
    expect(pair.dict.scan(1e18, 10, [])).toBe(0);
  });

  it('picks every element about as often, in a table whose segments differ in depth', () => {
    const random = new SeededRandom(99);
    const pair = new Pair(99);
    const key = Buffer.alloc(8);
    // Near the point where segments split: some have, some have not.
    const size = 6150 * 4;
    for (let i = 0; i < size; i++) {
      key.writeDoubleLE(i);
      pair.dict.find(key, 0, 8);
      pair.dict.create(key, 0, 8, 0, 1 << 24);
    }
    const counts = new Map<Ref, number>();
    const draws = size * 20;
    for (let i = 0; i < draws; i++) {
      const ref = pair.dict.random(() => random.uint32());
      counts.set(ref, (counts.get(ref) ?? 0) + 1);
    }
    let chiSquare = 0;
    pair.dict.forEach((ref) => {
      chiSquare += ((counts.get(ref) ?? 0) - 20) ** 2 / 20;
    });
    // Mean `size`, standard deviation sqrt(2 size): six of them.
    expect(Math.abs(chiSquare - size)).toBeLessThan(6 * Math.sqrt(2 * size));
  });

  it('lets a key that was just created be replaced and removed without another look-up', () => {
    const pair = new Pair(3);
    for (let i = 0; i < 1000; i++) pair.put(`other:${i}`);
    const key = Buffer.from('new');
    pair.find('new');
    let ref = pair.dict.create(key, 0, 3, 4, 1 << 24);
    ref = pair.dict.replace(ref, 900, 1 << 24, true);
    expect(pair.find('new')).toBe(ref);
    pair.dict.find(key, 0, 3);
    pair.dict.remove(ref);
    pair.checkAll();
  });

  it('orders keys as memcmp does', () => {
    const pair = new Pair(4);
    const keys = ['', 'a', 'ab', 'abcd', 'abcde', 'abcdf', 'abcdefghi', 'b', '\xff', '\xff\x00', 'abcd\x00'];
    for (const key of keys) pair.put(key);
    for (const a of keys) {
      for (const b of keys) {
        const expected = Buffer.compare(Buffer.from(a, 'latin1'), Buffer.from(b, 'latin1'));
        expect(Math.sign(pair.dict.compareKeys(pair.find(a), pair.find(b)))).toBe(expected);
      }
    }
  });

  it('holds the longest key and refuses a longer one', () => {
    const pair = new Pair(6);
    const key = Buffer.alloc(keyBytesMax + 1, 0x61);
    pair.dict.find(key, 0, keyBytesMax);
    pair.dict.create(key, 0, keyBytesMax, 10, 1 << 24);
    expect(pair.dict.find(key, 0, keyBytesMax)).not.toBe(0);
    expect(pair.dict.find(key, 0, keyBytesMax + 1)).toBe(0);
    expect(() => pair.dict.create(key, 0, keyBytesMax + 1, 10, 1 << 24)).toThrow(KvError);
    expect(pair.dict.size).toBe(1);
  });

  it('samples elements with what is known of them, however few there are', () => {
    const pair = new Pair(10);
    const random = new SeededRandom(10);
    const refs = new Int32Array(8);
    const accesses = new Int32Array(8);
    const seen = new Set<string>();
    for (let i = 0; i < 3000; i++) pair.put(`k${i}`);
    while (pair.dict.size > 0) {
      for (let round = 0; round < 20; round++) {
        const found = pair.dict.sample(() => random.uint32(), 8, refs, accesses);
        expect(found).toBeGreaterThan(0);
        for (let i = 0; i < found; i++) {
          const key = pair.keyOf(refs[i]);
          seen.add(key);
          expect(accesses[i]).toBe(pair.model.get(key)!.access);
        }
      }
      for (const key of [...pair.model.keys()].slice(0, 50)) pair.remove(key);
    }
    expect(seen.size).toBeGreaterThan(2000);
  });

  for (const release of [false, true]) {
    it(`gives all its memory back when it is ${release ? 'released bit by bit' : 'cleared'}`, () => {
      const pair = new Pair(8);
      for (let i = 0; i < 30_000; i++) pair.put(`k${i}`);
      if (release) while (!pair.dict.release(1000));
      else pair.dict.clear();
      expect(pair.dict.arena.usedBytes).toBe(release ? 0 : pair.leftBytes);
    });
  }
});
