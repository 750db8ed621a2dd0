/**
 * Keeps the logs of shards from being trimmed while a backup of them is taken: a position for each, beside those of the
 * replicas, under a lease of etcd. Whoever took it and is gone is forgotten with the lease.
 */
import { type Env, Recurring } from '@holdfast/common';
import { type Etcd, put, transactionOpsMax } from '@holdfast/etcd';
import type { Position } from '@holdfast/log';
import { holdMark } from '../replicated/shard-register.js';
import type { EtcdLayout } from './etcd-layout.js';
import { holdRenewalMs, holdSeconds } from './limits.js';

export interface LogHoldOptions {
  readonly etcd: Pick<Etcd, 'grantLease' | 'revokeLease' | 'transact'>;
  readonly env: Env;
  readonly layout: EtcdLayout;
  readonly shards: readonly string[];
  readonly onError: (error: unknown) => void;
}

export class LogHold {
  readonly #options: LogHoldOptions;
  readonly #name: string;
  readonly #positions: Map<string, Position>;
  #lease = 0;
  #renewal!: Recurring;

  /** From when it resolves, nothing of the logs is trimmed. Throws KvError UNAVAILABLE, UNDETERMINED. */
  static async take(options: LogHoldOptions): Promise<LogHold> {
    const hold = new LogHold(options);
    await hold.#write();
    hold.#renew();
    return hold;
  }

  private constructor(options: LogHoldOptions) {
    this.#options = options;
    this.#name = `${holdMark}${options.env.random.uint32().toString(16)}`;
    this.#positions = new Map(options.shards.map((shard) => [shard, 0]));
  }

  /** Of this shard, the log is needed only behind a position; told to the others with the next renewal. */
  raise(shard: string, position: Position): void {
    this.#positions.set(shard, position);
  }

  async release(): Promise<void> {
    await this.#renewal.close();
    await this.#options.etcd.revokeLease(this.#lease);
  }

  /** Under a new lease: the one before ends by itself, and holds nothing more. */
  async #write(): Promise<void> {
    const { etcd, layout } = this.#options;
    const lease = await etcd.grantLease(holdSeconds);
    const puts = Array.from(this.#positions, ([shard, position]) =>
      put(Buffer.from(`${layout.positions(shard)}${this.#name}`), Buffer.from(String(position)), lease),
    );
    for (let i = 0; i < puts.length; i += transactionOpsMax)
      await etcd.transact({ compare: [], success: puts.slice(i, i + transactionOpsMax) });
    this.#lease = lease;
  }

  #renew(): void {
    const { env, onError } = this.#options;
    const { timers } = env;
    this.#renewal = new Recurring({ timers, intervalMs: holdRenewalMs, work: () => this.#write(), onError });
  }
}
