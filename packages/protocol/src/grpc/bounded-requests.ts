/**
 * Requests of calls, with as many parts as a call may have, and no more. Each part takes two bytes of a message, and
 * a hundred times that once it is an object: parts are counted before anything is decoded, or a message within its limit
 * would take all the memory that there is, before anybody asks who sent it.
 */
import { batchKeysMax, KvError } from '@holdfast/common';
import { kv, tagOf, WireReader, wireTypes } from '@holdfast/rpc';
import { argumentsMax } from './limits.js';

/** Fields of a request beside those that are repeated. */
const othersMax = 16;
/** TransactRequest: what is compared has two fields, and commands have arguments. */
const repeatedTags: ReadonlySet<number> = new Set([tagOf(1, wireTypes.bytes), tagOf(2, wireTypes.bytes)]);
const none: ReadonlySet<number> = new Set();

type Deserialize<Q> = (bytes: Buffer) => Q | KvError;

/**
 * The API's calls of one request: what has too many parts, and what can't be read, is a KvError in the place of the
 * request. gRPC itself would say INTERNAL, and the server was none the wiser.
 */
export const boundedService = {
  get: bounded(kv.KVService.get),
  batchGet: bounded(kv.KVService.batchGet, batchKeysMax),
  put: bounded(kv.KVService.put),
  delete: bounded(kv.KVService.delete),
  deleteRange: bounded(kv.KVService.deleteRange),
  scan: bounded(kv.KVService.scan),
  execute: bounded(kv.KVService.execute, argumentsMax),
  transact: bounded(kv.KVService.transact, argumentsMax, repeatedTags),
};

function bounded<Q, M extends { requestDeserialize(bytes: Buffer): Q }>(
  method: M & { requestDeserialize(bytes: Buffer): Q },
  partsMax = 0,
  nested: ReadonlySet<number> = none,
): Omit<M, 'requestDeserialize'> & { requestDeserialize: Deserialize<Q> } {
  const requestDeserialize = (bytes: Buffer): Q | KvError => {
    try {
      const left = partsMax === 0 ? 0 : partsLeft(bytes, 0, bytes.length, nested, partsMax + othersMax);
      if (left < 0) return new KvError('LIMIT', `the request has more than ${partsMax} parts`);
      return method.requestDeserialize(bytes);
    } catch (error) {
      // No protobuf, or a number that none of ours reaches.
      return new KvError('INVALID', `the request can't be read: ${(error as Error).message}`);
    }
  };
  return { ...method, requestDeserialize };
}

/** What is left of `partsMax` after the fields of a message, those of its `nested` fields included; below 0: too many. */
function partsLeft(
  bytes: Buffer,
  start: number,
  end: number,
  nested: ReadonlySet<number>,
  partsMax: number,
): number {
  const reader = new WireReader();
  reader.open(bytes, start, end);
  let left = partsMax;
  while (reader.at < end && left >= 0) {
    left--;
    const tag = reader.varint();
    if (!nested.has(tag)) {
      reader.skip(tag);
      continue;
    }
    const length = reader.length();
    left = partsLeft(bytes, reader.at, reader.at + length, none, left);
    reader.at += length;
  }
  return left;
}
