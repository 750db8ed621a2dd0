/**
 * Whether a gateway should be sent clients. Not before it has reached every shard once: it may be the first of a new
 * version, or of a network, that can't. From then on as long as it reaches any: a shard that nobody leads is missing at all
 * gateways alike, and if they all said so, a load balancer would keep clients from all the others as well.
 */
export class ShardsReadiness {
  readonly #routes: () => Iterable<{ readonly name: string; readonly channel: unknown }>;
  #hasReachedAll = false;

  /** `routes`: as they are now; a channel is null while nobody is known to lead, or can be reached. */
  constructor(routes: () => Iterable<{ readonly name: string; readonly channel: unknown }>) {
    this.#routes = routes;
  }

  /** Why not; null when it should. */
  get refusal(): string | null {
    const routes = [...this.#routes()];
    if (routes.length === 0) return 'the cluster has no shards yet';
    const missing = routes.filter(({ channel }) => channel === null);
    this.#hasReachedAll ||= missing.length === 0;
    if (this.#hasReachedAll && missing.length < routes.length) return null;
    return `no leader of ${missing.map(({ name }) => name).join(', ')} is known`;
  }
}
