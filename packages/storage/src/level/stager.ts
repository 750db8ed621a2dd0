/**
 * Turns batches of mutations into operations on the disk's keys.
 *
 * A batch is staged while the state in memory is exactly what the batch leads to. So a mutation that does
 * not carry the whole value (an expiry, a patch, a rename, a collection's change) only marks its key: the
 * head is read from memory when the set is frozen, which happens at such an instant too. If the key was
 * then changed again by a later mutation of the set, the later one has replaced the mark.
 *
 * What a key had before (an expiry, elements) is noted in its Keyspace, by this class alone.
 */
// @hot-path
import { copyBytes } from '@holdfast/common';
import type { Ref } from '../arena.js';
import { valueTypes } from '../collection.js';
import type { Database } from '../database.js';
import type { LargeString } from '../large-string.js';
import { MutationReader, MutationWriter, mutationKinds } from '../mutation.js';
import { formOf } from '../string-forms.js';
import { inlineValueBytesMax } from '../string-keys.js';
import {
  expiryKeyOverhead,
  numberKey32,
  numberKey64,
  prefixes,
  writeExpiryKey,
  writeHeadKey,
} from './disk-keys.js';
import { formFlags, headBytes, headFlags, writeHead } from './disk-records.js';
import { ElementOrder } from './element-order.js';
import type { Keyspace } from './keyspace.js';
import type { Keyspaces } from './keyspaces.js';
import { ElementSink, type Layout } from './layouts/index.js';
import { aheadBytesMin, lengthBytes, lengthContent, putPieces } from './string-pieces.js';
import type { Restated, RestatedElement, WriteSet } from './write-set.js';

/** Told of every key that is written. */
export interface StagedKeys {
  written(keyspace: Keyspace, key: Uint8Array, start: number, length: number): void;
}

export class Stager {
  listener: StagedKeys | null = null;
  readonly #keyspaces: Keyspaces;
  readonly #layouts: readonly Layout[];
  readonly #seed: number;
  /** Incarnations from here on are free. */
  nextIncarnation: number;
  /** The highest version staged. */
  lastVersion: number;
  #set!: WriteSet;
  #sink!: ElementSink;
  /** The disk key being built. */
  #key = Buffer.allocUnsafeSlow(1024);
  readonly #order = new ElementOrder();
  readonly #description = new MutationWriter(1024);

  constructor(
    keyspaces: Keyspaces,
    layouts: readonly Layout[],
    seed: number,
    nextIncarnation: number,
    lastVersion: number,
  ) {
    this.#keyspaces = keyspaces;
    this.#layouts = layouts;
    this.#seed = seed;
    this.nextIncarnation = nextIncarnation;
    this.lastVersion = lastVersion;
  }

  /** What is staged from now on goes to `set`. */
  fill(set: WriteSet): void {
    this.#set = set;
    this.#sink = new ElementSink(set);
  }

  stage(batch: Uint8Array): void {
    const reader = new MutationReader(batch);
    const set = this.#set;
    while (reader.next()) {
      const { version } = reader;
      if (version > this.lastVersion) this.lastVersion = version;
      if (version < set.lowestVersion) set.lowestVersion = version;
      this.#stageRecord(reader, this.#keyspaces.staged(reader.database));
    }
  }

  /**
   * Reads the heads that are marked from memory. The state there must be that of the last staged batch. The
   * set takes no more batches.
   */
  freeze(): void {
    const set = this.#set;
    for (const { keyspace, key } of set.restated) {
      const length = this.#headKey(keyspace, key, 0, key.length);
      if (!set.isRestated(this.#key, length)) continue;
      const { database } = keyspace;
      // A keyspace that was flushed meanwhile: what this set has for it must not outlive its key.
      const ref = this.#keyspaces.isLive(keyspace) ? database.find(key, 0, key.length) : 0;
      if (ref === 0) this.#delete(keyspace, key, 0, key.length);
      else this.#freezeHead(keyspace, database, ref, key);
    }
    for (const restated of set.restatedElements) this.#freezeElement(restated);
    set.restatedAll();
  }

  #stageRecord(reader: MutationReader, keyspace: Keyspace): void {
    const { bytes, keyStart, keyLength } = reader;
    switch (reader.kind) {
      case mutationKinds.putString: {
        const expiryMs = reader.number();
        const flags = formFlags[formOf(reader.byte())];
        reader.field();
        if (reader.fieldLength > inlineValueBytesMax && this.#keyspaces.isLive(keyspace)) {
          // Its pieces are read from memory: what is staged is not copied, and written once whatever follows.
          this.#settle(keyspace, bytes, keyStart, keyLength, this.nextIncarnation++, expiryMs);
          this.#restateWhole(keyspace, bytes, keyStart, keyLength);
          return;
        }
        this.#settle(keyspace, bytes, keyStart, keyLength, 0, expiryMs);
        this.#putString(keyspace, reader, flags, expiryMs);
        return;
      }
      case mutationKinds.deleteKey:
        this.#delete(keyspace, bytes, keyStart, keyLength);
        return;
      case mutationKinds.setExpiry:
        this.#stageExpiry(keyspace, bytes, keyStart, keyLength, reader.number());
        return;
      case mutationKinds.patchString:
        reader.uint32();
        reader.uint32();
        reader.field();
        this.#restateWhole(keyspace, bytes, keyStart, keyLength);
        return;
      case mutationKinds.renameKey:
        reader.field();
        this.#rename(keyspace, reader);
        return;
      case mutationKinds.flushDatabase:
        this.#flush(reader.database);
        return;
      case mutationKinds.swapDatabases:
        this.#keyspaces.stageSwap(reader.database, reader.byte());
        return;
      case mutationKinds.leadership:
        reader.field();
        return;
      default:
        this.#stageCollection(keyspace, reader);
    }
  }

  #putString(keyspace: Keyspace, reader: MutationReader, flags: number, expiryMs: number): void {
    const { bytes, fieldStart, fieldLength } = reader;
    const set = this.#set;
    this.listener?.written(keyspace, bytes, reader.keyStart, reader.keyLength);
    const length = this.#headKey(keyspace, bytes, reader.keyStart, reader.keyLength);
    set.put(this.#key, length, headBytes(expiryMs, 0) + fieldLength);
    const at = writeHead(set.bytes, set.at, valueTypes.string, flags, reader.version, expiryMs, 0);
    copyBytes(bytes, fieldStart, set.bytes, at, fieldLength);
  }

  #delete(keyspace: Keyspace, key: Uint8Array, start: number, length: number): void {
    this.#settle(keyspace, key, start, length, 0, 0);
    const keyBytes = this.#headKey(keyspace, key, start, length);
    this.#set.delete(this.#key, keyBytes);
    keyspace.removalStaged(key, start, length, this.#set.sequence);
  }

  #stageExpiry(keyspace: Keyspace, key: Uint8Array, start: number, length: number, expiryMs: number): void {
    const head = keyspace.findHead(key, start, length);
    this.#settle(keyspace, key, start, length, head === 0 ? 0 : keyspace.incarnation(head), expiryMs);
    this.#restateWhole(keyspace, key, start, length);
  }

  /** The head moves, and with it, by its incarnation, whatever elements there are. */
  #rename(keyspace: Keyspace, reader: MutationReader): void {
    const { bytes, keyStart, keyLength, fieldStart, fieldLength } = reader;
    const head = keyspace.findHead(bytes, keyStart, keyLength);
    const incarnation = head === 0 ? 0 : keyspace.incarnation(head);
    const expiryMs = head === 0 ? 0 : keyspace.expiry(head);
    if (head !== 0) {
      if (expiryMs !== 0) this.#deleteExpiry(keyspace, bytes, keyStart, keyLength, expiryMs);
      keyspace.noteHead(bytes, keyStart, keyLength, 0, 0);
    }
    this.#delete(keyspace, bytes, keyStart, keyLength);
    this.#settle(keyspace, bytes, fieldStart, fieldLength, incarnation, expiryMs);
    const target = Buffer.from(bytes.subarray(fieldStart, fieldStart + fieldLength));
    this.#set.moveOwner(incarnation, { keyspace, key: target });
    this.#restateWhole(keyspace, bytes, fieldStart, fieldLength);
  }

  #flush(database: number): void {
    const { generation } = this.#keyspaces.stageFlush(database);
    const key = numberKey32(prefixes.generation, generation);
    this.#set.put(key, key.length, 0);
    this.#set.deadGenerations.push(generation);
  }

  #stageCollection(keyspace: Keyspace, reader: MutationReader): void {
    const { bytes, keyStart, keyLength } = reader;
    const layout = this.#layouts[(reader.kind >>> 3) - 1];
    const { database } = keyspace;
    if (!layout.hasElements || !this.#keyspaces.isLive(keyspace)) {
      layout.stage(reader, database, null);
    } else {
      const incarnation = this.#incarnationOf(keyspace, bytes, keyStart, keyLength);
      const isRenewed = this.#set.renewed.has(incarnation);
      const sink = isRenewed ? null : this.#sink.begin(incarnation, keyspace, bytes, keyStart, keyLength);
      const isTold = layout.stage(reader, database, sink);
      if (!isTold && !isRenewed) this.#renew(keyspace, bytes, keyStart, keyLength);
    }
    this.#restateWhole(keyspace, bytes, keyStart, keyLength);
  }

  /** The incarnation of a key that holds a collection; a new one when it had none. */
  #incarnationOf(keyspace: Keyspace, key: Uint8Array, start: number, length: number): number {
    const head = keyspace.findHead(key, start, length);
    if (head !== 0 && keyspace.incarnation(head) !== 0) return keyspace.incarnation(head);
    const incarnation = this.nextIncarnation++;
    keyspace.noteHead(key, start, length, incarnation, head === 0 ? 0 : keyspace.expiry(head));
    return incarnation;
  }

  /** The collection of a key gets a new incarnation, which is written as a whole when the set is frozen. */
  #renew(keyspace: Keyspace, key: Uint8Array, start: number, length: number): number {
    const head = keyspace.findHead(key, start, length);
    const expiryMs = head === 0 ? 0 : keyspace.expiry(head);
    const incarnation = this.nextIncarnation++;
    this.#settle(keyspace, key, start, length, incarnation, expiryMs);
    this.#set.renewed.add(incarnation);
    return incarnation;
  }

  /** A key gets another incarnation or expiry, or none: what the old ones have on the disk goes. */
  #settle(
    keyspace: Keyspace,
    key: Uint8Array,
    start: number,
    length: number,
    incarnation: number,
    expiryMs: number,
  ): void {
    if (incarnation === 0 && expiryMs === 0 && !keyspace.hasHeads) return;
    const head = keyspace.findHead(key, start, length);
    const oldIncarnation = head === 0 ? 0 : keyspace.incarnation(head);
    const oldExpiryMs = head === 0 ? 0 : keyspace.expiry(head);
    if (oldIncarnation !== incarnation && oldIncarnation !== 0) this.#drop(oldIncarnation);
    if (oldExpiryMs !== expiryMs) {
      if (oldExpiryMs !== 0) this.#deleteExpiry(keyspace, key, start, length, oldExpiryMs);
      if (expiryMs !== 0) this.#putExpiry(keyspace, key, start, length, expiryMs);
    }
    if (oldIncarnation !== incarnation || oldExpiryMs !== expiryMs) {
      keyspace.noteHead(key, start, length, incarnation, expiryMs);
    }
  }

  #drop(incarnation: number): void {
    if (!this.#set.drop(incarnation)) return;
    const key = numberKey64(prefixes.orphan, incarnation);
    this.#set.put(key, key.length, 0);
    this.#set.orphans.push(incarnation);
  }

  #putExpiry(keyspace: Keyspace, key: Uint8Array, start: number, length: number, expiryMs: number): void {
    const keyBytes = this.#expiryKey(keyspace, key, start, length, expiryMs);
    this.#set.put(this.#key, keyBytes, 0);
  }

  #deleteExpiry(keyspace: Keyspace, key: Uint8Array, start: number, length: number, expiryMs: number): void {
    const keyBytes = this.#expiryKey(keyspace, key, start, length, expiryMs);
    this.#set.delete(this.#key, keyBytes);
  }

  /** Returns whether that is new to the set. */
  #restate(keyspace: Keyspace, key: Uint8Array, start: number, length: number): boolean {
    this.listener?.written(keyspace, key, start, length);
    const keyBytes = this.#headKey(keyspace, key, start, length);
    if (!this.#set.restate(this.#key, keyBytes)) return false;
    this.#set.restated.push({ keyspace, key: Buffer.from(key.subarray(start, start + length)) });
    return true;
  }

  /** Of a key whose value may be written as a whole, a string or a list: the set is to end before that is too much. */
  #restateWhole(keyspace: Keyspace, key: Uint8Array, start: number, length: number): void {
    if (!this.#restate(keyspace, key, start, length) || !this.#keyspaces.isLive(keyspace)) return;
    const { database } = keyspace;
    const ref = database.find(key, start, length);
    if (ref !== 0) this.#set.expect(this.#wholeBytes(database, ref));
  }

  /**
   * What of a value is known to be written when the set is frozen, in bytes. Of a large string it may be a piece or two, but all of
   * it stays in memory until then.
   */
  #wholeBytes(database: Database, ref: Ref): number {
    const type = database.type(ref);
    if (type === valueTypes.string) return database.stringLength(ref);
    return this.#layouts[type].renewalBytes(database.collection(ref));
  }

  #freezeHead(keyspace: Keyspace, database: Database, ref: Ref, key: Buffer): void {
    const type = database.type(ref);
    const version = database.version(ref);
    const expiryMs = database.expiry(ref);
    if (type === valueTypes.string) {
      const flags = formFlags[database.stringForm(ref)];
      const large = database.largeString(ref);
      if (large !== null) {
        this.#freezeLarge(keyspace, key, flags, version, expiryMs, large);
        return;
      }
      database.readString(ref);
      const { valueBytes, valueStart, valueLength } = database;
      this.#putHead(keyspace, key, type, flags, version, expiryMs, 0, valueBytes, valueStart, valueLength);
      return;
    }
    const layout = this.#layouts[type];
    const collection = database.collection(ref);
    if (layout.hasElements) {
      let incarnation = this.#incarnationOf(keyspace, key, 0, key.length);
      let isNew = incarnation >= this.#set.firstIncarnation;
      if (!isNew && layout.needsRenewal(collection)) {
        incarnation = this.#renew(keyspace, key, 0, key.length);
        isNew = true;
      }
      const flags = layout.expires(collection) ? headFlags.hasExpiringElements : 0;
      const order = this.#order;
      order.describe(collection, layout.table(collection));
      const { bytes, length } = order;
      this.#putHead(keyspace, key, type, flags, version, expiryMs, incarnation, bytes, 0, length);
      const sink = this.#sink.begin(incarnation, keyspace, key, 0, key.length);
      layout.freeze(collection, isNew, this.#set.renewed.has(incarnation), sink);
      return;
    }
    const description = this.#description;
    description.clear();
    collection.describe(description);
    const { bytes, length } = description;
    this.#putHead(keyspace, key, type, headFlags.isWhole, version, expiryMs, 0, bytes, 0, length);
  }

  #freezeLarge(
    keyspace: Keyspace,
    key: Buffer,
    flags: number,
    version: number,
    expiryMs: number,
    large: LargeString,
  ): void {
    let incarnation = this.#incarnationOf(keyspace, key, 0, key.length);
    // What nobody sees yet need not be in one batch.
    if (incarnation < this.#set.firstIncarnation && large.changedBytes > aheadBytesMin) {
      incarnation = this.nextIncarnation++;
      this.#settle(keyspace, key, 0, key.length, incarnation, expiryMs);
    }
    const content = lengthContent(large.length);
    this.#putHead(
      keyspace,
      key,
      valueTypes.string,
      flags,
      version,
      expiryMs,
      incarnation,
      content,
      0,
      lengthBytes,
    );
    const isNew = incarnation >= this.#set.firstIncarnation;
    if (isNew) {
      this.#set.unseen.add(incarnation);
      this.#set.unseenBytes += large.length;
    }
    putPieces(large, isNew, this.#sink.begin(incarnation, keyspace, key, 0, key.length));
    large.written();
  }

  #freezeElement({ incarnation, element }: RestatedElement): void {
    const { keyspace, key } = this.#set.owners.get(incarnation) as Restated;
    const head = keyspace.findHead(key, 0, key.length);
    if (head === 0 || keyspace.incarnation(head) !== incarnation || !this.#keyspaces.isLive(keyspace)) return;
    const sink = this.#sink.begin(incarnation, keyspace, key, 0, key.length);
    if (!sink.isRestated(element)) return;
    const { database } = keyspace;
    const ref = database.find(key, 0, key.length);
    if (ref === 0) return;
    this.#layouts[database.type(ref)].freezeElement(database.collection(ref), element, sink);
  }

  #putHead(
    keyspace: Keyspace,
    key: Buffer,
    type: number,
    flags: number,
    version: number,
    expiryMs: number,
    incarnation: number,
    content: Uint8Array,
    start: number,
    length: number,
  ): void {
    const set = this.#set;
    const keyLength = this.#headKey(keyspace, key, 0, key.length);
    set.put(this.#key, keyLength, headBytes(expiryMs, incarnation) + length);
    const at = writeHead(set.bytes, set.at, type, flags, version, expiryMs, incarnation);
    copyBytes(content, start, set.bytes, at, length);
  }

  #headKey({ generation }: Keyspace, key: Uint8Array, start: number, length: number): number {
    this.#reserve(length);
    return writeHeadKey(this.#key, generation, this.#seed, key, start, length);
  }

  #expiryKey(keyspace: Keyspace, key: Uint8Array, start: number, length: number, expiryMs: number): number {
    this.#reserve(length);
    return writeExpiryKey(this.#key, expiryMs, keyspace.generation, this.#seed, key, start, length);
  }

  #reserve(keyLength: number): void {
    const needed = expiryKeyOverhead + keyLength;
    if (needed > this.#key.length) this.#key = Buffer.allocUnsafeSlow(needed * 2);
  }
}
