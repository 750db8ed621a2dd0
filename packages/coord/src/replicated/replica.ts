/** One shard on one node: follows its log, campaigns for the lead, leads, steps down. */
import type { LeaderHint } from '@holdfast/common';
import type { Coordinator } from '../coordinator.js';
import type { Role, RoleChange } from './role.js';

export interface Replica {
  readonly shard: string;
  /**
   * For the life of the replica, whatever its role: what can't be done in a role is answered with
   * `Reply.notLeader`.
   */
  readonly coordinator: Coordinator;
  readonly role: Role;
  /** Null while nobody is known. */
  readonly leader: LeaderHint | null;
  /** Position up to which the log is applied here. */
  readonly position: number;
  onRole(listener: (change: RoleChange) => void): void;
  /**
   * Gives the lead to another node: commands wait, everything is committed, and the log says who is next.
   * Resolves once it does. Throws KvError INVALID when this replica does not lead, UNDETERMINED when it lost the
   * lead on the way.
   */
  handOver(to: string): Promise<void>;
}
