/** The replicas of a node, and the timestamps they share. */
import type { Replica } from './replica.js';
import type { RoleChange } from './role.js';
import type { Timestamps } from './timestamps.js';

/** A shard of which this node is to have a replica. */
export interface ShardPlacement {
  /** Its name, for good. */
  readonly shard: string;
  /** Ranges of hash slots, first and last. */
  readonly slots: readonly (readonly [number, number])[];
  /** The nodes with a replica, this one among them. */
  readonly nodes: readonly string[];
}

export interface ShardHost {
  readonly node: string;
  readonly timestamps: Timestamps;
  /** Makes the replicas here those of `placements`: opens what is new, closes what is gone. */
  place(placements: readonly ShardPlacement[]): Promise<void>;
  replicas(): Iterable<Replica>;
  /** Null when the shard has no replica here. */
  replica(shard: string): Replica | null;
  /** Of the shard that a hash slot belongs to; null when it has no replica here. */
  replicaOf(slot: number): Replica | null;
  /** Of all replicas, those to come too. */
  onRole(listener: (change: RoleChange) => void): void;
  /** Hands over what this node leads, and closes everything. */
  close(): Promise<void>;
}
