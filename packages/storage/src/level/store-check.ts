/**
 * Reads everything that a store of LevelStorage holds: every record is what was written under its key, decodes, and
 * agrees with the others.
 *
 *     heads        in the place of their key, of a database or of one that was flushed; as many as the state says
 *     elements     of a head, or of a key that is gone and listed as such; a collection has some, a large string all its pieces
 *     expiries     one for each head that expires
 *     departed     what a start would believe of which keys are there: it has each of them, whatever the log removes next
 *
 * Takes the memory of one collection at a time, and of what is kept of departed keys.
 */
import { type Findings, KvError } from '@holdfast/common';
import { type Collection, valueTypes } from '../collection.js';
import type { Database } from '../database.js';
import type { DepartedKeys } from '../departed-keys.js';
import { MemoryStorage } from '../memory-storage.js';
import { databaseCount } from '../system-database.js';
import { createCollection } from '../values/create.js';
import { Additions, addTo } from './additions.js';
import {
  elementKeyOverhead,
  hashOf,
  headKeyOverhead,
  numberKey64,
  prefixes,
  prefixKey,
  readUint32,
  readUint64,
  writeExpiryKey,
  writeHeadKey,
} from './disk-keys.js';
import { checksumBytes, type Head, readHead, verify } from './disk-records.js';
import { hasKept, readKept } from './kept-departed.js';
import { createLayouts, type Layout } from './layouts/index.js';
import { isMetaKey, type OpenedState, readOpenedState } from './opening.js';
import type { OrderedStore } from './ordered-store.js';
import { PieceOrder } from './string-pieces.js';

const recordsPerRead = 1000;
const known: ReadonlySet<number> = new Set(Object.values(prefixes));

export interface StoreSummary {
  /** Of the log: what the store holds is as of there. */
  readonly position: number;
  readonly lastVersion: number;
  readonly keys: number;
  readonly elements: number;
}

/** `place` is its name in findings. Null when nothing can be said, which is a finding, or when it is empty. */
export async function checkStore(
  store: OrderedStore,
  place: string,
  findings: Findings,
): Promise<StoreSummary | null> {
  let opened: OpenedState | null;
  try {
    opened = await readOpenedState(store, place);
  } catch (error) {
    if (!(error instanceof KvError)) throw error;
    findings.damage(place, error.message);
    return null;
  }
  return opened === null ? null : new StoreCheck(store, place, findings, opened).run();
}

class StoreCheck {
  readonly #store: OrderedStore;
  readonly #place: string;
  readonly #findings: Findings;
  readonly #opened: OpenedState;
  readonly #layouts: readonly Layout[] = createLayouts();
  /** Collections are built in it, and given up. */
  readonly #scratch: Database;
  readonly #deadGenerations = new Set<number>();
  /** By generation; null when the next start asks the disk. */
  #departed: ReadonlyMap<number, DepartedKeys> | null = null;
  readonly #keyCounts: number[] = new Array(databaseCount).fill(0);
  /** Of the keys that were looked at. */
  #elements = 0;
  #expiries = 0;

  constructor(store: OrderedStore, place: string, findings: Findings, opened: OpenedState) {
    this.#store = store;
    this.#place = place;
    this.#findings = findings;
    this.#opened = opened;
    this.#scratch = new MemoryStorage({ uint32: () => 0, fill: (target) => target }).database(0);
  }

  async run(): Promise<StoreSummary> {
    const { keyCounts, lastVersion, position } = this.#opened.state;
    await this.#each(prefixes.generation, (key) => void this.#deadGenerations.add(readUint32(key, 1)));
    await this.#readDeparted();
    await this.#checkHeads();
    await this.#each(prefixes.orphan, async (key) => {
      await this.#countElements(readUint64(key, 1));
    });
    await this.#checkTotals();
    await this.#checkUnknown();
    this.#keyCounts.forEach((count, i) => {
      if (count === keyCounts[i]) return;
      this.#damage(`database ${i}`, `it has ${count} keys, and its state says ${keyCounts[i]}`);
    });
    const keys = this.#keyCounts.reduce((sum, count) => sum + count, 0);
    return { position, lastVersion, keys, elements: this.#elements };
  }

  // What is kept of departed keys

  async #readDeparted(): Promise<void> {
    try {
      this.#departed = await readKept(this.#store, this.#opened.state.batches);
      if (this.#departed === null && (await hasKept(this.#store)))
        this.#findings.note(
          this.#place,
          'what was known of keys on the disk is of no use any more, and takes space',
        );
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      this.#damage('departed keys', error.message);
    }
  }

  #isDenied(headKey: Uint8Array): boolean {
    const departed = this.#departed?.get(readUint32(headKey, 1));
    return departed !== undefined && !departed.mayHave(hashOf(headKey));
  }

  // Heads

  async #checkHeads(): Promise<void> {
    let expiryKeys: Buffer[] = [];
    let owners: string[] = [];
    const { head: prefix } = prefixes;
    for await (const entries of this.#entries(prefixKey(prefix), prefixKey(prefix + 1))) {
      for (const [key, value] of entries) {
        const head = await this.#checkHead(key, value);
        if (head === null || head.expiryMs === 0) continue;
        expiryKeys.push(this.#expiryKey(key, head.expiryMs));
        owners.push(this.#nameOf(key));
      }
      this.#expiries += expiryKeys.length;
      const found = await this.#store.getMany(expiryKeys);
      found.forEach((expiry, i) => {
        if (expiry === undefined)
          this.#damage(owners[i], 'its expiry is not in the index: it may not be removed in time');
      });
      expiryKeys = [];
      owners = [];
    }
  }

  /** Null when it does not decode. */
  async #checkHead(key: Uint8Array, value: Uint8Array): Promise<Head | null> {
    const name = this.#nameOf(key);
    const database = this.#databaseOf(key);
    if (database >= 0) this.#keyCounts[database]++;
    else if (!this.#deadGenerations.has(readUint32(key, 1)))
      this.#damage(name, 'the key belongs to no database');
    try {
      const head = readHead(key, value);
      this.#checkPlace(key, name);
      if (this.#isDenied(key))
        this.#damage(name, 'what is kept of keys on the disk lacks it: a start would take it for absent');
      await this.#checkValue(head, database >= 0);
      const { lastVersion, nextIncarnation } = this.#opened.state;
      if (head.version > lastVersion) this.#damage(name, 'its version is above that of all writes');
      if (head.incarnation >= nextIncarnation)
        this.#damage(name, 'its elements are numbered from the future');
      return head;
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      this.#damage(name, `its value is lost: ${error.message}`);
      return null;
    }
  }

  /** Slot and hash are those of the key: otherwise nobody finds it there. */
  #checkPlace(key: Uint8Array, name: string): void {
    const expected = Buffer.allocUnsafe(key.length);
    const { length } = key;
    writeHeadKey(
      expected,
      readUint32(key, 1),
      this.#opened.seed,
      key,
      headKeyOverhead,
      length - headKeyOverhead,
    );
    if (expected.compare(key) !== 0) this.#damage(name, 'it is not where it is looked for');
  }

  async #checkValue(head: Head, isLive: boolean): Promise<void> {
    if (head.type === valueTypes.string) {
      if (head.form < 0) throw new KvError('CORRUPT', 'its form is not known');
      if (head.incarnation === 0) return;
      if (isLive) await this.#checkPieces(head);
      else await this.#countElements(head.incarnation);
      return;
    }
    const collection = createCollection(head.type, this.#scratch);
    try {
      if (head.isWhole) addTo(collection, head.content);
      // Those of a database that was flushed are being cleared: some may be gone.
      else if (isLive) await this.#checkElements(head, collection);
      else await this.#countElements(head.incarnation);
    } finally {
      collection.release(Number.POSITIVE_INFINITY);
    }
  }

  async #checkPieces({ content, incarnation }: Head): Promise<void> {
    const order = new PieceOrder(content);
    for await (const entries of this.#elementsOf(incarnation)) {
      this.#elements += entries.length;
      for (const [key, value] of entries) {
        verify(key, value);
        order.take(key.subarray(elementKeyOverhead), value.subarray(checksumBytes));
      }
    }
    order.finish();
  }

  async #checkElements({ incarnation, type }: Head, collection: Collection): Promise<void> {
    const additions = new Additions();
    let count = 0;
    for await (const entries of this.#elementsOf(incarnation)) {
      count += entries.length;
      for (const [key, value] of entries) {
        verify(key, value);
        this.#layouts[type].describe(
          key.subarray(elementKeyOverhead),
          value.subarray(checksumBytes),
          additions,
        );
      }
      additions.addNow(collection);
    }
    this.#elements += count;
    if (count === 0) throw new KvError('CORRUPT', 'all its elements are missing');
    additions.addLate(collection);
  }

  // What belongs to heads

  async #countElements(incarnation: number): Promise<void> {
    for await (const entries of this.#elementsOf(incarnation)) this.#elements += entries.length;
  }

  /** What no head was found to have. */
  async #checkTotals(): Promise<void> {
    let elements = 0;
    let expiries = 0;
    await this.#each(prefixes.element, () => {
      elements++;
    });
    await this.#each(prefixes.expiry, () => {
      expiries++;
    });
    if (elements > this.#elements)
      this.#findings.note(this.#place, `${elements - this.#elements} elements of no key take space`);
    if (elements < this.#elements) this.#damage('elements', `there are ${elements}, not ${this.#elements}`);
    if (expiries > this.#expiries)
      this.#findings.note(this.#place, `${expiries - this.#expiries} expiries of no key take space`);
  }

  async #checkUnknown(): Promise<void> {
    const { meta } = prefixes;
    for await (const entries of this.#entries(prefixKey(meta), prefixKey(meta + 1))) {
      for (const [key] of entries)
        if (!isMetaKey(key)) this.#damage(hexOf(key), 'nothing of this name is written');
    }
    for (let prefix = 0; prefix < 256; prefix++) {
      if (known.has(prefix)) continue;
      const end = prefix === 255 ? Buffer.alloc(64, 255) : prefixKey(prefix + 1);
      const range = this.#store.range(prefixKey(prefix), end);
      const entries = await range.next(1).finally(() => range.close());
      if (entries.length > 0)
        this.#damage(
          `prefix ${prefix}`,
          'records that this program does not write: damaged keys, or another program',
        );
    }
  }

  // Reading

  /** Every record of a prefix, checked. */
  async #each(prefix: number, visit: (key: Uint8Array) => void | Promise<void>): Promise<void> {
    for await (const entries of this.#entries(prefixKey(prefix), prefixKey(prefix + 1))) {
      for (const [key, value] of entries) {
        try {
          verify(key, value);
        } catch (error) {
          if (!(error instanceof KvError)) throw error;
          this.#damage(hexOf(key), error.message);
        }
        await visit(key);
      }
    }
  }

  #elementsOf(incarnation: number): AsyncGenerator<[Uint8Array, Uint8Array][]> {
    const { element } = prefixes;
    return this.#entries(numberKey64(element, incarnation), numberKey64(element, incarnation + 1));
  }

  async *#entries(from: Uint8Array, to: Uint8Array): AsyncGenerator<[Uint8Array, Uint8Array][]> {
    const range = this.#store.range(from, to);
    try {
      for (;;) {
        const entries = await range.next(recordsPerRead);
        if (entries.length === 0) return;
        this.#findings.passed(entries.reduce((sum, [key, value]) => sum + key.length + value.length, 0));
        yield entries;
      }
    } finally {
      await range.close();
    }
  }

  // Names

  #databaseOf(headKey: Uint8Array): number {
    return this.#opened.state.generations.indexOf(readUint32(headKey, 1));
  }

  #nameOf(headKey: Uint8Array): string {
    const text = JSON.stringify(Buffer.from(headKey.subarray(headKeyOverhead)).toString('latin1'));
    const database = this.#databaseOf(headKey);
    return database < 0 ? `key ${text}` : `database ${database}, key ${text}`;
  }

  #expiryKey(headKey: Uint8Array, expiryMs: number): Buffer {
    const { length } = headKey;
    const key = Buffer.allocUnsafe(length + 8);
    const generation = readUint32(headKey, 1);
    const { seed } = this.#opened;
    writeExpiryKey(key, expiryMs, generation, seed, headKey, headKeyOverhead, length - headKeyOverhead);
    return key;
  }

  #damage(place: string, what: string): void {
    this.#findings.damage(`${this.#place}, ${place}`, what);
  }
}

function hexOf(key: Uint8Array): string {
  return `record ${Buffer.from(key.subarray(0, 32)).toString('hex')}`;
}
