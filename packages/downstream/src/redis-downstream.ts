/**
 * Serves replicas of Redis: what SYNC and PSYNC ask for.
 *
 *     PSYNC ? -1              -> +FULLRESYNC history offset, a copy of the data, writes ...
 *     PSYNC history offset    -> +CONTINUE history, what was missed, writes ...
 *
 * The history is the bytes of all writes since the first replica came; both sides count them. Its last part is kept, so
 * that whoever lost its link for a moment takes up where it was. Without replicas for `repl-backlog-ttl` nothing is
 * kept, and nothing costs.
 *
 * A write is sent when it is committed, as its reply is.
 */
import { type Env, KvError, type Timer } from '@holdfast/common';
import type {
  CommandUnit,
  Config,
  Downstream,
  DownstreamStatus,
  KV,
  LogLevel,
  PropagationSink,
  ReplicaTraits,
  Session,
} from '@holdfast/engine';
import { Propagation } from '@holdfast/engine';
import type { Database } from '@holdfast/storage';
import { Acknowledgements } from './acknowledgements.js';
import { Backlog } from './backlog.js';
import { Replica, unknownTraits } from './replica.js';
import { sendCopy } from './replica-copy.js';
import { RunningCopies } from './running-copies.js';
import { UnitBytes } from './unit-bytes.js';

const tickMs = 1000;
/** What is kept for replicas that come back: the least is Redis' own, and a buffer of Node has an end. */
const backlogBytesMin = 16 * 1024;
const backlogBytesMax = 2 ** 31;
const ping = Buffer.from('*1\r\n$4\r\nPING\r\n');
const askOffset = Buffer.from('*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n');

export interface RedisDownstreamOptions {
  readonly kv: KV;
  readonly env: Env;
  readonly onLog: (level: LogLevel, message: string) => void;
  /** There are more, or fewer, that can be counted on. */
  readonly onReplicas: () => void;
}

export class RedisDownstream implements Downstream, PropagationSink {
  goodCount = 0;
  readonly #options: RedisDownstreamOptions;
  readonly #config: Config;
  readonly #traits = new WeakMap<Session, ReplicaTraits>();
  readonly #replicas = new Map<Session, Replica>();
  readonly #copies: RunningCopies;
  readonly #acknowledgements: Acknowledgements;
  #backlog: Backlog | null = null;
  readonly #unit = new UnitBytes();
  #timer: Timer | null = null;
  #ticks = 0;
  /** Since when there is no replica. */
  #aloneSinceMs = 0;
  #fullCopies = 0;
  #resumed = 0;
  #notResumed = 0;

  constructor(options: RedisDownstreamOptions) {
    this.#options = options;
    const { env, kv } = options;
    this.#config = kv.config;
    this.#copies = new RunningCopies(kv, env, this.#replicas);
    this.#acknowledgements = new Acknowledgements(kv, this.#replicas);
    this.#config.onChange('repl-backlog-size', () => this.#backlog?.resize(this.#backlogBytes()));
  }

  // Downstream

  traitsOf(session: Session): ReplicaTraits {
    let traits = this.#traits.get(session);
    if (traits !== undefined) return traits;
    traits = unknownTraits();
    this.#traits.set(session, traits);
    return traits;
  }

  attach(session: Session, history: string | null, from: number): string | null {
    const { env, onLog } = this.#options;
    const traits = this.traitsOf(session);
    const isFiltered = !traits.wantsData || !traits.wantsFunctions;
    if (isFiltered && !traits.knowsEndMark) return 'ERR Filtered replica requires EOF capability';
    if (session.protocol !== 'redis') return 'ERR a replica speaks the Redis protocol';
    const replica = new Replica(session, traits, history === null, env.clock.now());
    this.#begin();
    session.isReplica = true;
    this.#replicas.set(session, replica);
    if (history !== null && this.#resume(replica, history, from)) {
      onLog('notice', `replica ${session.address}: goes on from ${from}`);
      this.#count();
      return null;
    }
    onLog('notice', `replica ${session.address}: takes everything`);
    if (history !== null && history !== '?') this.#notResumed++;
    this.#fullCopies++;
    this.#copyTo(replica, history !== null);
    return null;
  }

  acknowledge(session: Session, offset: number): void {
    const replica = this.#replicas.get(session);
    if (replica === undefined) return;
    const nowMs = this.#options.env.clock.now();
    if (offset > replica.offset) replica.offset = offset;
    replica.heardMs = nowMs;
    if (replica.phase === 'marked') {
      replica.goOnline(nowMs);
      this.#count();
    }
    this.#acknowledgements.arrived();
  }

  countOf(session: Session): number {
    return this.#acknowledgements.countOf(session);
  }

  await(session: Session, count: number): void {
    this.#acknowledgements.await(session, count);
    if (this.#replicas.size > 0) this.#append(askOffset);
  }

  left(session: Session): void {
    this.#acknowledgements.forget(session);
    const replica = this.#replicas.get(session);
    if (replica === undefined) return;
    this.#replicas.delete(session);
    replica.end();
    this.#aloneSinceMs = this.#options.env.clock.now();
    this.#options.onLog('notice', `replica ${session.address}: is gone`);
    this.#count();
  }

  end(): void {
    this.#copies.endFiles(new KvError('CLOSED', 'the server ends, or its log is replicated'));
    for (const { session } of [...this.#replicas.values()]) {
      this.left(session);
      session.sink.close(false);
    }
    this.#forget();
  }

  get status(): DownstreamStatus {
    const backlog = this.#backlog;
    return {
      offset: backlog?.end ?? 0,
      replicas: [...this.#replicas.values()],
      isKept: backlog !== null,
      keptBytesMax: this.#backlogBytes(),
      keptFrom: backlog === null ? 0 : backlog.end - backlog.length + 1,
      keptBytes: backlog?.length ?? 0,
      fullCopies: this.#fullCopies,
      resumed: this.#resumed,
      notResumed: this.#notResumed,
    };
  }

  clearCounts(): void {
    this.#fullCopies = 0;
    this.#resumed = 0;
    this.#notResumed = 0;
  }

  // PropagationSink

  propagate(unit: CommandUnit, version: number): void {
    // Nobody follows: a file is being written.
    if (this.#backlog === null) return;
    const { kv } = this.#options;
    this.#unit.encode(unit, kv.redisVersion.selectsFirst);
    this.#write(this.#unit.bytes, this.#unit.length, version);
    kv.context.session.historyOffset = this.#backlog.end;
  }

  get isCopying(): boolean {
    return this.#copies.isAny;
  }

  aboutToChange(db: Database, bytes: Uint8Array, start: number, length: number): void {
    this.#copies.aboutToChange(db, bytes, start, length);
  }

  aboutToReplace(): void {
    this.#copies.aboutToReplace();
  }

  // Copies for others than replicas

  /**
   * Copies everything as it is now: an RDB file, in pieces. Rejects with KvError: INVALID when a value can't be said in
   * this version of the format, UNAVAILABLE when databases were replaced meanwhile.
   */
  copy(version: number, onPiece: (piece: Buffer) => void, isFull: () => boolean): Promise<void> {
    const { kv } = this.#options;
    return this.#copies.toFile(version, onPiece, isFull, {
      onBegin: () => {
        kv.propagation ??= new Propagation(kv, this);
      },
      onEnd: () => this.#rest(),
    });
  }

  /** Nobody is told of anything any more. */
  #rest(): void {
    if (this.#backlog === null && !this.#copies.isForFile) this.#options.kv.propagation = null;
  }

  // The history

  #begin(): void {
    const { env, kv } = this.#options;
    this.#aloneSinceMs = env.clock.now();
    if (this.#backlog !== null) return;
    // What was written before is in no history.
    kv.host.changeReplicationId();
    this.#backlog = new Backlog(this.#backlogBytes(), 0);
    kv.propagation = new Propagation(kv, this);
    this.#timer = env.timers.setTimeout(() => this.#tick(), tickMs);
  }

  #forget(): void {
    if (this.#timer !== null) this.#options.env.timers.clearTimeout(this.#timer);
    this.#timer = null;
    this.#backlog = null;
    this.#unit.forgetDatabase();
    this.#rest();
  }

  #backlogBytes(): number {
    const wanted = this.#config.number('repl-backlog-size');
    return Math.min(Math.max(wanted, backlogBytesMin), backlogBytesMax);
  }

  #append(frame: Buffer): void {
    this.#write(frame, frame.length, 0);
  }

  #write(bytes: Uint8Array, length: number, version: number): void {
    this.#backlog!.append(bytes, length);
    for (const replica of this.#replicas.values()) {
      replica.stream(bytes, length, version);
      // Most have nothing pending: the limit is read out of a text.
      const { pendingBytes } = replica;
      if (pendingBytes > 0 && pendingBytes > this.#pendingBytesMax())
        this.#drop(replica, 'it takes its copy too slowly');
    }
  }

  // Replicas

  /** False when it needs everything. */
  #resume(replica: Replica, history: string, from: number): boolean {
    const current = this.#history;
    const backlog = this.#backlog!;
    if (history.toLowerCase() !== current || !backlog.reaches(from - 1)) return false;
    replica.sendText(replica.traits.knowsNewHistory ? `+CONTINUE ${current}\r\n` : '+CONTINUE\r\n');
    const missed = backlog.since(from - 1);
    replica.stream(missed, missed.length, this.#options.kv.storage.stamp.last);
    this.#resumed++;
    return true;
  }

  get #history(): string {
    return this.#options.kv.host.figures().replicationId;
  }

  #copyTo(replica: Replica, isAnnounced: boolean): void {
    const { env, kv } = this.#options;
    const { session } = replica;
    // It does not know which database we are at.
    this.#unit.forgetDatabase();
    session.dependsOn = Math.max(session.dependsOn, kv.storage.stamp.last);
    if (isAnnounced) replica.sendText(`+FULLRESYNC ${this.#history} ${this.#backlog!.end}\r\n`);
    const isAttached = (): boolean => this.#replicas.has(session);
    sendCopy({ kv, env, replica, isAttached }).then(
      (bytes) => {
        if (isAttached()) this.#copied(replica, bytes);
      },
      (error: Error) => {
        if (isAttached()) this.#drop(replica, `the copy failed: ${error.message}`);
      },
    );
  }

  /** All of the copy was handed on. */
  #copied(replica: Replica, bytes: number): void {
    const { env, onLog } = this.#options;
    const { session, traits } = replica;
    onLog('notice', `replica ${session.address}: has everything, ${bytes} bytes`);
    if (traits.wantsCopyOnly) {
      session.sink.close(true);
    } else if (traits.knowsEndMark) {
      replica.phase = 'marked';
      replica.heardMs = env.clock.now();
    } else {
      replica.goOnline(env.clock.now());
      this.#count();
    }
  }

  #drop({ session }: Replica, reason: string): void {
    this.#options.onLog('warning', `replica ${session.address}: is left, ${reason}`);
    this.left(session);
    session.sink.close(false);
  }

  /** What may wait for a copy to end: as much as may wait for a replica to read. */
  #pendingBytesMax(): number {
    const words = this.#config.text('client-output-buffer-limit').split(' ');
    const hard = Number(words[words.findIndex((word) => word === 'slave' || word === 'replica') + 1]);
    return hard === 0 ? Number.POSITIVE_INFINITY : hard;
  }

  /** Counts those that can be relied on: by what they said lately. */
  #count(): void {
    const sinceMs = this.#options.env.clock.now() - this.#config.number('min-replicas-max-lag') * 1000;
    let count = 0;
    for (const { heardMs, phase } of this.#replicas.values()) {
      if (phase === 'online' && heardMs >= sinceMs) count++;
    }
    this.goodCount = count;
    this.#options.onReplicas();
  }

  #tick(): void {
    this.#timer = this.#options.env.timers.setTimeout(() => this.#tick(), tickMs);
    this.#ticks++;
    const nowMs = this.#options.env.clock.now();
    const timeoutMs = this.#config.number('repl-timeout') * 1000;
    for (const replica of [...this.#replicas.values()]) {
      // Who waits for a copy to be measured is told that we are still there.
      if (replica.isMeasured && replica.phase === 'copying') replica.sendText('\n');
      else if (replica.phase !== 'copying' && !replica.isSilent && nowMs - replica.heardMs > timeoutMs) {
        this.#drop(replica, 'it was not heard of for too long');
      }
    }
    this.#count();
    if (this.#replicas.size > 0) {
      if (this.#ticks % this.#config.number('repl-ping-replica-period') === 0) this.#append(ping);
      return;
    }
    const ttlMs = this.#config.number('repl-backlog-ttl') * 1000;
    if (ttlMs > 0 && nowMs - this.#aloneSinceMs > ttlMs) this.#forget();
  }
}
