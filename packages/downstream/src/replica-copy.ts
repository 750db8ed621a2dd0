/**
 * The copy of all data that a replica begins with: an RDB file while it is made, up to a mark that only this one has; or
 * for a replica that does not know such marks with its length first, from memory.
 */
import { type Env, KvError } from '@holdfast/common';
import type { KV } from '@holdfast/engine';
import { DataCopy } from './data-copy.js';
import type { Replica } from './replica.js';

/** A copy pauses while so much of it waits to be read. */
const copyAheadBytes = 1 << 20;
/** A copy of unknown end is measured before it is sent, in memory: for clients that can't find its end. */
const measuredBytesMax = 1 << 30;
const markBytes = 40;

export interface ReplicaCopyOptions {
  readonly kv: KV;
  readonly env: Env;
  readonly replica: Replica;
  /** It is still there. */
  readonly isAttached: () => boolean;
}

/** Sends the data as they are now; resolves with how many bytes that were. Rejects with KvError. */
export async function sendCopy({ env, isAttached, kv, replica }: ReplicaCopyOptions): Promise<number> {
  const { session, traits } = replica;
  const { sink } = session;
  replica.phase = 'copying';
  replica.isMeasured = !traits.knowsEndMark;
  const mark = env.random.fill(Buffer.alloc(markBytes / 2)).toString('hex');
  if (!replica.isMeasured) replica.sendText(`$EOF:${mark}\r\n`);
  const measured: Buffer[] = [];
  let bytes = 0;
  const copy = new DataCopy({
    kv,
    env,
    wantsData: traits.wantsData,
    wantsFunctions: traits.wantsFunctions,
    isFull: () => sink.outputBytes > copyAheadBytes,
    onPiece: (piece) => {
      bytes += piece.length;
      if (!replica.isMeasured) replica.send(piece, piece.length);
      else if (bytes > measuredBytesMax)
        copy.end(new KvError('LIMIT', 'the copy is too large to be measured'));
      else measured.push(piece);
    },
  });
  replica.copy = copy;
  await copy.run().finally(() => {
    replica.copy = null;
  });
  if (!isAttached()) return bytes;
  if (replica.isMeasured) sendMeasured(replica, measured, bytes);
  else replica.sendText(mark);
  return bytes;
}

function sendMeasured(replica: Replica, pieces: readonly Buffer[], bytes: number): void {
  replica.sendText(`$${bytes}\r\n`);
  for (const piece of pieces) replica.send(piece, piece.length);
  replica.isMeasured = false;
}
