/**
 * How a local server ends: everything is let go, whatever fails on the way, and then it is said what was not kept, and
 * where it is.
 *
 *     log     takes what was written last; one that refuses is waited for `closeWaitMs`, then that is given up: nobody was
 *             told that it is kept
 *     disk    level storage brings there what the log has, but a small rest; what can't be written is only in the log, for
 *             the next start
 */
import { KvError } from '@holdfast/common';
import type { KV } from '@holdfast/engine';
import type { LocalOracle } from '@holdfast/tso';
import type { ConsistencySwitch } from './consistency-switch.js';
import type { DataDirectory } from './data-directory.js';
import type { LocalCoordinator } from './local-coordinator.js';
import type { Persistence } from './persistence.js';

/** A log that refuses is waited for so long, in ms: a full disk may stay full. */
export const closeWaitMs = 5_000;

export interface EndingStack {
  readonly kv: KV;
  readonly coordinator: LocalCoordinator;
  /** Null for a server without a directory. */
  readonly persistence: Persistence | null;
  readonly consistency: ConsistencySwitch | null;
  readonly oracle: LocalOracle;
  readonly place: DataDirectory | null;
}

/** Throws the first thing that failed, once all is let go: KvError DISK, UNDETERMINED. */
export async function endStack(stack: EndingStack): Promise<void> {
  const { kv, persistence, consistency, oracle, place } = stack;
  const { storage } = kv;
  const problems: unknown[] = [];
  const attempt = async (step: () => Promise<unknown> | undefined): Promise<boolean> => {
    try {
      await step();
      return true;
    } catch (error) {
      problems.push(error);
      return false;
    }
  };
  const isCommitted = await attempt(() => commitLast(stack));
  await attempt(() => consistency?.close());
  // Whoever waits for it to have everything on its disk would wait for what will never be committed.
  if (!isCommitted) await attempt(() => storage.close());
  await attempt(() => persistence?.close());
  if (isCommitted && persistence?.isAbandoned !== true) await attempt(() => bringToDisk(stack));
  if (isCommitted) await attempt(() => kv.storage.close());
  await attempt(() => persistence?.closeLog());
  await attempt(() => consistency?.closeLog());
  await attempt(() => oracle.close());
  await attempt(() => place?.release());
  if (problems.length > 0) throw problems[0];
}

async function commitLast({ consistency, coordinator, kv }: EndingStack): Promise<void> {
  const { timers } = kv.env;
  const { committer } = coordinator.state;
  const timer = timers.setTimeout(() => committer.giveUp?.(), closeWaitMs);
  try {
    await coordinator.shutdown();
  } catch (error) {
    // A replica that leads no longer has nothing to bring to an end.
    if (consistency?.consistency !== 'replicated') throw error;
  } finally {
    timers.clearTimeout(timer);
  }
}

async function bringToDisk({ kv: { storage }, persistence }: EndingStack): Promise<void> {
  try {
    await storage.finish();
  } catch (error) {
    const log = persistence?.log ?? null;
    const { message } = error as Error;
    const what = `${storage.pendingBytes} bytes of what was written last did not get to the disk: ${message}.`;
    const where =
      log === null
        ? 'There is no log: they are lost.'
        : `The log has them, in positions ${storage.durablePosition + 1} to ${log.committedPosition}: the next start writes them.`;
    throw new KvError('DISK', `${what} ${where}`, { cause: error });
  }
}
