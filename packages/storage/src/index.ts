export { MutationApplier } from './apply.js';
export { Arena, type Ref } from './arena.js';
export { type BackupFields, backupFormat, backupMagic } from './backup/backup-format.js';
export { type BackupItem, readBackup } from './backup/backup-reader.js';
export { type BackupMark, BackupWriter } from './backup/backup-writer.js';
export { BatchCheck } from './batch-check.js';
export { BatchCut } from './batch-cut.js';
export { type BatchWrite, BatchWrites, firstVersionOf } from './batch-writes.js';
export { Collection, valueTypeNames, valueTypes } from './collection.js';
export { copyKey } from './copy-key.js';
export {
  type CreationListener,
  Database,
  type DatabaseContext,
  inlineValueBytesMax,
  type KeyspaceObserver,
} from './database.js';
export { Dict } from './dict.js';
export { wasAccessed } from './dict-segment.js';
export type { ExpiringCollection, ExpiringCollections } from './expiring-collections.js';
export type { StoreDirectory, StoreFile } from './level/files/store-files.js';
export { checkLevel } from './level/level-check.js';
export { LevelStorage, type LevelStorageOptions } from './level/level-storage.js';
export type { StoreSummary } from './level/store-check.js';
export { MemoryStorage, type MemoryStorageOptions } from './memory-storage.js';
export { collectionKinds, MutationReader, MutationWriter, mutationKinds } from './mutation.js';
export { type ElementNames, noElements } from './partial-elements.js';
export { dumpPayload, isPayload, readPayload } from './rdb/dump-payload.js';
export { type RdbFileItem, type RdbFileKey, RdbFileReader } from './rdb/file-reader.js';
export { RdbFileWriter } from './rdb/file-writer.js';
export { dumpLibraries, readLibraries } from './rdb/library-payload.js';
export { rdbVersions } from './rdb/rdb-types.js';
export type { RdbValue } from './rdb/value-reader.js';
export type { KeyName, Storage } from './storage.js';
export { stringForms } from './string-forms.js';
export { databaseCount, systemDatabase } from './system-database.js';
export { createCollection } from './values/create.js';
export { type EncodingLimits, encodingLimits } from './values/encoding-limits.js';
export { type Entry, EntryView, type FieldTable } from './values/field-table.js';
export { HashValue } from './values/hash-value.js';
export { ListCursor } from './values/list-cursor.js';
export { type Side, sides } from './values/list-node.js';
export { type ListSearch, ListValue } from './values/list-value.js';
export { type SetEncoding, SetValue } from './values/set-value.js';
export { StreamCursor } from './values/stream-cursor.js';
export { neverActive, type StreamConsumer, type StreamGroup, unknownReads } from './values/stream-group.js';
export { idTextBytesMax, StreamId } from './values/stream-id.js';
export { StreamIds } from './values/stream-ids.js';
export { TrimRule } from './values/stream-trim.js';
export { StreamValue } from './values/stream-value.js';
export { ZSetBound } from './values/zset-bound.js';
export { ZSetCursor } from './values/zset-cursor.js';
export { ZSetValue } from './values/zset-value.js';
export { type VersionSource, WriteStamp } from './write-stamp.js';
