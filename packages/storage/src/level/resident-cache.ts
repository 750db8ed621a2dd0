/**
 * Keeps what is resident within a bound: lets keys go from memory that the disk has as they are.
 *
 *     the hand goes round over each database's dict, from hash to hash
 *
 *       accessed since it last came by                    loses the mark, and stays
 *       changed, and not yet on the disk                  stays: nothing but memory has it
 *       pinned: somebody waited for it, and is about to use it    stays
 *       the others                                        are let go
 *
 * Letting go is no change: no version, no mutation, no observer; a key counts in DBSIZE as before, and its expiry is
 * found in the index on the disk. It happens between turns only, some keys at a time.
 *
 * While a snapshot is being taken it has passed over keys that were resident, to describe them from memory later: those
 * that leave before are described as they go.
 */
// @hot-path
import type { Ref } from '../arena.js';
import type { Database } from '../database.js';
import type { MemoryStorage } from '../memory-storage.js';
import type { MutationWriter } from '../mutation.js';
import { databaseCount } from '../system-database.js';
import type { ColdNames } from './cold-names.js';
import { headKeyOverhead, writeHeadKey } from './disk-keys.js';
import type { ExpiredKeys } from './expired-keys.js';
import type { Keyspace } from './keyspace.js';
import type { Keyspaces } from './keyspaces.js';
import type { WriteBehind } from './write-behind.js';

/** What counts at most, as shares of the bound: what sets for the disk took of the system, and what is known of keys that left. */
const heldShareMax = 1 / 4;
const departedShareMax = 1 / 8;
/** Slots that the hand looks at before the bound is looked at again. */
const looksAtOnce = 64;
/** What is known of keys that left may take as much, however small the bound is. */
const knownBytesMin = 16 * 1024 * 1024;
/** The bound may be exceeded by this share of it by what is not on the disk yet: a write of a byte keeps all of a long string. */
const hurryShare = 1 / 8;
/** Nothing goes while a snapshot is so far behind with what went before, in bytes. */
const departedBytesMax = 4 * 1024 * 1024;

export interface ResidentCacheOptions {
  readonly memory: MemoryStorage;
  readonly keyspaces: Keyspaces;
  readonly writer: WriteBehind;
  readonly expired: ExpiredKeys;
  readonly names: ColdNames;
  readonly seed: number;
}

export class ResidentCache {
  /** What is resident may take so many bytes; 0 for any number. */
  maxBytes = 0;
  /** The highest version that was staged: what is above is in the journal only. */
  stagedVersion: number;
  /** Keys that were let go so far. */
  departures = 0;
  readonly #options: ResidentCacheOptions;
  /** Of each snapshot that is being taken: what went before it came by. */
  readonly #departed = new Set<MutationWriter>();
  /** Where the hand is: a database, and a place in its dict. */
  #index = 0;
  #cursor = 0;
  /** What it came by, and the hashes of the keys. */
  readonly #refs: Ref[] = [];
  readonly #hashes: number[] = [];
  /** The lowest version of the changes that are not on the disk yet. */
  #lowestPending = 0;
  /** It came by a key that can't leave before it is written. */
  #isHeldUp = false;
  #headKey = Buffer.allocUnsafeSlow(1024);

  constructor(options: ResidentCacheOptions) {
    this.#options = options;
    this.stagedVersion = options.memory.stamp.last;
  }

  /**
   * By how many bytes the bound is exceeded. What waits for the disk counts as well, or did and still has its memory, and what
   * is known of keys that left, each up to a share of the bound: a small one is not to keep nothing for them.
   */
  get #excessBytes(): number {
    const { memory, keyspaces, writer } = this.#options;
    let bytes = memory.usedBytes;
    let departedBytes = 0;
    for (const keyspace of keyspaces.all()) {
      bytes += keyspace.usedBytes;
      departedBytes += keyspace.departedBytes;
    }
    const heldBytes = Math.min(writer.heldBytes, this.maxBytes * heldShareMax);
    return bytes + heldBytes + Math.min(departedBytes, this.maxBytes * departedShareMax) - this.maxBytes;
  }

  /** Looks at `looks` keys at most; true when there is no more to be done, or can't be now. */
  letGoSome(looks: number): boolean {
    if (this.maxBytes === 0) return true;
    let excess = this.#excessBytes;
    if (excess <= 0) return true;
    const { memory, writer } = this.#options;
    if (!memory.releaseSome(looks)) return false;
    this.#lowestPending = writer.lowestPendingVersion;
    this.#isHeldUp = false;
    const before = this.departures;
    let skipped = 0;
    for (let left = looks; left > 0 && skipped <= databaseCount; left -= looksAtOnce) {
      const database = memory.database(this.#index);
      if (database.size === 0 || !this.#mayLeave(database)) {
        this.#nextDatabase();
        skipped++;
        left += looksAtOnce;
        continue;
      }
      skipped = 0;
      const { usedBytes } = database;
      this.#sweep(database);
      // What it takes beside changes with the keys that come, and hardly with those that go.
      excess -= usedBytes - database.usedBytes;
      if (excess <= 0) return true;
    }
    const isStuck = this.departures === before;
    const hurryBytes = this.maxBytes * hurryShare;
    if (isStuck && this.#isHeldUp && excess > hurryBytes) writer.hurry(hurryBytes);
    return isStuck;
  }

  /** A snapshot begins: until it ends, `departed` gets what leaves memory. */
  snapshotBegins(departed: MutationWriter): void {
    this.#departed.add(departed);
  }

  snapshotEnds(departed: MutationWriter): void {
    this.#departed.delete(departed);
  }

  get isSnapshotTaken(): boolean {
    return this.#departed.size > 0;
  }

  /** An eighth of the bound is for what is known of keys that left: ten of them for each that stays, if they have 100 bytes. */
  get knownBytesMax(): number {
    return Math.max(knownBytesMin, this.maxBytes * departedShareMax);
  }

  #nextDatabase(): void {
    // The last one is the system's, whose keys are needed without being asked for.
    this.#index = (this.#index + 1) % (databaseCount - 1);
    this.#cursor = 0;
  }

  #mayLeave({ index }: Database): boolean {
    const { keyspaces } = this.#options;
    const keyspace = keyspaces.live(index);
    // A flush or swap that is not staged: what the disk has under this index is something else.
    if (keyspace !== keyspaces.staged(index) || keyspace.holds > 0) return false;
    for (const departed of this.#departed) if (departed.length > departedBytesMax) return false;
    return true;
  }

  /** Lets go what the hand comes by next that may. */
  #sweep(database: Database): void {
    const refs = this.#refs;
    const hashes = this.#hashes;
    refs.length = 0;
    hashes.length = 0;
    this.#cursor = database.dict.sweep(this.#cursor, looksAtOnce, refs, hashes);
    const keyspace = this.#options.keyspaces.live(database.index);
    for (let i = 0; i < refs.length; i++) this.#letGo(keyspace, database, refs[i], hashes[i]);
    if (this.#cursor === 0) this.#nextDatabase();
  }

  #letGo(keyspace: Keyspace, database: Database, ref: Ref, hash: number): void {
    const { arena, dict } = database;
    const version = dict.stamp(ref);
    if (version > this.stagedVersion) {
      this.#isHeldUp = true;
      return;
    }
    const bytes = arena.chunk(ref);
    const start = dict.keyStart(ref);
    const length = dict.keyLength(ref);
    if (keyspace.isPinned(bytes, start, length)) return;
    // Of most keys their version says it: sets that wait have changes of a later one alone.
    if (version >= this.#lowestPending && this.#isPending(keyspace.generation, bytes, start, length)) {
      this.#isHeldUp = true;
      return;
    }
    // What is here in part is described from the disk.
    const isWhole = database.partialCollection(ref) === null;
    if (isWhole) for (const departed of this.#departed) database.describeAgain(ref, departed);
    const { expired, names } = this.#options;
    const expiryMs = dict.expiry(ref);
    if (expiryMs !== 0) expired.mayExpireAt(expiryMs);
    if (names.isActive) names.leaves(keyspace, bytes, start, length, expiryMs);
    dict.seek(hash, ref);
    keyspace.letGo(bytes, start, length, this.knownBytesMax);
    database.letGo(ref);
    this.departures++;
  }

  /** Whether a set that is not on the disk yet has something of the key. A change of an element has its head too. */
  #isPending(generation: number, bytes: Uint8Array, start: number, length: number): boolean {
    const { seed, writer } = this.#options;
    if (length + headKeyOverhead > this.#headKey.length) {
      this.#headKey = Buffer.allocUnsafeSlow((length + headKeyOverhead) * 2);
    }
    const headLength = writeHeadKey(this.#headKey, generation, seed, bytes, start, length);
    return writer.isPending(this.#headKey, headLength);
  }
}
