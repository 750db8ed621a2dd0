/**
 * Keeps an etcd cluster usable under constant writing: forgets its history, watches its quota, and frees a
 * full one. Every process that writes may run a keeper; nobody is elected.
 *
 *     history   a guard key is changed under the condition of its version: the first in each interval wins and
 *               compacts to the revision that it saw an interval ago, so a minute of history is always there
 *     quota     a member whose file reaches it stops all puts of the cluster (the NOSPACE alarm), deletions
 *               still work. What was deleted and compacted is free within the file, but the file counts, so
 *               each member is defragmented before the alarm is turned off
 */
import { type Env, FailureReport, Recurring, reasonOf } from '@holdfast/common';
import { etcdserverpb } from '@holdfast/rpc';
import type { Etcd } from './etcd.js';
import { isCompacted } from './etcd-error.js';
import {
  careIntervalMs,
  historyMs,
  longWriteShare,
  quotaBytesDefault,
  quotaWarnShare,
  requestBytesMax,
  shortHistoryMs,
} from './limits.js';
import { get, put, versionIs } from './operations.js';

export interface EtcdKeeperOptions {
  readonly etcd: Etcd;
  readonly env: Env;
  /** The guard of compactions: one for each etcd cluster, the same in every process. */
  readonly guardKey: string;
  /** What members before 3.6 are configured with; etcd's own default when not given. */
  readonly quotaBytes?: number;
  /** Whether a full member is defragmented, which stops it for seconds, and the alarm turned off; true. */
  readonly repairs?: boolean;
  readonly intervalMs?: number;
  /** How much history to keep, in ms. */
  readonly historyMs?: number;
  readonly onWarning?: (message: string) => void;
}

/** Of the fullest member, in bytes. */
export interface EtcdSpace {
  readonly usedBytes: number;
  /** What counts against the quota. */
  readonly fileBytes: number;
  readonly quotaBytes: number;
  /** Puts are refused. */
  readonly isFull: boolean;
}

/** A defragmentation of a full member of 8 GiB takes about so long, in ms. */
const defragmentTimeoutMs = 120_000;

export class EtcdKeeper {
  readonly #options: EtcdKeeperOptions;
  readonly #guard: Buffer;
  readonly #caring: Recurring;
  readonly #failures: FailureReport;
  #guardVersion = 0;
  /** What to compact to, and since when (monotonic) it is known. */
  #revision = 0;
  #revisionAtMs = Number.NEGATIVE_INFINITY;
  #space: EtcdSpace | null = null;
  /** Of long writes since the last look. */
  #takenBytes = 0;
  /** Of the last defragmentation. */
  #repairedRevision = 0;
  #hasWarned = false;

  constructor(options: EtcdKeeperOptions) {
    this.#options = options;
    this.#guard = Buffer.from(options.guardKey);
    const { env, intervalMs = careIntervalMs } = options;
    this.#failures = new FailureReport({
      env,
      onFailure: (error) => this.#warn(`looking after etcd failed: ${reasonOf(error)}`),
      onRecovery: () => this.#warn('etcd is looked after again'),
    });
    this.#caring = new Recurring({ timers: env.timers, intervalMs, work: () => this.#care() });
  }

  /** As last seen; null before the first look. */
  get space(): EtcdSpace | null {
    return this.#space;
  }

  /** Of the members, as they say; otherwise as they are said to be configured. */
  get quotaBytes(): number {
    return this.#space?.quotaBytes ?? this.#options.quotaBytes ?? quotaBytesDefault;
  }

  /** Of the fullest member, in bytes; 0 before the first look. */
  get usedBytes(): number {
    return this.#space?.usedBytes ?? 0;
  }

  /**
   * What long writes may still put, in bytes: up to a share of the quota, and of the file, because a file that has grown to
   * the quota counts although there is room in it. Any amount before the first look.
   */
  get roomBytes(): number {
    if (this.#space === null) return Number.POSITIVE_INFINITY;
    const { fileBytes, isFull, quotaBytes, usedBytes } = this.#space;
    if (isFull || fileBytes + requestBytesMax * 2 > quotaBytes) return 0;
    return Math.max(0, quotaBytes * longWriteShare - usedBytes - this.#takenBytes);
  }

  /** So many bytes are about to be put: they count until the next look. */
  take(bytes: number): void {
    this.#takenBytes += bytes;
  }

  /** Looks after everything now, besides the usual times. Never rejects: what fails is a warning. */
  care(): Promise<void> {
    return this.#caring.now();
  }

  close(): Promise<void> {
    return this.#caring.close();
  }

  async #care(): Promise<void> {
    try {
      await this.#look();
      // A full etcd takes no guard.
      if (this.#space!.isFull) return await this.#repair();
      const nowMs = this.#options.env.clock.monotonic();
      if (nowMs - this.#revisionAtMs >= this.#historyMs) await this.#compact(nowMs);
    } catch (error) {
      if (this.#caring.isClosed) return;
      this.#failures.failed(error);
    }
  }

  /** How much history is kept: less where room is short. Whoever reads then begins anew at what there is. */
  get #historyMs(): number {
    const { usedBytes, quotaBytes } = this.#space!;
    const keptMs = this.#options.historyMs ?? historyMs;
    return usedBytes > quotaBytes * quotaWarnShare ? Math.min(keptMs, shortHistoryMs) : keptMs;
  }

  async #compact(nowMs: number): Promise<void> {
    const { etcd } = this.#options;
    const target = this.#revision;
    const { succeeded, header, responses } = await etcd.transact({
      compare: [versionIs(this.#guard, this.#guardVersion)],
      success: [put(this.#guard, Buffer.from(String(target)))],
      failure: [get(this.#guard)],
    });
    this.#revision = header!.revision;
    this.#revisionAtMs = nowMs;
    if (succeeded) {
      this.#guardVersion++;
      if (target > 0) await this.#compactTo(target);
    } else {
      const [response] = responses;
      const kvs = response.response?.$case === 'responseRange' ? response.response.value.kvs : [];
      this.#guardVersion = kvs[0]?.version ?? 0;
    }
  }

  async #compactTo(revision: number): Promise<void> {
    try {
      await this.#options.etcd.compact(revision);
    } catch (error) {
      // Somebody was faster.
      if (!isCompacted(error)) throw error;
    }
  }

  async #look(): Promise<void> {
    const { etcd, quotaBytes = quotaBytesDefault } = this.#options;
    const alarms = await etcd.alarms();
    const answers = await Promise.allSettled(etcd.addresses.map((address) => etcd.status(address)));
    const members = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    const known = members.map(({ dbSizeQuota }) => dbSizeQuota).filter((bytes) => bytes > 0);
    const quota = known.length > 0 ? Math.min(...known) : quotaBytes;
    this.#takenBytes = 0;
    this.#space = {
      usedBytes: Math.max(0, ...members.map(({ dbSizeInUse }) => dbSizeInUse)),
      fileBytes: Math.max(0, ...members.map(({ dbSize }) => dbSize)),
      quotaBytes: quota,
      isFull: alarms.some(({ alarm }) => alarm === etcdserverpb.AlarmType.NOSPACE),
    };
    this.#warnWhenNearlyFull(this.#space);
  }

  #warnWhenNearlyFull({ usedBytes, quotaBytes, isFull }: EtcdSpace): void {
    const isNearlyFull = isFull || usedBytes > quotaBytes * quotaWarnShare;
    if (isNearlyFull && !this.#hasWarned) {
      const state = isFull ? 'is full and refuses writes' : 'is nearly full';
      this.#warn(`etcd ${state}: ${usedBytes} of ${quotaBytes} bytes are in use. Snapshots free it.`);
    }
    this.#hasWarned = isNearlyFull;
  }

  /** Frees what was deleted since the last time, and turns the alarm off when there is room then. */
  async #repair(): Promise<void> {
    const { etcd, repairs = true } = this.#options;
    const { header } = await etcd.range({ key: this.#guard, limit: 1 });
    const { revision } = header!;
    // While nothing can be put, only deletions move the revision.
    if (!repairs || revision === this.#repairedRevision) return;
    await this.#compactTo(revision);
    await this.#defragment();
    this.#repairedRevision = revision;
    await this.#look();
    const { fileBytes, quotaBytes } = this.#space!;
    if (fileBytes > quotaBytes * quotaWarnShare) return;
    for (const alarm of await etcd.alarms()) {
      if (alarm.alarm === etcdserverpb.AlarmType.NOSPACE) await etcd.disarm(alarm);
    }
    this.#space = { ...this.#space!, isFull: false };
    this.#warn('etcd was full: it has been defragmented, and takes writes again');
  }

  /**
   * One member after the other, though another keeper may have done it just now: how much of a file is in use is only known
   * after the next write, which a full member does not take. One that is down keeps nobody from writing: if it is full, it
   * says so when it comes back.
   */
  async #defragment(): Promise<void> {
    const { etcd } = this.#options;
    let isDone = false;
    let failure: unknown = null;
    for (const address of etcd.addresses) {
      try {
        await etcd.defragment(address, defragmentTimeoutMs);
        isDone = true;
      } catch (error) {
        failure ??= error;
      }
    }
    if (!isDone) throw failure;
    if (failure !== null) this.#warn(`a member of etcd was not defragmented: ${(failure as Error).message}`);
  }

  #warn(message: string): void {
    this.#options.onWarning?.(message);
  }
}
