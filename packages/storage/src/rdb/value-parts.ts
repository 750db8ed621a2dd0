/**
 * Passes over values of RDB files without reading them, part by part: a part that is not there yet as a whole is
 * begun again when more has arrived.
 */
import { corrupt, type RdbReader } from './rdb-reader.js';
import { rdbTypes } from './rdb-types.js';

/** Reads one part and returns its number, if it is one. Throws `CutShort` when it is not there as a whole. */
export type Part = (reader: RdbReader) => number;

/** The parts that are read in order; each `yield` gives the number of its part. */
export type Parts = Generator<Part, void, number>;

export const parts = {
  byte: (reader: RdbReader): number => reader.byte(),
  size: (reader: RdbReader): number => reader.size(),
  string(reader: RdbReader): number {
    reader.skipString();
    return 0;
  },
  doubleInDigits: (reader: RdbReader): number => reader.doubleInDigits(),
  /** Eight bytes: a double, a time, a checksum. */
  word: (reader: RdbReader): number => reader.skip(8),
  /** Four bytes. */
  halfWord: (reader: RdbReader): number => reader.skip(4),
  id: (reader: RdbReader): number => reader.skip(16),
} as const;

/** Elements of which each has these parts, with their number before. */
function* counted(...each: readonly Part[]): Parts {
  const count = yield parts.size;
  for (let i = 0; i < count; i++) for (const part of each) yield part;
}

const { doubleInDigits, halfWord, id, size, string, word } = parts;

const forms: Readonly<Record<number, () => Parts>> = {
  [rdbTypes.list]: () => counted(string),
  [rdbTypes.listQuicklist]: () => counted(string),
  [rdbTypes.listQuicklistV2]: () => counted(size, string),
  [rdbTypes.set]: () => counted(string),
  [rdbTypes.zset]: () => counted(string, doubleInDigits),
  [rdbTypes.zsetV2]: () => counted(string, word),
  [rdbTypes.hash]: () => counted(string, string),
  [rdbTypes.hashListpackExpiring]: function* () {
    yield word;
    yield string;
  },
  [rdbTypes.hashExpiring]: function* () {
    yield word;
    yield* counted(size, string, string);
  },
  [rdbTypes.stream]: () => stream(false, false),
  [rdbTypes.streamV2]: () => stream(true, false),
  [rdbTypes.streamV3]: () => stream(true, true),
};

const asOneString: ReadonlySet<number> = new Set([
  rdbTypes.string,
  rdbTypes.hashZipmap,
  rdbTypes.listZiplist,
  rdbTypes.setIntset,
  rdbTypes.zsetZiplist,
  rdbTypes.hashZiplist,
  rdbTypes.hashListpack,
  rdbTypes.zsetListpack,
  rdbTypes.setListpack,
]);

/** The parts of a value that follow its type. Throws KvError CORRUPT when there is no such type. */
export function* valueParts(type: number): Parts {
  if (asOneString.has(type)) {
    yield string;
    return;
  }
  const form = forms[type];
  if (form === undefined) throw corrupt(`no value has the type ${type}`);
  yield* form();
}

/** See `fillStream`. */
function* stream(hasHistory: boolean, hasActivity: boolean): Parts {
  yield* counted(string, string);
  for (let i = hasHistory ? 8 : 3; i > 0; i--) yield size;
  const groups = yield size;
  for (let i = 0; i < groups; i++) {
    yield string;
    for (let k = hasHistory ? 3 : 2; k > 0; k--) yield size;
    yield* counted(id, word, size);
    const consumers = yield size;
    for (let k = 0; k < consumers; k++) {
      yield string;
      yield word;
      if (hasActivity) yield word;
      yield* counted(id);
    }
  }
}

/** What a module left in a file besides values: numbers and strings, each with its kind before, up to a 0. */
export function* moduleParts(): Parts {
  for (;;) {
    const kind = yield size;
    if (kind === 0) return;
    if (kind > 5) throw corrupt('something unknown of a module');
    yield [size, size, halfWord, word, string][kind - 1];
  }
}
