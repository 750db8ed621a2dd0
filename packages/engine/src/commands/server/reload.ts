/**
 * DEBUG RELOAD and LOADAOF: what is in memory is forgotten, and built again: memory storage from records, level storage from
 * its disk, as keys are needed.
 */
import { databasesMax, type Reply, type Request } from '@holdfast/common';
import { databaseCount, MutationWriter, type Storage } from '@holdfast/storage';
import type { Context } from '../../context.js';
import type { KV } from '../../kv.js';

const unloadable = 'ERR Error trying to load the RDB dump, check server logs.';
const wrongOption = 'ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.';
const noOlderState = 'ERR DEBUG RELOAD NOSAVE needs memory storage: the disk has what was written last';
/** Slots of an index that the end of a turn looks at for each resident key, at least: most of them are empty, and all are passed twice. */
const turnsPerKey = 1 / 64;

interface ReloadOptions {
  saves: boolean;
  flushes: boolean;
  merges: boolean;
}

/** DEBUG RELOAD [NOSAVE] [NOFLUSH] [MERGE]. */
export function replyReload(ctx: Context, reply: Reply, first: number): void {
  const { host, kv, request, storage } = ctx;
  const options = readOptions(request, first);
  if (options === null) return reply.error(wrongOption);
  if (storage.needsJournal && !options.saves) return reply.error(noOlderState);
  // What is there already can't be loaded once more; where it may be merged, the newer one stays.
  if (!options.flushes && !options.merges && !isEmpty(storage)) return reply.error(unloadable);
  if (storage.needsJournal) return replyForgotten(ctx, reply);
  if (!reload(kv, options)) return reply.error(unloadable);
  if (options.flushes) host.forgetReads();
  reply.ok();
}

/** Level storage: what is in memory is let go once the disk has it. Who needs it next reads it from there. */
export function replyForgotten({ host, kv, mayBlock, session }: Context, reply: Reply): void {
  if (mayBlock) host.defer(session, forgetResident(kv), (late) => late.ok());
  else reply.error("ERR DEBUG RELOAD and LOADAOF of level storage can't run in a transaction");
}

async function forgetResident(kv: KV): Promise<void> {
  const { host, storage } = kv;
  await storage.flush();
  if (kv.storage !== storage) return;
  const { cacheBytes } = storage;
  storage.cacheBytes = 1;
  // Keys leave at the end of a turn: what was accessed loses that mark first, and goes when it is passed again.
  for (let left = 4 + residentKeys(storage) * turnsPerKey; left > 0 && residentKeys(storage) > 0; left--) {
    host.inTurn(() => {});
  }
  storage.cacheBytes = cacheBytes;
}

function residentKeys(storage: Storage): number {
  let count = 0;
  for (let index = 0; index < databasesMax; index++) count += storage.database(index).size;
  return count;
}

function readOptions(request: Request, first: number): ReloadOptions | null {
  const options = { saves: true, flushes: true, merges: false };
  for (let i = first; i < request.count; i++) {
    if (request.is(i, 'NOSAVE')) options.saves = false;
    else if (request.is(i, 'NOFLUSH')) options.flushes = false;
    else if (request.is(i, 'MERGE')) options.merges = true;
    else return null;
  }
  return options;
}

/**
 * Everything is described as records first, keys and libraries of functions, and built again from them. They are kept for
 * the next time, which may begin with them. False when there are none.
 */
function reload(kv: KV, { saves, flushes }: ReloadOptions): boolean {
  const { storage } = kv;
  if (saves) kv.reloadable = describeAll(storage);
  if (kv.reloadable === null) return false;
  replaceContents(storage, flushes ? databaseCount : 0, [kv.reloadable]);
  kv.scripting.functions.invalidate();
  kv.scripting.functions.prepare();
  return true;
}

function describeAll(storage: Storage): Uint8Array {
  const writer = new MutationWriter();
  for (let index = 0; index < databaseCount; index++) {
    const db = storage.database(index);
    db.dict.forEach((ref) => {
      db.describe(ref, writer);
    });
  }
  return writer.bytes.subarray(0, writer.length);
}

function isEmpty(storage: Storage): boolean {
  for (let index = 0; index < databaseCount; index++) if (storage.keyCount(index) > 0) return false;
  return true;
}

/**
 * Puts what these batches say in place of what memory storage has: of all databases, those of the server itself too,
 * or of the first `count`. Nobody is told of a change, nor is it logged, and it is no write: it takes no version.
 * Everything that was written must be committed.
 */
export function replaceContents(storage: Storage, count: number, batches: readonly Uint8Array[]): void {
  const { journal, observer, stamp } = storage;
  storage.journal = null;
  storage.observer = null;
  if (stamp.last > 0) stamp.use(stamp.last);
  try {
    for (let index = 0; index < Math.min(count, databaseCount); index++) {
      const db = storage.database(index);
      if (db.size > 0) db.flush();
    }
    for (const batch of batches) storage.apply(batch, storage.durablePosition);
  } finally {
    storage.journal = journal;
    storage.observer = observer;
    stamp.reset();
  }
}
