/**
 * Whether a gateway should be sent clients. Not before it has reached every shard once: it may be the first of a new
 * version, or of a network, that can't. From then on as long as it reaches any: a shard that nobody leads is missing at all
 * gateways alike, and if they all said so, a load balancer would keep clients from all the others as well. Where none is
 * left it says so after a while: with a few shards that is what each change of a leader looks like.
 */
import type { Clock } from '@holdfast/common';

/** For how long no shard may be reached, in ms: far longer than the leads take to go elsewhere. */
const unreachedMsMax = 10_000;

export class ShardsReadiness {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #routes: () => Iterable<{ readonly name: string; readonly channel: unknown }>;
  #hasReachedAll = false;
  /** Since when none was reached, as far as somebody asked; -1 while some are. */
  #unreachedMs = -1;

  /** `routes`: as they are now; a channel is null while nobody is known to lead, or can be reached. */
  constructor(
    clock: Pick<Clock, 'monotonic'>,
    routes: () => Iterable<{ readonly name: string; readonly channel: unknown }>,
  ) {
    this.#clock = clock;
    this.#routes = routes;
  }

  /** Why not; null when it should. */
  get refusal(): string | null {
    const routes = [...this.#routes()];
    if (routes.length === 0) return 'the cluster has no shards yet';
    const missing = routes.filter(({ channel }) => channel === null);
    this.#hasReachedAll ||= missing.length === 0;
    const isAny = missing.length < routes.length;
    if (this.#hasReachedAll && (isAny || this.#unreachedForMs() <= unreachedMsMax)) {
      if (isAny) this.#unreachedMs = -1;
      return null;
    }
    return `no leader of ${missing.map(({ name }) => name).join(', ')} is known`;
  }

  #unreachedForMs(): number {
    const nowMs = this.#clock.monotonic();
    if (this.#unreachedMs < 0) this.#unreachedMs = nowMs;
    return nowMs - this.#unreachedMs;
  }
}
