/** A log that a server on its own keeps, and how it is kept: in files, or in a chain whose last part is in files. */
import {
  type AppendOutcome,
  type Committed,
  FileLog,
  type FsyncPolicy,
  type Log,
  type LogEntry,
  type LogState,
  type Position,
  type Refused,
  type VirtualLog,
} from '@holdfast/log';

export interface KeptLog extends Log {
  /** How it is synced from now on. */
  fsync: FsyncPolicy;
  /** Bytes in use by entries that were not trimmed. */
  readonly bytes: number;
  /** The first position of each of its files, in order: a trim drops whole files. */
  readonly starts: readonly Position[];
  /** Bytes in use by the files that have entries from `position` on. */
  bytesFrom(position: Position): number;
  /** Position of the last entry known to be on the disk. */
  readonly durablePosition: Position;
  sync(): Promise<void>;
}

/** A chain whose active segment is in files. */
export class ChainedLog implements KeptLog {
  readonly #chain: VirtualLog;

  constructor(chain: VirtualLog) {
    this.#chain = chain;
  }

  get #files(): FileLog | null {
    const { activeLog } = this.#chain;
    return activeLog instanceof FileLog ? activeLog : null;
  }

  get fsync(): FsyncPolicy {
    return this.#files?.fsync ?? 'always';
  }

  set fsync(policy: FsyncPolicy) {
    if (this.#files !== null) this.#files.fsync = policy;
  }

  get bytes(): number {
    return this.#files?.bytes ?? 0;
  }

  get starts(): readonly Position[] {
    return this.#files?.starts ?? [];
  }

  bytesFrom(position: Position): number {
    return this.#files?.bytesFrom(position) ?? 0;
  }

  get durablePosition(): Position {
    return this.#files?.durablePosition ?? this.#chain.committedPosition;
  }

  async sync(): Promise<void> {
    await this.#files?.sync();
  }

  get batchBytesMax(): number {
    return this.#chain.batchBytesMax;
  }

  get committedPosition(): Position {
    return this.#chain.committedPosition;
  }

  append(batch: Uint8Array, after: Position, epoch: number): Promise<AppendOutcome> {
    return this.#chain.append(batch, after, epoch);
  }

  appendSync(batch: Uint8Array, after: Position, epoch: number): AppendOutcome | null {
    return this.#chain.appendSync(batch, after, epoch);
  }

  resolve(): Promise<(Committed | Refused)[]> {
    return this.#chain.resolve();
  }

  read(from: Position): AsyncIterable<LogEntry> {
    return this.#chain.read(from);
  }

  state(): Promise<LogState> {
    return this.#chain.state();
  }

  tail(): Promise<Position> {
    return this.#chain.tail();
  }

  head(): Promise<Position> {
    return this.#chain.head();
  }

  waitBeyond(position: Position, signal?: AbortSignal): Promise<Position> {
    return this.#chain.waitBeyond(position, signal);
  }

  seal(): Promise<Position> {
    return this.#chain.seal();
  }

  trim(before: Position): Promise<void> {
    return this.#chain.trim(before);
  }

  close(): Promise<void> {
    return this.#chain.close();
  }
}
