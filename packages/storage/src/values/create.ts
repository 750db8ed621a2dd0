import { KvError } from '@holdfast/common';
import { type Collection, valueTypes } from '../collection.js';
import type { Database } from '../database.js';
import { HashValue } from './hash-value.js';
import { ListValue } from './list-value.js';
import { SetValue } from './set-value.js';
import { StreamValue } from './stream-value.js';
import { ZSetValue } from './zset-value.js';

/** An empty collection of a type, for a database; not yet attached to a key. */
export function createCollection(type: number, database: Database): Collection {
  switch (type) {
    case valueTypes.list:
      return new ListValue(database);
    case valueTypes.zset:
      return new ZSetValue(database);
    case valueTypes.hash:
      return new HashValue(database);
    case valueTypes.set:
      return new SetValue(database);
    case valueTypes.stream:
      return new StreamValue(database);
    default:
      throw new KvError(
        'CORRUPT',
        `no collection has type ${type}: the record is damaged or newer than this program`,
      );
  }
}
