/** What a replica works with. */
import type { Env, NodeAddresses } from '@holdfast/common';
import type { Log } from '@holdfast/log';
import type { KeptHistory } from '../history/kept-history.js';
import type { LocalCoordinator } from '../local-coordinator.js';
import type { Election } from './election.js';
import type { LeadParts } from './lead.js';
import type { LogRoom } from './log-room.js';
import type { OracleFront } from './oracle-front.js';
import type { ReplicaState } from './replica-state.js';

/** What replicas are made of; tests put in others. */
export interface ReplicaParts extends LeadParts {
  readonly State?: typeof ReplicaState;
  readonly Election?: typeof Election;
}

export interface ReplicaOptions {
  readonly shard: string;
  readonly node: string;
  readonly addresses: NodeAddresses;
  readonly env: Env;
  readonly log: Log;
  readonly state: ReplicaState;
  readonly coordinator: LocalCoordinator;
  readonly front: OracleFront;
  readonly leaseMs: number;
  /** Is told of what is committed, while it wants to know. */
  readonly history?: KeptHistory;
  /** Something failed and is tried again. */
  readonly onError: (error: unknown) => void;
  readonly parts?: ReplicaParts;
  /** Nobody else can be leading: it campaigns at once, and meanwhile commands wait, until this resolves. */
  readonly heldUntil?: Promise<void>;
  /** What the log has room for; any when not given. */
  readonly room?: LogRoom;
}
