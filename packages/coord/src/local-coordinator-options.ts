/** What a coordinator of one engine works with, and what another coordinator in front of it does in its place. */
import type { Env, Reply, Request } from '@holdfast/common';
import type {
  ConfigFile,
  KV,
  LogControl,
  LogLevel,
  Session,
  Snapshots,
  UpstreamStatus,
} from '@holdfast/engine';
import type { SessionFactory } from './client-registry.js';
import type { Committer } from './committer.js';
import type { Outcome } from './coordinator.js';
import type { MemoryBudget } from './memory-budget.js';

export interface LocalCoordinatorOptions {
  readonly kv: KV;
  readonly env: Env;
  /** What makes writes durable; the default keeps them in memory only. */
  readonly committer?: Committer;
  /** Who takes whole copies of the data; nobody by default. */
  readonly snapshots?: Snapshots | null;
  /** Who switches the log; nobody by default. */
  readonly logControl?: LogControl | null;
  /** Where CONFIG REWRITE puts the parameters; nowhere by default. */
  readonly configFile?: ConfigFile | null;
  /** Of `maxmemory`, where other engines of the process share it. */
  readonly budget?: MemoryBudget;
  /** Whom it is told to follow though it follows nobody itself: its data are elsewhere. Null for nobody. */
  readonly followed?: () => UpstreamStatus | null;
  /** Called by SHUTDOWN. */
  readonly onShutdown?: (save: boolean) => void;
  /** Gets what scripts write to the log. */
  readonly onLog?: (level: LogLevel, message: string) => void;
  /** Who executes what needs data; this coordinator by default. */
  readonly forwarding?: Forwarding;
}

/** A coordinator that lets this one answer what needs no data, and does the rest itself. */
export interface Forwarding {
  readonly createSession: SessionFactory;
  /** Runs a request that was held back. */
  coordinate(session: Session, request: Request, reply: Reply): Outcome;
  /** Ends the wait of a session for a key elsewhere; false when it does not wait. */
  unblock(session: Session, withError: boolean): boolean;
  /** Where this one's answer goes to a request that was pending; and that was all of it. */
  replyOf(session: Session): Reply;
  answered(session: Session): void;
  /** It is over: its client is gone, or was killed. */
  closed(session: Session): void;
}
