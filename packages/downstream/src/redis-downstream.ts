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
import { copyBytes, type Env, KvError, type Timer } from '@holdfast/common';
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
import { DataCopy } from './data-copy.js';
import { Replica } from './replica.js';

const tickMs = 1000;
/** A copy pauses while so much of it waits to be read. */
const copyAheadBytes = 1 << 20;
/** A copy of unknown end is measured before it is sent, in memory: for clients that can't find its end. */
const measuredBytesMax = 1 << 30;
const markBytes = 40;
const startBytes = 4096;

const multi = Buffer.from('*1\r\n$5\r\nMULTI\r\n');
const exec = Buffer.from('*1\r\n$4\r\nEXEC\r\n');
const ping = Buffer.from('*1\r\n$4\r\nPING\r\n');
const askOffset = Buffer.from('*3\r\n$8\r\nREPLCONF\r\n$6\r\nGETACK\r\n$1\r\n*\r\n');
const selects: readonly Buffer[] = Array.from({ length: 16 }, (_, i) =>
  Buffer.from(`*2\r\n$6\r\nSELECT\r\n$${String(i).length}\r\n${i}\r\n`),
);

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
  readonly #copies = new Set<DataCopy>();
  readonly #acknowledgements: Acknowledgements;
  #backlog: Backlog | null = null;
  /** The database that the history is at; -1 when it has to be said anew. */
  #selected = -1;
  /** The bytes of a unit. */
  #bytes = Buffer.allocUnsafeSlow(startBytes);
  #length = 0;
  #timer: Timer | null = null;
  #ticks = 0;
  /** Since when there is no replica. */
  #aloneSinceMs = 0;
  #fullCopies = 0;
  #resumed = 0;
  #notResumed = 0;

  constructor(options: RedisDownstreamOptions) {
    this.#options = options;
    this.#config = options.kv.config;
    this.#acknowledgements = new Acknowledgements(options.kv, this.#replicas);
    this.#config.onChange('repl-backlog-size', () => this.#backlog?.resize(this.#backlogBytes()));
  }

  // Downstream

  traitsOf(session: Session): ReplicaTraits {
    let traits = this.#traits.get(session);
    if (traits !== undefined) return traits;
    traits = {
      port: 0,
      host: '',
      knowsEndMark: false,
      knowsNewHistory: false,
      wantsCopyOnly: false,
      wantsData: true,
      wantsFunctions: true,
    };
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
    for (const copy of this.#copies)
      copy.end(new KvError('CLOSED', 'the server ends, or its log is replicated'));
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
    const isTransaction = unit.count > 1 && unit.isAtomic;
    this.#length = 0;
    if (isTransaction) {
      if (this.#options.kv.redisVersion.selectsFirst) this.#select(unit.database(0));
      this.#put(multi, 0, multi.length);
    }
    for (let i = 0; i < unit.count; i++) {
      this.#select(unit.database(i));
      const start = unit.start(i);
      this.#put(unit.bytes, start, unit.start(i + 1) - start);
    }
    if (isTransaction) this.#put(exec, 0, exec.length);
    this.#write(this.#bytes, this.#length, version);
    this.#options.kv.context.session.historyOffset = this.#backlog.end;
  }

  get isCopying(): boolean {
    for (const { copy } of this.#replicas.values()) if (copy !== null) return true;
    return this.#copies.size > 0;
  }

  aboutToChange(db: Database, bytes: Uint8Array, start: number, length: number): void {
    for (const { copy } of this.#replicas.values()) copy?.aboutToChange(db, bytes, start, length);
    for (const copy of this.#copies) copy.aboutToChange(db, bytes, start, length);
  }

  aboutToReplace(): void {
    const problem = new KvError('INVALID', 'whole databases were replaced meanwhile');
    for (const { copy } of this.#replicas.values()) copy?.end(problem);
    for (const copy of this.#copies) copy.end(new KvError('UNAVAILABLE', problem.message));
  }

  // Copies for others than replicas

  /**
   * Copies everything as it is now: an RDB file, in pieces. Rejects with KvError: INVALID when a value can't be said in
   * this version of the format, UNAVAILABLE when databases were replaced meanwhile.
   */
  async copy(version: number, onPiece: (piece: Buffer) => void, isFull: () => boolean): Promise<void> {
    const { env, kv } = this.#options;
    const copy = new DataCopy({
      kv,
      env,
      wantsData: true,
      wantsFunctions: true,
      version,
      isFull,
      onPiece,
    });
    this.#copies.add(copy);
    kv.propagation ??= new Propagation(kv, this);
    try {
      await copy.run();
    } finally {
      this.#copies.delete(copy);
      this.#rest();
    }
  }

  /** Nobody is told of anything any more. */
  #rest(): void {
    if (this.#backlog === null && this.#copies.size === 0) this.#options.kv.propagation = null;
  }

  // The history

  #select(database: number): void {
    if (database === this.#selected) return;
    this.#selected = database;
    this.#put(selects[database], 0, selects[database].length);
  }

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
    this.#selected = -1;
    this.#rest();
  }

  #backlogBytes(): number {
    return this.#config.number('repl-backlog-size');
  }

  #append(frame: Buffer): void {
    this.#write(frame, frame.length, 0);
  }

  #write(bytes: Uint8Array, length: number, version: number): void {
    this.#backlog!.append(bytes, length);
    for (const replica of this.#replicas.values()) {
      replica.stream(bytes, length, version);
      if (replica.pendingBytes > this.#pendingBytesMax()) this.#drop(replica, 'it takes its copy too slowly');
    }
  }

  #put(source: Uint8Array, start: number, length: number): void {
    const needed = this.#length + length;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    copyBytes(source, start, this.#bytes, this.#length, length);
    this.#length = needed;
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
    const { session, traits } = replica;
    // It does not know which database we are at.
    this.#selected = -1;
    replica.phase = 'copying';
    replica.isMeasured = !traits.knowsEndMark;
    session.dependsOn = Math.max(session.dependsOn, kv.storage.stamp.last);
    if (isAnnounced) replica.sendText(`+FULLRESYNC ${this.#history} ${this.#backlog!.end}\r\n`);
    const mark = env.random.fill(Buffer.alloc(markBytes / 2)).toString('hex');
    if (!replica.isMeasured) replica.sendText(`$EOF:${mark}\r\n`);
    const measured: Buffer[] = [];
    let bytes = 0;
    const copy = new DataCopy({
      kv,
      env,
      wantsData: traits.wantsData,
      wantsFunctions: traits.wantsFunctions,
      isFull: () => session.sink.outputBytes > copyAheadBytes,
      onPiece: (piece) => {
        bytes += piece.length;
        if (!replica.isMeasured) replica.send(piece, piece.length);
        else if (bytes > measuredBytesMax)
          copy.end(new KvError('LIMIT', 'the copy is too large to be measured'));
        else measured.push(piece);
      },
    });
    replica.copy = copy;
    copy.run().then(
      () => this.#copied(replica, measured, bytes, mark),
      (error: Error) => {
        replica.copy = null;
        if (this.#replicas.has(session)) this.#drop(replica, `the copy failed: ${error.message}`);
      },
    );
  }

  /** All of the copy was handed on, or is measured now. */
  #copied(replica: Replica, measured: readonly Buffer[], bytes: number, mark: string): void {
    replica.copy = null;
    const { session, traits } = replica;
    if (!this.#replicas.has(session)) return;
    if (replica.isMeasured) {
      replica.sendText(`$${bytes}\r\n`);
      for (const piece of measured) replica.send(piece, piece.length);
      replica.isMeasured = false;
    } else {
      replica.sendText(mark);
    }
    this.#options.onLog('notice', `replica ${session.address}: has everything, ${bytes} bytes`);
    if (traits.wantsCopyOnly) {
      session.sink.close(true);
    } else if (traits.knowsEndMark) {
      replica.phase = 'marked';
      replica.heardMs = this.#options.env.clock.now();
    } else {
      replica.goOnline(this.#options.env.clock.now());
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
