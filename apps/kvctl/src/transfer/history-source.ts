/** What was written behind a backup, out of the history of the server that it is of: one that runs, or is stopped. */
import { type Env, KvError } from '@holdfast/common';
import { decodeSnapshot, historyBatches } from '@holdfast/coord';
import type { Disk } from '@holdfast/log';
import type { AdminClient } from '@holdfast/rpc';
import type { PartBatch } from './apart.js';
import { openDirectory } from './opened-directory.js';

export interface HistorySource {
  /** Of these parts, after one version and up to another. Throws KvError COMPACTED, INVALID, UNAVAILABLE, CORRUPT. */
  batches(parts: ReadonlySet<string>, after: number, upTo: number): AsyncIterable<PartBatch>;
  close(): Promise<void>;
}

export interface HistorySourceOptions {
  readonly env: Env;
  readonly disk: Disk;
  /** A directory, or the address of an administration. */
  readonly place: string;
  readonly admin: (address: string) => AdminClient;
  /** While a directory is opened: what it throws ends that. */
  readonly onStep: () => void;
}

/** Throws KvError INVALID when the directory is not that of a server, LOCKED, CORRUPT. */
export async function openHistory({
  admin,
  disk,
  env,
  onStep,
  place,
}: HistorySourceOptions): Promise<HistorySource> {
  if (!(await disk.exists(place))) {
    if (!/^(\S+:)?\d+$/.test(place))
      throw new KvError('INVALID', `there is no directory ${place}, and it is no address`);
    const client = admin(place);
    return {
      async *batches(_, after, upTo) {
        yield* ofServer((await decodeSnapshot(client.history('', after, upTo))).batches);
      },
      close: async () => client.close(),
    };
  }
  const stack = await openDirectory(env, disk, place, onStep);
  return {
    batches: (_, after, upTo) => ofServer(historyBatches(stack.history, after, upTo)),
    close: () => stack.close(),
  };
}

/** A whole server is one part, without a name. */
async function* ofServer(batches: AsyncIterable<Uint8Array>): AsyncGenerator<PartBatch, void, void> {
  for await (const batch of batches) yield { part: '', batch };
}
