/** What was written behind a backup, out of the history of the server that it is of: one that runs, or is stopped. */
import { type Env, KvError } from '@holdfast/common';
import { decodeSnapshot, historyBatches } from '@holdfast/coord';
import type { Disk } from '@holdfast/log';
import type { AdminClient } from '@holdfast/rpc';
import { openDirectory } from './opened-directory.js';

export interface HistorySource {
  /** After one version and up to another. Throws KvError COMPACTED, INVALID, UNAVAILABLE, CORRUPT. */
  batches(after: number, upTo: number): AsyncIterable<Uint8Array>;
  close(): Promise<void>;
}

export interface HistorySourceOptions {
  readonly env: Env;
  readonly disk: Disk;
  /** A directory, or the address of an administration. */
  readonly place: string;
  readonly admin: (address: string) => AdminClient;
}

/** Throws KvError INVALID when the directory is not that of a server, LOCKED, CORRUPT. */
export async function openHistory({ admin, disk, env, place }: HistorySourceOptions): Promise<HistorySource> {
  if (!(await disk.exists(place))) {
    if (!/^(\S+:)?\d+$/.test(place))
      throw new KvError('INVALID', `there is no directory ${place}, and it is no address`);
    const client = admin(place);
    return {
      async *batches(after, upTo) {
        yield* (await decodeSnapshot(client.history('', after, upTo))).batches;
      },
      close: async () => client.close(),
    };
  }
  const stack = await openDirectory(env, disk, place);
  return {
    batches: (after, upTo) => historyBatches(stack.history, after, upTo),
    close: () => stack.close(),
  };
}
