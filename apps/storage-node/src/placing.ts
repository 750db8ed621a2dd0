/** Keeps the replicas of this node those that the shard map gives it. */
import type { Env, Timer } from '@holdfast/common';
import type { ClusterMeta, ShardHost, ShardMap, ShardPlacement } from '@holdfast/coord';
import type { Logger } from 'pino';

/** How long to wait before what failed is tried again, in ms. */
const retryDelayMs = 1000;

export interface PlacingOptions {
  readonly meta: ClusterMeta;
  readonly host: ShardHost;
  readonly env: Env;
  readonly logger: Logger;
  /** Why this node must not host shards of such a map; null when it may. */
  readonly problemOf: (map: ShardMap) => string | null;
}

export class Placing {
  readonly #options: PlacingOptions;
  #timer: Timer | null = null;
  #isClosed = false;
  /** Why the replicas are not those of the map; null when they are. */
  problem: string | null = 'the shards are not opened yet';

  /** Begins, and goes on with each change of the map. */
  constructor(options: PlacingOptions) {
    this.#options = options;
    options.meta.onChange(() => void this.#follow());
    void this.#follow();
  }

  close(): void {
    this.#isClosed = true;
    this.#cancel();
  }

  async #follow(): Promise<void> {
    const { host, logger, meta } = this.#options;
    this.#cancel();
    if (this.#isClosed) return;
    const { map } = meta;
    const problem = this.#options.problemOf(map);
    if (problem !== null) {
      this.problem = problem;
      logger.error(problem);
      return;
    }
    try {
      await host.place(placementsOf(map, host.node));
      if (map === meta.map) this.problem = null;
    } catch (error) {
      if (this.#isClosed) return;
      this.problem = `shards could not be opened: ${(error as Error).message}`;
      logger.error({ err: error }, 'shards could not be opened: tried again in a moment');
      this.#again();
    }
  }

  #again(): void {
    this.#cancel();
    this.#timer = this.#options.env.timers.setTimeout(() => void this.#follow(), retryDelayMs);
  }

  #cancel(): void {
    if (this.#timer !== null) this.#options.env.timers.clearTimeout(this.#timer);
    this.#timer = null;
  }
}

function placementsOf(map: ShardMap, node: string): ShardPlacement[] {
  return map.shards.filter(({ nodes }) => nodes.includes(node));
}
