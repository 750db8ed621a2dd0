/**
 * Which shard a request belongs to, by its keys, and why it can't be executed where there is none.
 *
 * At a gateway every shard can be reached. A storage node that serves clients of Redis Cluster (`home`) executes what
 * it leads, and says where the rest is led; there all keys of a request have to be of one slot, as in Redis Cluster.
 */
// @hot-path
import { hashSlotOf, Request } from '@holdfast/common';
import { type Command, type Session, slotOfPattern } from '@holdfast/engine';
import { crossSlot, slotNotServed } from './errors.js';
import type { Router } from './router.js';
import type { ShardRoute } from './shard-route.js';

const problems = { notServed: 0, crossSlot: 1, moved: 2 } as const;

export class KeyRouting {
  readonly #router: Router;
  readonly #home: string | null;
  /** Of the keys looked at so far: the shard and the slot of the first, and whether others are elsewhere. */
  #found: ShardRoute | null = null;
  #slot = 0;
  #keys = 0;
  #isCross = false;
  #request = new Request();
  /** One of `problems`: why the last request belongs nowhere. */
  #problem = 0;
  readonly #visit = (i: number): void => this.#look(i);

  /** `home`: the node that executes only what it leads; null for a gateway. */
  constructor(router: Router, home: string | null) {
    this.#router = router;
    this.#home = home;
  }

  /** The shard of a request's keys, any one when it has none; null when there is none: see `problem`. */
  of(session: Session, command: Command, request: Request): ShardRoute | null {
    const i = command.soleKey;
    if (i !== 0 && this.#home === null) {
      this.#problem = problems.notServed;
      return this.at(request, i);
    }
    this.#found = null;
    this.#keys = 0;
    this.#isCross = false;
    this.#request = request;
    if (i !== 0) this.#look(i);
    else {
      command.forEachKey(request, this.#visit);
      const { keyPatterns } = command.declaration;
      if (keyPatterns !== undefined) for (const at of keyPatterns(request)) this.#lookAtPattern(at);
    }
    this.#problem = this.#isCross ? problems.crossSlot : problems.notServed;
    if (this.#keys === 0) return this.#router.first;
    if (this.#isCross) return null;
    return this.#home === null ? this.#found : this.#here(session, command);
  }

  /** The shard of the key at argument `i`; null when it belongs to none. */
  at(request: Request, i: number): ShardRoute | null {
    return this.#router.slots[hashSlotOf(request.bytes, request.start(i), request.length(i))];
  }

  /** Why the last request belongs to no shard, as a client is told. */
  get problem(): string {
    if (this.#problem === problems.crossSlot) return crossSlot;
    const address = this.#problem === problems.moved ? this.#router.redisAddressOf(this.#found!.leader) : '';
    return address === '' ? slotNotServed : `MOVED ${this.#slot} ${address}`;
  }

  /** The shards that commands are about which have no keys: all, or those that this node leads. */
  *shards(): Iterable<ShardRoute> {
    for (const route of this.#router.routes) if (this.isLedHere(route)) yield route;
  }

  /** There is no such shard. */
  get isEmpty(): boolean {
    for (const _ of this.shards()) return false;
    return true;
  }

  isLedHere(route: ShardRoute): boolean {
    return this.#home === null || route.leader === this.#home;
  }

  #look(i: number): void {
    const request = this.#request;
    this.#lookAtSlot(hashSlotOf(request.bytes, request.start(i), request.length(i)));
  }

  #lookAtSlot(slot: number): void {
    const route = this.#router.slots[slot];
    if (this.#keys++ === 0) {
      this.#found = route;
      this.#slot = slot;
    } else if (route !== this.#found || (this.#home !== null && slot !== this.#slot)) this.#isCross = true;
  }

  /** Where the keys are that a pattern stands for is known if a hash tag comes before its star. */
  #lookAtPattern(i: number): void {
    if (this.#home === null && this.#router.shardCount === 1) return;
    const slot = slotOfPattern(this.#request, i);
    if (slot < 0) this.#isCross = true;
    else this.#lookAtSlot(slot);
  }

  /** The shard that was found, if this node may execute the command. */
  #here(session: Session, command: Command): ShardRoute | null {
    const route = this.#found;
    if (route === null || route.leader === this.#home) return route;
    const isReplica = route.nodes.includes(this.#home!);
    if (isReplica && session.readMode === 'stale' && command.flags.has('readonly')) return route;
    this.#problem = problems.moved;
    return null;
  }
}
