/**
 * When a replica may campaign: after it has heard nothing of a leader for the lease that the leader named, a tenth
 * more, because clocks differ, and a random while, because others wait, too. It counts from when it saw an entry, on
 * its own clock: that is never before the leader's lease began.
 *
 * None of this is needed for safety, but for reads that rest on the lease.
 */
import type { Env, LeaderHint } from '@holdfast/common';
import { type ShardRecord, shardRecordOf } from './leadership.js';
import { spreadShare, takeoverShare } from './limits.js';

export interface ElectionOptions {
  readonly env: Env;
  /** This node. */
  readonly node: string;
  /** Of leaders that were not heard of yet. */
  readonly leaseMs: number;
}

export class Election {
  /** Of the last entry. */
  epoch = 0;
  leader: LeaderHint | null = null;
  /** The last that was said of who leads. */
  lastRecord: ShardRecord = { kind: 'handover', to: '' };
  readonly #options: ElectionOptions;
  #leaseMs: number;
  #dueMs = 0;
  #heardMs: number;

  constructor(options: ElectionOptions) {
    this.#options = options;
    this.#leaseMs = options.leaseMs;
    this.#heardMs = options.env.clock.monotonic();
    this.defer();
  }

  /** In ms from now; 0 when it may campaign. */
  get leftMs(): number {
    return Math.max(0, this.#dueMs - this.#options.env.clock.monotonic());
  }

  /** Since a leader was heard of last, in ms. */
  get silenceMs(): number {
    return this.#options.env.clock.monotonic() - this.#heardMs;
  }

  /** A leader is heard of now. */
  hear(): void {
    this.#heardMs = this.#options.env.clock.monotonic();
  }

  /** An entry of the log was seen. Whether somebody else leads than before. */
  see(epoch: number, batch: Uint8Array): boolean {
    const before = this.leader;
    this.hear();
    if (epoch !== this.epoch && this.leader !== null) this.leader = null;
    this.epoch = epoch;
    const record = shardRecordOf(batch);
    if (record === null) this.defer();
    else this.note(record, epoch);
    return before?.node !== this.leader?.node || before?.epoch !== this.leader?.epoch;
  }

  /** What a record of that epoch says, seen now: in the log, or at the end of a snapshot. */
  note(record: ShardRecord, epoch: number): void {
    this.lastRecord = record;
    if (record.kind === 'leader') {
      this.leader = { node: record.node, epoch, addresses: record.addresses };
      this.#leaseMs = record.leaseMs;
      this.defer();
    } else {
      this.leader = null;
      if (record.to === this.#options.node) this.#dueMs = 0;
      else this.defer();
    }
  }

  /** Waits as long as a leader may still count on its lease. */
  defer(): void {
    const { env } = this.#options;
    const spread = (env.random.uint32() / 0x100000000) * spreadShare;
    this.#dueMs = env.clock.monotonic() + this.#leaseMs * (takeoverShare + spread);
  }

  /** Nobody else can be leading: it may campaign now. */
  hurry(): void {
    this.#dueMs = 0;
  }

  /** A campaign came to nothing. */
  retryIn(ms: number): void {
    this.#dueMs = Math.max(this.#dueMs, this.#options.env.clock.monotonic() + ms);
  }
}
