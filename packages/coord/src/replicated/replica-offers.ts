/**
 * What a replica gives others of its shard, whatever its role:
 *
 *     snapshot     the state, as of now
 *     changes      what the log says behind a position, up to a version          only the leader knows that nothing is missing
 *     past         what was written behind a version, up to another one          any replica that has come so far
 */
import { KvError } from '@holdfast/common';
import type { Log, Position } from '@holdfast/log';
import { behind, compacted, notKept } from '../history/errors.js';
import type { History } from '../history/history.js';
import { historyBatches } from '../history/history-batches.js';
import type { Lead } from './lead.js';
import { changesIn } from './replica-changes.js';
import { type SnapshotOrigin, takeSnapshot } from './replica-snapshot.js';
import type { SnapshotStream } from './snapshot-source.js';

/** The replica, as far as its offers need to know it. */
export interface OfferOrigin extends SnapshotOrigin {
  readonly shard: string;
  readonly log: Log;
  /** While it leads. */
  readonly lead: Lead | null;
  /** Null when none is kept. */
  readonly history: History | null;
}

export class ReplicaOffers {
  readonly #origin: OfferOrigin;

  constructor(origin: OfferOrigin) {
    this.#origin = origin;
  }

  /**
   * What this replica holds, for another one, or for the disk: taken while it goes on. Throws KvError UNAVAILABLE
   * when the state is not whole now; so do its batches when the state was given up meanwhile.
   */
  snapshot(): Promise<SnapshotStream> {
    return takeSnapshot(this.#origin);
  }

  /**
   * What was written after a position of the log, up to a version that was given away before: all of it, and nothing
   * that is written from now on. Throws KvError REFUSED when this replica does not lead, UNAVAILABLE, UNDETERMINED when
   * it lost the lead on the way.
   */
  async changes(after: Position, version: number): Promise<SnapshotStream> {
    const { lead, log, shard } = this.#origin;
    if (lead === null) throw new KvError('REFUSED', `this node does not lead shard ${shard}`);
    const end = await lead.confirmed(version);
    return changesIn(log, after, end, version);
  }

  /**
   * What was written after a version and up to another one, that was given away before: all of it. A leader makes sure that it has
   * that. Throws KvError INVALID when no history is kept, COMPACTED when it does not reach so far back, UNAVAILABLE when
   * this replica has not come so far yet; then another one may have it. UNDETERMINED when it lost the lead on the way.
   */
  async past(after: number, version: number): Promise<SnapshotStream> {
    await this.#origin.lead?.confirmed(version);
    const { history } = this.#origin;
    if (history === null) throw notKept('history-bytes of this node is 0');
    if (after < history.oldest) throw compacted(after, history.oldest);
    if (history.newest < version) throw behind(version, history.newest);
    const batches = historyBatches(history, after, version);
    return { from: 0, batches, to: () => 0, version: () => version };
  }
}
