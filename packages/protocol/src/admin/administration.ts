/** What an operator can have a process do. Processes implement it; what they leave out they can't do. */
import type { admin } from '@holdfast/rpc';

export type ProcessStatus = admin.StatusResponse;

/** Where writes are made durable: in files of this machine, or in etcd. */
export type Consistency = 'local' | 'replicated';

export interface Administration {
  /** From what is known here, at once. */
  status(): ProcessStatus;
  /** Resolves once the log says who is next. Throws KvError INVALID, REFUSED (it does not lead), UNDETERMINED. */
  moveLead?(shard: string, to: string): Promise<void>;
  /** Resolves with how many leads were given away, once there is none left. Throws KvError UNAVAILABLE. */
  drain?(isDraining: boolean): Promise<number>;
  /** Resolves with how long writes waited, in ms. Throws KvError INVALID, UNAVAILABLE, UNDETERMINED. */
  setConsistency?(consistency: Consistency, etcd: readonly string[]): Promise<number>;
  /** Frames of what is held here of a shard. Throws KvError INVALID, UNAVAILABLE. */
  snapshot?(shard: string): AsyncIterable<Uint8Array>;
  /** Above all versions that anybody was given before. Throws KvError UNAVAILABLE. */
  timestamp?(): Promise<number>;
  /**
   * Frames of what was written to a shard behind a position of its log, up to a version. Throws KvError INVALID (the log
   * does not reach so far back), REFUSED (it does not lead), UNAVAILABLE, UNDETERMINED (it lost the lead meanwhile).
   */
  changes?(shard: string, after: number, version: number): AsyncIterable<Uint8Array>;
  /**
   * Frames of what was written to a shard after a version and up to another one; to a whole server, whose name is empty.
   * Throws KvError INVALID (no history is kept), COMPACTED (it does not reach so far back), UNAVAILABLE (this replica has
   * not come so far yet), UNDETERMINED (it lost the lead meanwhile).
   */
  history?(shard: string, after: number, version: number): AsyncIterable<Uint8Array>;
}
