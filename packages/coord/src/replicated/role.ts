/** What a replica is to its shard. */
import type { LeaderHint } from '@holdfast/common';

/**
 * - `starting`: its state is being built, from a snapshot and the log. It serves nothing.
 * - `follower`: applies what the leader writes, and serves stale reads.
 * - `leader`: executes commands.
 * - `closed`: it was closed, or taken from this node.
 */
export type Role = 'starting' | 'follower' | 'leader' | 'closed';

export interface RoleChange {
  readonly shard: string;
  readonly role: Role;
  /** Of the last entry of the log that this replica knows. */
  readonly epoch: number;
  /** Null while nobody is known. This node itself while it leads. */
  readonly leader: LeaderHint | null;
}
