/** What a database is told by those around it, and tells them: the same for all databases of a storage. */
import type { Collection } from './collection.js';
import type { Database } from './database.js';
import type { Keyspace } from './keyspace.js';
import type { MutationWriter } from './mutation.js';
import type { WriteStamp } from './write-stamp.js';

/** Told of every change of a key, before its old value is gone: WATCH, tracking, caches. */
export interface KeyspaceObserver {
  changed(keyspace: Keyspace, bytes: Uint8Array, start: number, length: number): void;
  /** Who waits for a key has to look again, though those who read it see what they saw. */
  ready(keyspace: Keyspace, bytes: Uint8Array, start: number, length: number): void;
  /** All keys of a database are about to be removed, or to be replaced by those of another one. */
  replaced(database: Database, by: Database | null): void;
}

/** Told of every key that a command adds, right before it has its value. */
export interface CreationListener {
  created(keyspace: Keyspace, bytes: Uint8Array, start: number, length: number): void;
}

/** Told of what leaves memory by a change: for a storage that has keys elsewhere too. */
export interface Residency {
  /** A key was removed, or got another name. */
  removed(database: Database, bytes: Uint8Array, start: number, length: number): void;
  /** What others wrote is about to replace a string without an expiry that is not in memory, if what it says is true here. */
  replacedUnseen(database: Database): void;
  /** All keys of a database were removed at once. */
  emptied(database: Database): void;
  /** Two databases have changed places. */
  swapped(a: number, b: number): void;
}

/** What the databases of one storage share. */
export interface DatabaseContext {
  readonly stamp: WriteStamp;
  readonly seed: number;
  journal: MutationWriter | null;
  observer: KeyspaceObserver | null;
  /** Set only while a command runs: what is loaded, or applied, was there before. */
  creations: CreationListener | null;
  readonly residency: Residency | null;
  /** Snapshots being taken: meanwhile a renamed key is journaled with its whole value. */
  snapshots: number;
  /** Keys that were renamed by what others wrote, while a snapshot is being taken: it has to look at them again. */
  readonly renamed: { readonly database: Database; readonly key: Buffer }[];
  /** What a database takes at first, in bytes of address space: see `Arena`. */
  readonly firstChunkBytes?: number | undefined;
  /** Collections that lost their key and still hold memory: released a bit at a time. */
  readonly released: Collection[];
  /** Whether dicts of keys remember accesses: see `Dict`. */
  tracksAccess: boolean;
}
