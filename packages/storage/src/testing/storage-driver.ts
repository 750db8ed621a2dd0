/**
 * Drives a storage as a coordinator does: changes in turns, each turn's batch staged, appended to a log (an
 * array here) and committed.
 */
import { emptyBytes } from '@holdfast/common';
import { type Collection, valueTypes } from '../collection.js';
import type { Database } from '../database.js';
import { MutationWriter } from '../mutation.js';
import type { ElementNames } from '../partial-elements.js';
import type { KeyName, Storage } from '../storage.js';
import { stringForms } from '../string-forms.js';
import { createCollection } from '../values/create.js';
import type { HashValue } from '../values/hash-value.js';
import type { ListValue } from '../values/list-value.js';
import type { SetValue } from '../values/set-value.js';
import type { StreamValue } from '../values/stream-value.js';
import type { ZSetValue } from '../values/zset-value.js';

export interface CollectionsByType {
  list: ListValue;
  set: SetValue;
  zset: ZSetValue;
  hash: HashValue;
  stream: StreamValue;
}

export const bytesOfText = (text: string): Buffer => Buffer.from(text, 'latin1');

function elementNames(names: readonly string[]): ElementNames {
  const starts: number[] = [];
  let length = 0;
  for (const name of names) {
    starts.push(length);
    length += name.length;
  }
  return {
    bytes: bytesOfText(names.join('')),
    count: names.length,
    start: (i) => starts[i],
    length: (i) => names[i].length,
  };
}

/** Of a few keys all that may go do. */
const looksPerTurn = 200;

export class StorageDriver {
  readonly storage: Storage;
  /** Batch i is at position i + 1. */
  readonly log: Buffer[];
  readonly #journal = new MutationWriter();
  #version: number;
  #committed: number;

  /** `log` is what was appended in earlier lives. */
  constructor(storage: Storage, log: Buffer[] = []) {
    this.storage = storage;
    this.log = log;
    this.#committed = log.length;
    this.#version = storage.stamp.last;
    storage.stamp.source = { next: (count) => (this.#version += count) - count + 1 };
    storage.journal = this.#journal;
  }

  /** Replays what the storage's own disk does not have. */
  async recover(): Promise<void> {
    const { storage, log } = this;
    for (let position = storage.durablePosition + 1; position <= log.length; position++) {
      const batch = log[position - 1];
      await storage.prepareApply(batch, true);
      storage.apply(batch, position);
    }
    this.#version = storage.stamp.last;
  }

  /** One write: all its changes share a version. */
  write<T>(change: (database: Database) => T, database = 0): T {
    this.storage.stamp.reset();
    return change(this.storage.database(database));
  }

  /** Ends the turn: what was written is staged and appended to the log. */
  stage(): void {
    const journal = this.#journal;
    if (journal.length === 0) return;
    const batch = journal.bytes.subarray(0, journal.length);
    this.storage.staged(batch);
    this.log.push(Buffer.from(batch));
    // Nobody may rely on the batch after the call.
    batch.fill(0xee);
    journal.clear();
    this.letGo();
  }

  /** The log is durable up to a position. */
  commit(position = this.log.length): void {
    while (this.#committed < position) this.storage.committed(++this.#committed);
    this.letGo();
  }

  get committedPosition(): number {
    return this.#committed;
  }

  /** Ends the turn, and commits it at once. */
  settle(): void {
    this.stage();
    this.commit();
  }

  /** Lets go of what may go. */
  letGo(): void {
    this.storage.letGoSome(looksPerTurn);
  }

  /** Loads keys that are not resident; the others stay meanwhile. */
  async load(...names: KeyName[]): Promise<void> {
    const { storage } = this;
    const isMissing = ({ database, key }: KeyName) => !storage.isResident(database, key, 0, key.length);
    if (names.some(isMissing)) await storage.load(names);
  }

  /** Loads some elements of a key's value, where that suffices. */
  async loadElements(key: string, elements: readonly string[], database = 0): Promise<void> {
    const request = () => this.requestElements(key, elements, database);
    for (let loading = request(); loading !== null; loading = request()) await loading;
  }

  /** Null when they are there; otherwise it makes sense to ask again when it resolves. */
  requestElements(key: string, elements: readonly string[], database = 0): Promise<void> | null {
    const { storage } = this;
    const name = bytesOfText(key);
    const names = elementNames(elements);
    if (storage.isResidentFor(database, name, 0, name.length, names)) return null;
    return storage.loadElements([{ database, key: name }], names);
  }

  // Changes, for keys that are resident. Keys and values are byte strings.

  set(key: string, value: string, expiryMs = 0, database = 0): void {
    const [name, bytes] = [bytesOfText(key), bytesOfText(value)];
    this.write((db) => {
      const ref = db.find(name, 0, name.length);
      db.putString(ref, name, 0, name.length, bytes, 0, bytes.length, expiryMs, stringForms.plain);
    }, database);
  }

  /** Overwrites a part of a string, which is made when it is not there. */
  patch(key: string, at: number, value: string, database = 0): void {
    const [name, bytes] = [bytesOfText(key), bytesOfText(value)];
    this.write((db) => {
      let ref = db.find(name, 0, name.length);
      if (ref === 0) ref = db.putString(0, name, 0, name.length, emptyBytes, 0, 0, 0, stringForms.raw);
      const length = Math.max(db.stringLength(ref), at + bytes.length);
      db.patchString(db.find(name, 0, name.length), length, at, bytes, 0, bytes.length);
    }, database);
  }

  delete(key: string, database = 0): boolean {
    const name = bytesOfText(key);
    return this.write((db) => {
      const ref = db.find(name, 0, name.length);
      if (ref !== 0) db.remove(ref);
      return ref !== 0;
    }, database);
  }

  expire(key: string, expiryMs: number, database = 0): void {
    const name = bytesOfText(key);
    this.write((db) => {
      const ref = db.find(name, 0, name.length);
      if (ref !== 0) db.setExpiry(ref, expiryMs);
    }, database);
  }

  /** As RENAME does: what is at the target goes. */
  rename(key: string, target: string, database = 0): void {
    const [name, to] = [bytesOfText(key), bytesOfText(target)];
    if (key === target) return;
    this.write((db) => {
      if (db.find(name, 0, name.length) === 0) return;
      const old = db.find(to, 0, to.length);
      if (old !== 0) db.remove(old);
      db.rename(db.find(name, 0, name.length), to, 0, to.length);
    }, database);
  }

  /** Changes a collection, which is made when the key is not there, and replaces a key of another type. */
  change<T extends keyof CollectionsByType>(
    type: T,
    key: string,
    change: (collection: CollectionsByType[T]) => void,
    database = 0,
  ): void {
    const name = bytesOfText(key);
    this.write((db) => {
      let ref = db.find(name, 0, name.length);
      if (ref !== 0 && db.type(ref) !== valueTypes[type]) {
        db.remove(ref);
        ref = 0;
      }
      if (ref === 0) {
        db.find(name, 0, name.length);
        ref = db.putCollection(name, 0, name.length, createCollection(valueTypes[type], db));
      }
      const collection = db.collection(ref) as Collection;
      change(collection as CollectionsByType[T]);
      if (collection.size === 0 && type !== 'stream') db.remove(db.find(name, 0, name.length));
    }, database);
  }

  flushDatabase(database = 0): void {
    this.write((db) => db.flush(), database);
  }

  swap(a: number, b: number): void {
    this.write(() => this.storage.swap(a, b));
  }

  /** A string's value, null when there is none. */
  get(key: string, database = 0): string | null {
    const name = bytesOfText(key);
    const db = this.storage.database(database);
    const ref = db.find(name, 0, name.length);
    if (ref === 0) return null;
    db.readString(ref);
    return Buffer.from(db.valueBytes.subarray(db.valueStart, db.valueStart + db.valueLength)).toString(
      'latin1',
    );
  }
}
