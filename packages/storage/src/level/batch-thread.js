/**
 * The thread that writes to LevelDB, and nothing else does: see `BatchWriter`, which starts it and describes what it is sent.
 *
 * LevelDB takes keys that come in order at a quarter of the cost, because what it looks at for one key is still near
 * the processor for the next, and because its files then overlap less and are merged less often: 6.9 us of CPU a put
 * with batches of 500,000 random keys, 2.6 in order. So the keys are put in order first, or nearly so.
 *
 * JavaScript, since a thread starts from a file as it is: from the sources in tests, and from `dist`.
 */
// @ts-check
import { closeSync, fsyncSync, openSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { Level } from 'level';

/** Keys that agree this far stay as they came: where so few are, order gains nothing. */
const runMax = 32;
/** How often keys that begin alike are looked at again, further on. */
const levelsMax = 16;
/** As `PackedBatch` has them. */
const entryWords = 4;
const entriesPerChunkBits = 16;
const clearedPerBatch = 1000;
/** What a batch of this many bytes leaves in LevelDB's memory would be in the way of reads after a start. */
const tableBytesMin = 2 * 1024 * 1024;

/** A batch as `PackedBatch` has it. */
export class PackedEntries {
  /** @type {readonly Uint8Array[]} */
  #memories;
  /** @type {readonly Uint32Array[]} */
  #entries;
  /** The number of each entry, below the part of its key that it is ordered by. */
  #order;
  #halves;

  /**
   * @param {readonly SharedArrayBuffer[]} memories
   * @param {readonly SharedArrayBuffer[]} entries
   * @param {number} count Of entries.
   */
  constructor(memories, entries, count) {
    this.#memories = memories.map((memory) => new Uint8Array(memory));
    this.#entries = entries.map((chunk) => new Uint32Array(chunk));
    this.#order = new BigUint64Array(count);
    this.#halves = new Uint32Array(this.#order.buffer);
    for (let entry = 0; entry < count; entry++) this.#halves[2 * entry] = entry;
  }

  /** Of keys and values. */
  get bytes() {
    let bytes = 0;
    for (let entry = 0; entry < this.#order.length; entry++) {
      const words = this.#wordsOf(entry);
      const at = this.#placeOf(entry);
      bytes += words[at + 2] + Math.max(0, words[at + 3] - 1);
    }
    return bytes;
  }

  /** Puts keys in order, but for short runs of keys that begin alike. */
  sort() {
    this.#sortRange(0, this.#order.length, 0, 0);
  }

  /**
   * Tells `visitor` of each entry; what it is given is valid as long as the memory is.
   * @param {{ put(key: Uint8Array, value: Uint8Array): unknown, del(key: Uint8Array): unknown }} visitor
   */
  visit(visitor) {
    for (let i = 0; i < this.#order.length; i++) {
      const entry = this.#halves[2 * i];
      const words = this.#wordsOf(entry);
      const at = this.#placeOf(entry);
      const bytes = this.#memories[words[at]];
      const start = words[at + 1] * 4;
      const end = start + words[at + 2];
      const key = bytes.subarray(start, end);
      if (words[at + 3] === 0) visitor.del(key);
      else visitor.put(key, bytes.subarray(end, end + words[at + 3] - 1));
    }
  }

  /**
   * @param {number} from
   * @param {number} to
   * @param {number} depth How many bytes of the keys are known to agree.
   * @param {number} level
   */
  #sortRange(from, to, depth, level) {
    const halves = this.#halves;
    const at = this.#agreement(from, to, depth);
    for (let i = from; i < to; i++) halves[2 * i + 1] = this.#wordOfKey(halves[2 * i], at);
    this.#order.subarray(from, to).sort();
    if (level === levelsMax) return;
    for (let start = from; start < to; ) {
      let end = start + 1;
      while (end < to && halves[2 * end + 1] === halves[2 * start + 1]) end++;
      if (end - start > runMax) this.#sortRange(start, end, at + 4, level + 1);
      start = end;
    }
  }

  /**
   * How many bytes the keys of a range have in common.
   * @param {number} from
   * @param {number} to
   * @param {number} depth
   */
  #agreement(from, to, depth) {
    const halves = this.#halves;
    const first = halves[2 * from];
    const bytes = this.#bytesOf(first);
    const start = this.#keyStart(first);
    let common = this.#keyLength(first);
    for (let i = from + 1; i < to && common > depth; i++) {
      const other = halves[2 * i];
      const otherBytes = this.#bytesOf(other);
      const otherStart = this.#keyStart(other);
      const most = Math.min(common, this.#keyLength(other));
      let length = depth;
      while (length < most && bytes[start + length] === otherBytes[otherStart + length]) length++;
      common = length;
    }
    return Math.max(common, depth);
  }

  /**
   * Four bytes of a key as a number that is ordered as they are; zeros beyond its end.
   * @param {number} entry
   * @param {number} offset
   */
  #wordOfKey(entry, offset) {
    const bytes = this.#bytesOf(entry);
    const start = this.#keyStart(entry);
    const length = this.#keyLength(entry);
    let word = 0;
    for (let i = offset; i < offset + 4; i++) word = (word << 8) | (i < length ? bytes[start + i] : 0);
    return word >>> 0;
  }

  /** @param {number} entry */
  #bytesOf(entry) {
    return this.#memories[this.#wordsOf(entry)[this.#placeOf(entry)]];
  }

  /** @param {number} entry */
  #keyStart(entry) {
    return this.#wordsOf(entry)[this.#placeOf(entry) + 1] * 4;
  }

  /** @param {number} entry */
  #keyLength(entry) {
    return this.#wordsOf(entry)[this.#placeOf(entry) + 2];
  }

  /**
   * The chunk that has the entry.
   * @param {number} entry
   */
  #wordsOf(entry) {
    return this.#entries[entry >>> entriesPerChunkBits];
  }

  /**
   * Where it begins there, in words.
   * @param {number} entry
   */
  #placeOf(entry) {
    return (entry % 2 ** entriesPerChunkBits) * entryWords;
  }
}

/**
 * @param {import('./batch-writer.js').BatchMessage} message
 * @param {Level<Uint8Array, Uint8Array>} db
 * @param {() => void} collect
 */
async function write({ memories, entries: chunks, count }, db, collect) {
  const entries = new PackedEntries(memories, chunks, count);
  entries.sort();
  if (entries.bytes < tableBytesMin) return writeToLog(batchOf(entries, db));
  await batchOf(entries, db).write();
  collect();
  await putIntoTables(db);
  syncLogs(workerData.path);
}

/**
 * @param {PackedEntries} entries
 * @param {Level<Uint8Array, Uint8Array>} db
 */
function batchOf(entries, db) {
  const batch = db.batch();
  entries.visit(batch);
  return batch;
}

/** @param {import('level').ChainedBatch<any, Uint8Array, Uint8Array>} batch */
async function writeToLog(batch) {
  await batch.write(/** @type {object} */ ({ sync: true }));
  syncNames(workerData.path);
}

/** Behind every key. */
const beyond = new Uint8Array(64).fill(0xff);

/**
 * What is put into a table at once need not be
 * synced in the log, which is removed then and mostly never comes to the disk: half of what there is to write, memory
 * for a batch less, and the next start has nothing to replay. LevelDB does it before it looks for what to compact in a
 * range, and does not say how it went: see `syncLogs`.
 * @param {Level<Uint8Array, Uint8Array>} db
 * @returns {Promise<void>}
 */
function putIntoTables(db) {
  return /** @type {any} */ (db).compactRange(beyond, beyond);
}

/**
 * A log goes when its tables are synced, and the manifest that names them. So one that is still there has to be synced.
 * @param {string} directory
 */
function syncLogs(directory) {
  for (const name of readdirSync(directory)) {
    if (!/^\d+\.log$/.test(name)) continue;
    try {
      sync(join(directory, name), 'r+');
    } catch (error) {
      // It went just now.
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error;
    }
  }
  syncNames(directory);
}

/**
 * LevelDB begins a log file when its write buffer is full, and syncs what is in it, but not its name, until it next
 * changes its manifest: a power cut in between may take the file with all that was synced.
 * @param {string} directory
 */
function syncNames(directory) {
  sync(directory, 'r');
}

/**
 * @param {string} path
 * @param {'r' | 'r+'} flags
 */
function sync(path, flags) {
  const descriptor = openSync(path, flags);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Removes some entries. Returns the message for what is left, or null.
 * @param {import('./batch-writer.js').ClearMessage} message
 * @param {Level<Uint8Array, Uint8Array>} db
 */
async function clearSome({ id, ranges }, db) {
  const batch = db.batch();
  let next = 0;
  let room = clearedPerBatch;
  /** @type {Uint8Array | undefined} */
  let from;
  while (room > 0 && next < ranges.length) {
    const { from: first, to } = ranges[next];
    const keys = await db.keys({ gte: first, lt: to, limit: room }).all();
    for (const key of keys) batch.del(key);
    from = keys.length === room ? keys[keys.length - 1] : undefined;
    room -= keys.length;
    if (from === undefined) next++;
  }
  if (room < clearedPerBatch) await writeToLog(batch);
  else await batch.close();
  if (next === ranges.length) return null;
  const [begun, ...others] = ranges.slice(next);
  return { id, ranges: [{ from: from ?? begun.from, to: begun.to }, ...others] };
}

/**
 * The binding frees a batch, 16 MB or more outside the heap, when its object is collected: in this thread, whose heap hardly
 * grows, almost never. With 250 MB written the process had 300 MB more, of batches that were long on the disk. A collection of so
 * little takes a few ms, and nobody waits for this thread.
 * @returns {() => void}
 */
function collector() {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc');
  setFlagsFromString('--no-expose-gc');
  return () => collect();
}

/** @param {any} error */
const described = ({ code, message, cause }) => ({
  code,
  message,
  cause: cause && { code: cause.code, message: cause.message },
});

/** @param {import('node:worker_threads').MessagePort} port */
function serve(port) {
  /** @type {Level<Uint8Array, Uint8Array>} */
  const db = new Level(workerData.path, workerData.options);
  const collect = collector();
  /**
   * What failed first. LevelDB writes on behind a record that it could not write to its end, where nobody finds what follows:
   * so nothing is written any more, until the database is opened anew by another thread.
   * @type {object | null}
   */
  let failure = null;
  let last = Promise.resolve();
  /** @param {() => Promise<void>} task */
  const then = (task) => {
    last = last.then(task);
  };
  /**
   * `run` returns whether it is done.
   * @param {number} id
   * @param {() => Promise<boolean>} run
   */
  const answer = async (id, run) => {
    let isDone = true;
    try {
      if (failure === null) {
        await db.open();
        isDone = await run();
      }
    } catch (reason) {
      failure = described(reason);
    }
    if (isDone || failure !== null) port.postMessage({ id, error: failure });
  };
  /** @param {import('./batch-writer.js').BatchMessage} message */
  const writeAll = (message) =>
    answer(message.id, async () => {
      await write(message, db, collect);
      return true;
    }).then(collect);
  /** @param {import('./batch-writer.js').ClearMessage} message */
  const clear = (message) =>
    answer(message.id, async () => {
      const rest = await clearSome(message, db);
      // Behind what came meanwhile: much may be left, and others wait.
      if (rest !== null) then(() => clear(rest));
      return rest === null;
    });
  const end = async () => {
    // What is left of a range would open it again.
    failure = described(new Error('the database is closed'));
    await db.close();
    port.close();
  };
  port.on('message', (/** @type {import('./batch-writer.js').ThreadMessage} */ message) => {
    if (message === 'close') then(end);
    else if ('entries' in message) then(() => writeAll(message));
    else then(() => clear(message));
  });
}

if (parentPort !== null && workerData?.isBatchThread === true) serve(parentPort);
