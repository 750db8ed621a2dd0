/** Comparisons and operations of transactions, in one line each. */
import { etcdserverpb } from '@holdfast/rpc';

export type Compare = etcdserverpb.Compare;
export type Operation = etcdserverpb.RequestOp;

const { Compare, RangeRequest, RequestOp, Compare_CompareResult, Compare_CompareTarget } = etcdserverpb;

/** The key has this value. */
export function valueIs(key: Buffer, value: Buffer): Compare {
  return Compare.create({
    key,
    result: Compare_CompareResult.EQUAL,
    target: Compare_CompareTarget.VALUE,
    targetUnion: { $case: 'value', value },
  });
}

/** The key was last changed at this revision; 0: it does not exist. */
export function revisionIs(key: Buffer, revision: number): Compare {
  return Compare.create({
    key,
    result: Compare_CompareResult.EQUAL,
    target: Compare_CompareTarget.MOD,
    targetUnion: { $case: 'modRevision', value: revision },
  });
}

/** The key was changed so often since it was created; 0: it does not exist. */
export function versionIs(key: Buffer, version: number): Compare {
  return Compare.create({
    key,
    result: Compare_CompareResult.EQUAL,
    target: Compare_CompareTarget.VERSION,
    targetUnion: { $case: 'version', value: version },
  });
}

export function exists(key: Buffer): Compare {
  return Compare.create({
    key,
    result: Compare_CompareResult.GREATER,
    target: Compare_CompareTarget.CREATE,
    targetUnion: { $case: 'createRevision', value: 0 },
  });
}

/** `lease`: the key goes when the lease does. */
export function put(key: Buffer, value: Buffer, lease = 0): Operation {
  return RequestOp.create({ request: { $case: 'requestPut', value: { key, value, lease } } });
}

/** Removes the key, or all in [key, end). */
export function remove(key: Buffer, end: Buffer = noEnd): Operation {
  return RequestOp.create({ request: { $case: 'requestDeleteRange', value: { key, rangeEnd: end } } });
}

/** Reads the key, or those in [key, rangeEnd), ascending. */
export function get(key: Buffer, options: Partial<etcdserverpb.RangeRequest> = {}): Operation {
  return RequestOp.create({
    request: { $case: 'requestRange', value: RangeRequest.create({ key, ...options }) },
  });
}

const noEnd = Buffer.alloc(0);

/** The end of the range of all keys that begin with `prefix`, which must not be empty or end in 0xff. */
export function endOfPrefix(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1]++;
  return end;
}
