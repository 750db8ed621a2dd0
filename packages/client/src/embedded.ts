/** `open()` alone, for programs that never `connect`: loads no gRPC. */
export { type ErrorCode, KvError } from '@holdfast/common';
export { type OpenOptions, open } from './embedded-store.js';
export type {
  Bytes,
  CallOptions,
  Comparison,
  DeleteOptions,
  Entry,
  ExecuteOptions,
  Found,
  Freshness,
  KeyValueStore,
  Page,
  PutOptions,
  ReadOptions,
  ScanOptions,
  Selection,
  TransactOptions,
  Value,
  ValueType,
} from './key-value-store.js';
