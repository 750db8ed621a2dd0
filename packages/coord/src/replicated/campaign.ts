/**
 * How a replica comes to lead: it applies all there is, and appends a record after it with the next epoch. If that is
 * committed, whoever led before can append nothing more, and the replica has seen all they appended.
 */
import { type Env, KvError, type NodeAddresses } from '@holdfast/common';
import type { Committed, Log, Position, Refused } from '@holdfast/log';
import type { Election } from './election.js';
import { type Moment, momentOf } from './lead-lease.js';
import { type LeadershipRecord, shardBatch } from './leadership.js';
import { retryDelayMs } from './limits.js';
import type { ReplicaState } from './replica-state.js';

export interface CandidateOptions {
  readonly env: Env;
  readonly log: Log;
  readonly node: string;
  readonly addresses: NodeAddresses;
  readonly leaseMs: number;
  readonly state: ReplicaState;
  readonly election: Election;
  /** Applies what is known to be committed. */
  readonly catchUp: () => Promise<void>;
}

/** What makes it the leader: the last entry of the log, which is applied. */
export interface Victory {
  readonly record: LeadershipRecord;
  /** When the append of that entry began. */
  readonly began: Moment;
}

export class Candidate {
  readonly #options: CandidateOptions;

  constructor(options: CandidateOptions) {
    this.#options = options;
  }

  /** Null when another one was faster. Throws KvError UNAVAILABLE when that can't be known yet, CORRUPT. */
  async campaign(): Promise<Victory | null> {
    const { catchUp, election, env, log, state } = this.#options;
    await log.resolve();
    const { epoch, tail } = await log.state();
    await catchUp();
    // Somebody was heard of meanwhile.
    if (election.leftMs > 0) return null;
    if (state.position < tail) return null;
    this.#checkWhole(tail);
    const record = this.#recordOf(Math.max(epoch, election.epoch) + 1);
    const batch = shardBatch(record, state.storage.stamp.last);
    const began = momentOf(env.clock);
    const outcome = await this.#append(batch, tail, record.epoch);
    if (outcome.kind === 'refused') {
      election.retryIn(retryDelayMs);
      return null;
    }
    await state.apply({ position: outcome.position, epoch: record.epoch, batch });
    election.see(record.epoch, batch);
    return { record, began };
  }

  #checkWhole(tail: Position): void {
    const { state } = this.#options;
    if (state.position > tail) {
      throw new KvError(
        'CORRUPT',
        `the state is that of position ${state.position}, the log ends at ${tail}`,
      );
    }
    if (!state.isWhole) throw new KvError('CORRUPT', 'the log ends before the snapshot does');
  }

  /** Appends, and finds out what became of it. Throws KvError UNAVAILABLE when that can't be known yet. */
  async #append(batch: Uint8Array, after: Position, epoch: number): Promise<Committed | Refused> {
    const { log } = this.#options;
    const outcome = await log.append(batch, after, epoch);
    if (outcome.kind !== 'unknown') return outcome;
    const [resolved] = await log.resolve();
    return resolved ?? { kind: 'refused', reason: 'unavailable', tail: after };
  }

  #recordOf(epoch: number): LeadershipRecord {
    const { addresses, leaseMs, node } = this.#options;
    return { kind: 'leader', node, epoch, leaseMs, addresses };
  }
}
