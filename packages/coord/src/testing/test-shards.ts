/**
 * Shards of several nodes in one process, without a log: a replica that leads hands its batches to those that follow.
 * Who leads, and when something is committed, is up to the test. For tests of what stands between clients and
 * replicas; the real thing is `ShardHost`.
 */
import type { Env, LeaderHint } from '@holdfast/common';
import { KV, ShardKeys } from '@holdfast/engine';
import { MemoryStorage, MutationWriter, type Storage } from '@holdfast/storage';
import type { Oracle } from '@holdfast/tso';
import type { Committer } from '../committer.js';
import type { Fate } from '../coordinator.js';
import type { Guard } from '../guard.js';
import { LocalCoordinator } from '../local-coordinator.js';
import { NodeParameters } from '../replicated/node-parameters.js';
import { NodeSnapshots } from '../replicated/node-snapshots.js';
import { FollowerGuard } from '../replicated/replica-guard.js';
import type { Role, RoleChange } from '../replicated/role.js';
import type { Timestamps } from '../replicated/timestamps.js';

/** What is committed of a shard, and who leads it. */
export class TestShard {
  readonly name: string;
  readonly slots: readonly (readonly [number, number])[];
  readonly batches: Buffer[] = [];
  readonly replicas: TestReplica[] = [];
  epoch = 0;

  /** `slots`: ranges of them, the first and the last of each; all when not given. */
  constructor(name: string, slots: readonly (readonly [number, number])[] = []) {
    this.name = name;
    this.slots = slots;
  }

  /** The leader; undefined when there is none. */
  get leader(): TestReplica | undefined {
    return this.replicas.find(({ role }) => role === 'leader');
  }

  /** Makes the replica of a node the leader. What the old one had not committed has that fate. */
  lead(node: string, fate: Fate = 'dropped'): void {
    this.stepDown(fate);
    this.replicas.find((replica) => replica.node.node === node)!.lead(++this.epoch);
  }

  stepDown(fate: Fate = 'dropped'): void {
    this.leader?.stepDown(fate);
  }
}

/** Commits at once, or when it is told to. */
class TestCommitter implements Committer {
  readonly isHeld = false;
  committedVersion = 0;
  readonly refusal = null;
  readonly isAbandoned = false;
  position = 0;
  isHolding = false;
  fate: Fate = 'unknown';
  readonly #shard: TestShard;
  readonly #storage: Storage;
  readonly #journal = new MutationWriter();
  readonly #listeners: (() => void)[] = [];
  #pending: { batch: Buffer; version: number }[] = [];

  constructor(shard: TestShard, storage: Storage) {
    this.#shard = shard;
    this.#storage = storage;
    storage.journal = this.#journal;
    this.committedVersion = storage.stamp.last;
  }

  settle(): void {
    if (this.#journal.length === 0) return;
    const batch = this.#journal.take();
    this.#pending.push({ batch, version: this.#storage.stamp.last });
    if (!this.isHolding) this.#commitAll();
  }

  executed(): void {}

  commit(): void {
    this.#commitAll();
    for (const listener of this.#listeners) listener();
  }

  onCommitted(listener: () => void): void {
    this.#listeners.push(listener);
  }

  hold(): void {}
  release(): void {}
  abandon(): void {}
  async drained(): Promise<void> {}

  fateOf(version: number): Fate {
    return version <= this.committedVersion ? 'committed' : this.fate;
  }

  #commitAll(): void {
    for (const { batch, version } of this.#pending) {
      this.#shard.batches.push(batch);
      this.committedVersion = version;
    }
    this.#pending = [];
  }
}

export class TestReplica {
  readonly shard: string;
  readonly node: TestNode;
  readonly coordinator: LocalCoordinator;
  role: Role = 'follower';
  leader: LeaderHint | null = null;
  readonly #shard: TestShard;
  readonly #env: Env;
  #committer: TestCommitter;
  readonly #guard: Guard;

  constructor(node: TestNode, shard: TestShard, env: Env) {
    this.node = node;
    this.shard = shard.name;
    this.#shard = shard;
    this.#env = env;
    const storage = new MemoryStorage(env.random);
    const kv = new KV({ storage, oracle: node.oracle, env, config: node.parameters.open() });
    kv.isClusterNode = true;
    kv.shardKeys = ShardKeys.of(shard.slots);
    this.#committer = new TestCommitter(shard, storage);
    const snapshots = node.snapshots.of(shard.name);
    this.coordinator = new LocalCoordinator({ kv, env, committer: this.#committer, snapshots });
    const replica = this;
    const following = new FollowerGuard();
    following.isReadable = true;
    this.#guard = {
      get leader() {
        return replica.leader;
      },
      refusalOf: () => null,
      isElsewhere: (session, command) => replica.role !== 'leader' && following.isElsewhere(session, command),
      prepare: () => null,
      executed: () => {},
    };
    this.coordinator.commitThrough(this.#committer, this.#guard);
    shard.replicas.push(this);
  }

  /** From now on nothing is committed before `commit`. */
  holdCommits(): void {
    this.#committer.isHolding = true;
  }

  commit(): void {
    this.#committer.commit();
  }

  /** As it was before `holdCommits`. */
  commitAtOnce(): void {
    this.#committer.isHolding = false;
    this.commit();
  }

  lead(epoch: number): void {
    this.catchUp();
    this.role = 'leader';
    const leader = { node: this.node.node, epoch, addresses: this.node.addresses };
    for (const replica of this.#shard.replicas) replica.learn(leader, epoch);
  }

  learn(leader: LeaderHint, epoch: number): void {
    this.leader = leader;
    this.node.tell({ shard: this.shard, role: this.role, epoch, leader });
  }

  stepDown(fate: Fate): void {
    this.role = 'follower';
    this.#committer.fate = fate;
    const storage = this.#committedState();
    this.#committer = new TestCommitter(this.#shard, storage);
    this.leader = null;
    this.coordinator.revoke(this.#committer, this.#guard);
    this.coordinator.replaceStorage(storage);
    this.node.tell({ shard: this.shard, role: this.role, epoch: this.#shard.epoch, leader: null });
  }

  /** The state of a replica that does not lead becomes what is committed. */
  catchUp(): void {
    const storage = this.#committedState();
    this.#committer = new TestCommitter(this.#shard, storage);
    this.coordinator.commitThrough(this.#committer, this.#guard);
    this.coordinator.replaceStorage(storage);
  }

  #committedState(): Storage {
    const storage = new MemoryStorage(this.#env.random);
    for (const [i, batch] of this.#shard.batches.entries()) storage.apply(batch, i + 1);
    return storage;
  }
}

const noFetch: Timestamps = { arrive: () => 0, ready: () => null };

/** The replicas of a node. */
export class TestNode {
  readonly node: string;
  timestamps = noFetch;
  readonly addresses: { readonly redis: string; readonly node: string };
  readonly oracle: Oracle;
  /** Of all its shards. */
  readonly parameters = new NodeParameters();
  /** Each test says how its shards are saved. */
  readonly snapshots = new NodeSnapshots();
  readonly #replicas = new Map<string, TestReplica>();
  readonly #listeners: ((change: RoleChange) => void)[] = [];

  constructor(node: string, oracle: Oracle) {
    this.node = node;
    this.oracle = oracle;
    this.addresses = { redis: `${node}:6379`, node: `${node}:7379` };
  }

  add(shard: TestShard, env: Env): TestReplica {
    const replica = new TestReplica(this, shard, env);
    this.#replicas.set(shard.name, replica);
    return replica;
  }

  replicas(): Iterable<TestReplica> {
    return this.#replicas.values();
  }

  replica(shard: string): TestReplica | null {
    return this.#replicas.get(shard) ?? null;
  }

  onRole(listener: (change: RoleChange) => void): void {
    this.#listeners.push(listener);
  }

  tell(change: RoleChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** Versions for all nodes of a test. */
export function testOracle(): Oracle {
  let last = 0;
  const next = (count: number): number => {
    last += count;
    return last - count + 1;
  };
  return {
    next,
    fetch: async (count) => next(count),
    ready: async () => {},
    close: async () => {},
  };
}
