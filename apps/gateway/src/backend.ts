/** What the servers of this process stand before: a whole server within it, or a cluster. */
import type { Coordinator } from '@holdfast/coord';
import type { Config } from '@holdfast/engine';
import type { Administration } from '@holdfast/protocol';
import type { StatusServer } from '@holdfast/service';

export interface Backend {
  readonly coordinator: Coordinator;
  readonly config: Config;
  /** Why it does not take writes now; null while it does. */
  refusal(): string | null;
  /** What an operator can have it do; nothing when not there. */
  readonly administration?: Administration;
  /** Adds what Prometheus is told of it. */
  describeMetrics(status: StatusServer): void;
  /** Commits what was written, brings everything to the disk, and lets go. */
  close(): Promise<void>;
}
