/** Writes of all kinds to a few keys, from a seed: the load of property tests. */
import { type Random, randomBelow } from '@holdfast/common';
import { valueTypes } from '../collection.js';
import { copyKey } from '../copy-key.js';
import type { HashValue } from '../values/hash-value.js';
import { sides } from '../values/list-node.js';
import type { ListValue } from '../values/list-value.js';
import type { SetValue } from '../values/set-value.js';
import type { ZSetValue } from '../values/zset-value.js';
import { changeStream } from './random-stream-writes.js';
import { bytesOfText, type StorageDriver } from './storage-driver.js';

export interface RandomWritesOptions {
  readonly keys: number;
  readonly databases: number;
  /** FLUSHDB and SWAPDB too, rarely. */
  readonly wholesale: boolean;
  /** Some writes load but the elements that they need. */
  readonly partial?: boolean;
}

const farFuture = 4_000_000_000_000;

/** A write that was chosen: first its keys are to be resident. */
export interface ChosenWrite {
  readonly database: number;
  readonly keys: readonly string[];
  /** Of the value of the first key: all that it needs, when it does not need the whole value. */
  readonly elements?: readonly string[];
  run(): void;
}

export class RandomWrites {
  readonly #driver: StorageDriver;
  readonly #random: Random;
  readonly #options: RandomWritesOptions;

  constructor(driver: StorageDriver, random: Random, options: RandomWritesOptions) {
    this.#driver = driver;
    this.#random = random;
    this.#options = options;
  }

  /** Chooses a write, loads what it needs, and makes it. */
  async next(): Promise<void> {
    const write = this.choose();
    const { database, keys, elements } = write;
    if (elements !== undefined) await this.#driver.loadElements(keys[0], elements, database);
    else await this.#driver.load(...keys.map((key) => ({ database, key: bytesOfText(key) })));
    write.run();
  }

  choose(): ChosenWrite {
    const driver = this.#driver;
    const database = this.#below(this.#options.databases);
    const [key, other] = [this.#key(), this.#key()];
    const one = (run: () => void): ChosenWrite => ({ database, keys: [key], run });
    if (this.#options.partial && this.#below(6) === 0) return this.#adding(key, database);
    const dice = this.#below(100);
    if (dice < 22) return one(() => driver.set(key, this.#value(), this.#expiry(), database));
    if (dice < 26) return one(() => this.#patch(key, database));
    if (dice < 36) return one(() => void driver.delete(key, database));
    if (dice < 42) return one(() => driver.expire(key, this.#expiry(), database));
    if (dice < 48) return { database, keys: [key, other], run: () => driver.rename(key, other, database) };
    if (dice < 51) return { database, keys: [key, other], run: () => this.#copy(key, other, database) };
    if (dice < 64) return one(() => driver.change('hash', key, (hash) => this.#changeHash(hash), database));
    if (dice < 72) return one(() => driver.change('set', key, (set) => this.#changeSet(set), database));
    if (dice < 79) {
      return one(() =>
        driver.change('stream', key, (stream) => changeStream(stream, this.#random, this.#value()), database),
      );
    }
    if (dice < 89) return one(() => driver.change('zset', key, (zset) => this.#changeZSet(zset), database));
    if (dice < 98 || !this.#options.wholesale || this.#below(4) > 0) {
      return one(() => driver.change('list', key, (list) => this.#changeList(list), database));
    }
    if (dice === 98) return { database, keys: [], run: () => driver.flushDatabase(database) };
    return { database, keys: [], run: () => driver.swap(database, this.#below(this.#options.databases)) };
  }

  /** One that removes no element, and needs no others than it names. */
  #adding(key: string, database: number): ChosenWrite {
    const driver = this.#driver;
    const elements = Array.from({ length: 1 + this.#below(4) }, () => `f${this.#below(30)}`);
    const one = (names: readonly string[], run: () => void): ChosenWrite => ({
      database,
      keys: [key],
      elements: names,
      run,
    });
    const each = (visit: (bytes: Buffer) => void) => (): void => elements.map(bytesOfText).forEach(visit);
    switch (this.#below(5)) {
      case 0:
        return one([], () => void driver.delete(key, database));
      case 1:
        return one([], () => driver.expire(key, this.#expiry(), database));
      case 2: {
        const add = (set: SetValue) => each((member) => set.add(member, 0, member.length))();
        return one(elements, () => driver.change('set', key, add, database));
      }
      case 3: {
        const put = (zset: ZSetValue) =>
          each((member) => zset.put(member, 0, member.length, this.#below(1000) / 8))();
        return one(elements, () => driver.change('zset', key, put, database));
      }
      default: {
        const value = bytesOfText(this.#value());
        const set = (hash: HashValue) =>
          each((field) => hash.set(field, 0, field.length, value, 0, value.length))();
        return one(elements, () => driver.change('hash', key, set, database));
      }
    }
  }

  #below(bound: number): number {
    return randomBelow(this.#random, bound);
  }

  #key(): string {
    const n = this.#below(this.#options.keys);
    return n % 7 === 0 ? `{tag}${n}` : `key:${n}`;
  }

  /** Mostly short, sometimes longer than fits where short ones lie. */
  #value(): string {
    const length = this.#below(50) === 0 ? this.#below(100_000) : this.#below(40);
    return String.fromCharCode(97 + this.#below(26), this.#below(256)).repeat(length >> 1);
  }

  #expiry(): number {
    return this.#below(3) === 0 ? farFuture + this.#below(1_000_000) : 0;
  }

  #field(): Buffer {
    return bytesOfText(`f${this.#below(30)}`);
  }

  #patch(key: string, database: number): void {
    const driver = this.#driver;
    const db = driver.storage.database(database);
    const name = bytesOfText(key);
    const ref = db.find(name, 0, name.length);
    if (ref !== 0 && db.type(ref) !== valueTypes.string) return;
    driver.patch(key, this.#below(60), this.#value(), database);
  }

  #copy(key: string, target: string, database: number): void {
    const [name, to] = [bytesOfText(key), bytesOfText(target)];
    this.#driver.write((db) => {
      if (key === target || db.find(name, 0, name.length) === 0) return;
      const old = db.find(to, 0, to.length);
      if (old !== 0) db.remove(old);
      copyKey(db, db.find(name, 0, name.length), db, to, 0, to.length);
    }, database);
  }

  #changeHash(hash: HashValue): void {
    for (let left = 1 + this.#below(4); left > 0; left--) {
      const field = this.#field();
      const entry = hash.table.find(field, 0, field.length);
      const dice = this.#below(10);
      if (dice < 2) hash.remove(field, 0, field.length);
      else if (dice < 4 && entry !== 0) hash.setExpiry(entry, field, 0, field.length, this.#expiry());
      else {
        const value = bytesOfText(this.#value());
        hash.set(field, 0, field.length, value, 0, value.length);
      }
    }
  }

  #changeSet(set: SetValue): void {
    for (let left = 1 + this.#below(4); left > 0; left--) {
      const member = this.#below(3) === 0 ? bytesOfText(String(this.#below(20))) : this.#field();
      if (this.#below(3) === 0) set.remove(member, 0, member.length);
      else set.add(member, 0, member.length);
    }
  }

  #changeZSet(zset: ZSetValue): void {
    if (this.#below(8) === 0 && zset.size > 0) {
      const rank = this.#below(zset.size);
      zset.removeRange(rank, 1 + this.#below(zset.size - rank));
      return;
    }
    const count = this.#below(20) === 0 ? 300 : 1 + this.#below(4);
    for (let left = count; left > 0; left--) {
      const member = bytesOfText(`m${this.#below(count === 300 ? 1000 : 40)}`);
      if (this.#below(4) === 0) zset.remove(member, 0, member.length);
      else zset.put(member, 0, member.length, this.#below(1000) / 8);
    }
  }

  #changeList(list: ListValue): void {
    const value = bytesOfText(this.#value());
    const dice = this.#below(12);
    if (dice < 6 || list.size === 0) {
      const side = this.#below(2) === 0 ? sides.left : sides.right;
      for (let left = this.#below(10) === 0 ? 400 : 1 + this.#below(3); left > 0; left--) {
        list.pushOne(side, value, 0, Math.min(value.length, 1000));
      }
    } else if (dice < 8) {
      list.pop(this.#below(2) === 0 ? sides.left : sides.right, 1 + this.#below(list.size));
    } else if (dice < 9) {
      list.set(this.#below(list.size), value, 0, value.length);
    } else if (dice < 11) {
      list.insert(this.#below(list.size), value, 0, value.length);
    } else {
      list.remove([this.#below(list.size)]);
    }
  }
}
