export { MutationApplier } from './apply.js';
export { Arena, type Ref } from './arena.js';
export { Collection, valueTypeNames, valueTypes } from './collection.js';
export { copyKey } from './copy-key.js';
export {
  Database,
  type DatabaseContext,
  inlineValueBytesMax,
  type KeyspaceObserver,
} from './database.js';
export { Dict } from './dict.js';
export { MemoryStorage } from './memory-storage.js';
export { collectionKinds, MutationReader, MutationWriter, mutationKinds } from './mutation.js';
export type { KeyName, Storage } from './storage.js';
export { createCollection } from './values/create.js';
export { type EncodingLimits, encodingLimits } from './values/encoding-limits.js';
export { type VersionSource, WriteStamp } from './write-stamp.js';
