/** Follows one Redis server at a time: what REPLICAOF asks for. */
import { KvError } from '@holdfast/common';
import { Turns } from '@holdfast/coord';
import type { Session, Upstream, UpstreamStatus } from '@holdfast/engine';
import { Following, type FollowingOptions } from './following.js';

export type RedisUpstreamOptions = FollowingOptions;

export class RedisUpstream implements Upstream {
  readonly #options: RedisUpstreamOptions;
  readonly #turns: Turns;
  #following: Following | null = null;

  constructor(options: RedisUpstreamOptions) {
    this.#options = options;
    this.#turns = new Turns(options.coordinator, options.env.timers);
  }

  /** Follows the server that the configuration names, if it does. Throws KvError INVALID. */
  followConfigured(): void {
    const text = this.#options.config.text('replicaof');
    if (text === '') return;
    const [host, port, ...more] = text.split(/\s+/);
    if (!/^\d{1,5}$/.test(port ?? '') || more.length > 0) {
      throw new KvError('INVALID', `replicaof is '${text}': it must be a host and a port`);
    }
    this.follow(host, Number(port));
  }

  follow(host: string, port: number): void {
    this.leave();
    this.#options.config.set('replicaof', `${host} ${port}`);
    this.#following = new Following(host, port, this.#turns, this.#options);
    this.#following.begin();
  }

  leave(): void {
    this.#options.config.set('replicaof', '');
    this.#following?.end();
    this.#following = null;
  }

  get status(): UpstreamStatus | null {
    return this.#following;
  }

  isItself(session: Session): boolean {
    return session === this.#following?.applier.session;
  }
}
