/**
 * One shard on one node: follows its log, campaigns for the lead, leads, steps down.
 *
 *     starting --> follower --- nobody leads: campaign ---> leader
 *                     ^  ^------ refused, or too late --------'|
 *                     '---------------- step down -------------'
 *
 * Whoever wants to lead reads to the tail, applies all of it, and appends a record after it with the next epoch. If
 * that is committed it leads: everybody before it can append nothing more, and it has seen all they appended. When
 * to try is only about liveness, and about leases.
 *
 * A leader that steps down keeps its storage when everything in it is committed. Otherwise that holds what may never
 * have been: it is given up, and the state is built again from the log.
 */
import { type Env, KvError, type LeaderHint, type NodeAddresses, pause } from '@holdfast/common';
import type { Committed, Log, Position, Refused } from '@holdfast/log';
import { type Storage, systemDatabase } from '@holdfast/storage';
import type { LocalCoordinator } from '../local-coordinator.js';
import { Election } from './election.js';
import { FollowerCommitter } from './follower-committer.js';
import { type LeadershipRecord, shardBatch } from './leadership.js';
import { followPauseMs, retryDelayMs } from './limits.js';
import type { OracleFront } from './oracle-front.js';
import { changesIn } from './replica-changes.js';
import { FollowerGuard, LeaderGuard } from './replica-guard.js';
import { type SnapshotOrigin, takeSnapshot } from './replica-snapshot.js';
import type { ReplicaState } from './replica-state.js';
import { type LossReason, ReplicatedCommitter } from './replicated-committer.js';
import type { Role, RoleChange } from './role.js';
import type { SnapshotStream } from './snapshot-source.js';

/** What replicas are made of; tests put in others. */
export interface ReplicaParts {
  readonly State?: typeof ReplicaState;
  readonly Committer?: typeof ReplicatedCommitter;
  readonly Election?: typeof Election;
  readonly Guard?: typeof LeaderGuard;
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
  /** Something failed and is tried again. */
  readonly onError: (error: unknown) => void;
  readonly parts?: ReplicaParts;
  /** Nobody else can be leading: it campaigns at once, and meanwhile commands wait, until this resolves. */
  readonly heldUntil?: Promise<void>;
}

/** While it leads. */
interface Lead {
  readonly committer: ReplicatedCommitter;
  readonly guard: LeaderGuard;
  /** Commands are let in. */
  admitted: Promise<void>;
}

export class Replica {
  readonly shard: string;
  /**
   * For the life of the replica, whatever its role: what can't be done in a role is answered with
   * `Reply.notLeader`.
   */
  readonly coordinator: LocalCoordinator;
  readonly #options: ReplicaOptions;
  readonly #state: ReplicaState;
  readonly #election: Election;
  readonly #guard = new FollowerGuard();
  readonly #following: FollowerCommitter;
  readonly #listeners: ((change: RoleChange) => void)[] = [];
  #role: Role = 'starting';
  #lead: Lead | null = null;
  /** Ends the lead that is going on. */
  #endLead: () => void = () => {};
  /** Ends what the replica waits for. */
  #waiting = new AbortController();
  #isClosed = false;
  /** Nothing was applied yet. */
  #isFresh = true;
  /** When an entry was last applied. */
  #appliedMs = Number.NEGATIVE_INFINITY;
  readonly #running: Promise<void>;
  readonly #origin: SnapshotOrigin;

  /** Goes to work at once. */
  constructor(options: ReplicaOptions) {
    const { coordinator, env, leaseMs, node, shard, state } = options;
    this.#options = options;
    this.shard = shard;
    this.coordinator = coordinator;
    this.#state = state;
    const Elections = options.parts?.Election ?? Election;
    this.#election = new Elections({ env, node, leaseMs });
    this.#following = new FollowerCommitter(() => state.position);
    this.#origin = this.#originOfSnapshots();
    this.#follows(true);
    if (options.heldUntil !== undefined) {
      this.#election.hurry();
      this.#guard.hold(options.heldUntil);
    }
    coordinator.commitThrough(this.#following, this.#guard);
    this.#running = this.#run();
  }

  get role(): Role {
    return this.#role;
  }

  /** Null while nobody is known. */
  get leader(): LeaderHint | null {
    return this.#lead?.guard.leader ?? this.#election.leader;
  }

  /** Position up to which the log is applied here. */
  get position(): Position {
    return this.#lead?.committer.position ?? this.#state.position;
  }

  /** For how long it may still answer without asking, in ms; 0 when it does not lead. */
  get leaseLeftMs(): number {
    return this.#lead?.committer.leaseLeftMs ?? 0;
  }

  /** What it holds now; another one after a step down. */
  get storage(): Storage {
    return this.#state.storage;
  }

  /** Nothing is in the storage that may never have been, and nothing is missing. */
  get isSound(): boolean {
    return this.#guard.isReadable && this.#role !== 'starting' && this.#role !== 'closed';
  }

  /** Bytes of the log that came to the state since it was opened, or was taken from elsewhere. */
  get appliedBytes(): number {
    return this.#state.appliedBytes + (this.#lead?.committer.committedBytes ?? 0);
  }

  /**
   * What this replica holds, for another one, or for the disk: taken while it goes on. Throws KvError UNAVAILABLE
   * when the state is not whole now; so do its batches when the state was given up meanwhile.
   */
  snapshot(): Promise<SnapshotStream> {
    return takeSnapshot(this.#origin);
  }

  /**
   * What was written after a position of the log, up to a version that was given away before: all of it, and nothing
   * that is written from now on. Throws KvError REFUSED when this replica does not lead, UNAVAILABLE, UNDETERMINED when
   * it lost the lead on the way.
   */
  async changes(after: Position, version: number): Promise<SnapshotStream> {
    const lead = this.#lead;
    if (lead === null) throw new KvError('REFUSED', `this node does not lead shard ${this.shard}`);
    await lead.admitted;
    await this.#options.front.raise(version);
    if (this.#lead !== lead) throw lostOnTheWay();
    return changesIn(this.#options.log, after, await lead.committer.confirmed(), version);
  }

  onRole(listener: (change: RoleChange) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Gives the lead to another node: commands wait, everything is committed, and the log says who is next.
   * Resolves once it does. Throws KvError INVALID when this replica does not lead, UNDETERMINED when it lost the
   * lead on the way.
   */
  async handOver(to: string): Promise<void> {
    const { lead, letGo } = await this.#holdBack();
    try {
      await lead.committer.drained();
      if (!(await lead.committer.conclude({ kind: 'handover', to }))) throw lostOnTheWay();
    } finally {
      letGo();
    }
  }

  /**
   * Commands about data wait from now on. Resolves once everything that was executed is committed, with what lets
   * them go on. Throws KvError INVALID when this replica does not lead, UNDETERMINED when it lost the lead on the way.
   */
  async suspend(): Promise<() => void> {
    const { lead, letGo } = await this.#holdBack();
    try {
      do await lead.committer.settled();
      while (lead.committer.isHeld);
      await lead.committer.rest();
      if (this.#lead !== lead) throw lostOnTheWay();
    } catch (error) {
      this.#goOn(lead, letGo);
      throw error;
    }
    return () => this.#goOn(lead, letGo);
  }

  /**
   * Ends while it leads, and tells nobody: whoever calls goes on with the coordinator and the storage. Only while it is
   * suspended, and when no other replica can lead any more.
   */
  async retire(): Promise<void> {
    const lead = this.#lead;
    if (lead === null || !lead.committer.isClean) throw lostOnTheWay();
    this.#isClosed = true;
    lead.committer.stop();
    this.#lead = null;
    this.#state.advance(lead.committer.position, lead.committer.committedBytes);
    this.#waiting.abort();
    this.#endLead();
    await this.#running;
    this.#enter('closed');
  }

  /** Follows and leads no longer. What was executed and can still be committed is; the storage stays open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#lead?.committer.drained().catch(() => {});
    this.#waiting.abort();
    this.#endLead();
    await this.#running;
    this.#enter('closed');
  }

  async #run(): Promise<void> {
    const { env, onError } = this.#options;
    while (!this.#isClosed) {
      try {
        await this.#follow();
        if (!this.#isClosed && (await this.#campaign())) await this.#rule();
      } catch (error) {
        if (this.#isClosed) return;
        onError(error);
        await pause(env.timers, retryDelayMs);
      }
    }
  }

  /** Keeps commands about data from being executed: those that come wait until they are let go. */
  async #holdBack(): Promise<{ readonly lead: Lead; readonly letGo: () => void }> {
    const lead = this.#lead;
    if (lead === null) throw new KvError('INVALID', `this node does not lead shard ${this.shard}`);
    await lead.admitted;
    if (this.#lead !== lead) throw lostOnTheWay();
    this.coordinator.kv.isFollower = true;
    let letGo!: () => void;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    lead.guard.hold(held);
    const release = (): void => {
      lead.guard.letGo();
      letGo();
    };
    return { lead, letGo: release };
  }

  #goOn(lead: Lead, letGo: () => void): void {
    if (this.#lead === lead) {
      this.coordinator.kv.isFollower = false;
      lead.committer.goOn();
    }
    letGo();
  }

  // Following

  /** Applies what others append, until it is time to campaign. */
  async #follow(): Promise<void> {
    for (;;) {
      await this.#catchUp();
      // A life of this node before this one led last: it does not any more.
      if (this.#isFresh && this.#election.leader?.node === this.#options.node) this.#election.hurry();
      this.#isFresh = false;
      this.#guard.isReadable = this.#state.isWhole;
      if (this.#state.isWhole) this.#enter('follower');
      if (this.#isClosed || this.#election.leftMs === 0) return;
      await this.#wait(this.#election.leftMs);
      await this.#pause();
    }
  }

  /** Applies what is known to be committed. */
  async #catchUp(): Promise<void> {
    const { env, log } = this.#options;
    while (log.committedPosition > this.#state.position && !this.#isClosed) {
      try {
        for await (const entry of log.read(this.#state.position + 1)) {
          await this.#state.apply(entry);
          this.#appliedMs = env.clock.monotonic();
          if (this.#election.see(entry.epoch, entry.batch)) this.#tell();
          if (this.#isClosed) return;
        }
      } catch (error) {
        if (!(error instanceof KvError) || error.code !== 'INVALID') throw error;
        await this.#fetch();
      }
    }
  }

  /** Until there is more to apply, at most so long. */
  async #wait(ms: number): Promise<void> {
    const { env, log } = this.#options;
    const waiting = new AbortController();
    this.#waiting = waiting;
    const timer = env.timers.setTimeout(() => waiting.abort(), ms);
    const { position } = this.#state;
    const reached = await log.waitBeyond(position, waiting.signal);
    env.timers.clearTimeout(timer);
    // A log that has ended lets nobody wait.
    if (reached <= position && !waiting.signal.aborted) {
      await pause(env.timers, retryDelayMs);
    }
  }

  /** Lets entries gather, when the last ones were only just applied. */
  async #pause(): Promise<void> {
    const { env } = this.#options;
    const leftMs = this.#appliedMs + followPauseMs - env.clock.monotonic();
    if (leftMs <= 0 || this.#isClosed) return;
    const waiting = new AbortController();
    this.#waiting = waiting;
    await new Promise<void>((resolve) => {
      const timer = env.timers.setTimeout(resolve, leftMs);
      waiting.signal.addEventListener('abort', () => {
        env.timers.clearTimeout(timer);
        resolve();
      });
    });
  }

  /** The log does not reach back to this state any more. */
  async #fetch(): Promise<void> {
    this.#guard.isReadable = false;
    this.#enter('starting');
    try {
      await this.#state.fetch();
    } finally {
      this.#attach();
    }
    const { lastRecord } = this.#state;
    // Whoever appended what is in the snapshot may count on a lease since, however long this replica heard nothing.
    if (lastRecord === null) this.#election.defer();
    else this.#election.note(lastRecord, lastRecord.epoch);
  }

  // Leading

  /** Whether it leads now. */
  async #campaign(): Promise<boolean> {
    const { env, log } = this.#options;
    await log.resolve();
    const { epoch, tail } = await log.state();
    await this.#catchUp();
    // Somebody was heard of meanwhile.
    if (this.#election.leftMs > 0) return false;
    if (this.#state.position < tail) return false;
    if (this.#state.position > tail) {
      throw new KvError(
        'CORRUPT',
        `the state is that of position ${this.#state.position}, the log ends at ${tail}`,
      );
    }
    if (!this.#state.isWhole) throw new KvError('CORRUPT', 'the log ends before the snapshot does');
    const record = this.#recordOf(Math.max(epoch, this.#election.epoch) + 1);
    const batch = shardBatch(record, this.#state.storage.stamp.last);
    const beganMs = env.clock.monotonic();
    const outcome = await this.#append(batch, tail, record.epoch);
    if (outcome.kind === 'refused') {
      this.#election.retryIn(retryDelayMs);
      return false;
    }
    const { position } = outcome;
    await this.#state.apply({ position, epoch: record.epoch, batch });
    this.#election.see(record.epoch, batch);
    if (this.#isClosed) return false;
    this.#begin(record, beganMs);
    return true;
  }

  /** Appends, and finds out what became of it. Throws KvError UNAVAILABLE when that can't be known yet. */
  async #append(batch: Uint8Array, after: Position, epoch: number): Promise<Committed | Refused> {
    const { log } = this.#options;
    const outcome = await log.append(batch, after, epoch);
    if (outcome.kind !== 'unknown') return outcome;
    const [resolved] = await log.resolve();
    return resolved ?? { kind: 'refused', reason: 'unavailable', tail: after };
  }

  #begin(record: LeadershipRecord, beganMs: number): void {
    const { coordinator, env, front, log, parts } = this.#options;
    const { position, storage } = this.#state;
    const Committer = parts?.Committer ?? ReplicatedCommitter;
    const committer = new Committer({
      storage,
      env,
      log,
      record,
      position,
      beganMs,
      nextVersion: () => front.oracle.next(1),
      onLost: (reason) => this.#lose(reason),
    });
    const { addresses, node } = this.#options;
    const leader = { node, addresses, epoch: record.epoch };
    const Guard = parts?.Guard ?? LeaderGuard;
    const guard = new Guard({ front, committer, leader, batchBytesMax: log.batchBytesMax });
    const lead = { committer, guard, admitted: Promise.resolve() };
    this.#lead = lead;
    lead.admitted = this.#admit(lead);
    guard.hold(lead.admitted);
    coordinator.commitThrough(committer, guard);
    this.#enter('leader');
  }

  /** Lets commands in, once there are versions for what they write. */
  async #admit(lead: Lead): Promise<void> {
    const { coordinator, env, front, onError } = this.#options;
    const { storage } = this.#state;
    while (this.#lead === lead) {
      try {
        await storage.prepareScan(systemDatabase, 0, Number.POSITIVE_INFINITY);
        await front.raise(storage.stamp.last);
        break;
      } catch (error) {
        onError(error);
        await pause(env.timers, retryDelayMs);
      }
    }
    if (this.#lead !== lead) return;
    const { functions } = coordinator.kv.scripting;
    functions.invalidate();
    functions.prepare();
    this.#follows(false);
    lead.guard.letGo();
  }

  /** Leads until the lead is lost, and then follows again. */
  async #rule(): Promise<void> {
    const { committer } = this.#lead!;
    await new Promise<void>((resolve) => {
      this.#endLead = resolve;
      if (this.#isClosed || this.#lead === null) resolve();
    });
    if (this.#lead !== null) this.#lose('closed');
    if (!committer.isClean) {
      await this.#state.rebuild();
      this.#attach();
    }
  }

  /** The lead is lost: nothing of it may be seen any more that is not committed. */
  #lose(reason: LossReason): void {
    const lead = this.#lead;
    if (lead === null) return;
    lead.committer.stop();
    this.#lead = null;
    this.#state.advance(lead.committer.position, lead.committer.committedBytes);
    this.#follows(true);
    this.#guard.isReadable = lead.committer.isClean;
    if (reason !== 'closed') this.#election.defer();
    if (reason === 'concluded') this.#election.leader = null;
    this.#guard.leader = this.#election.leader;
    this.coordinator.revoke(this.#following, this.#guard);
    this.#enter(lead.committer.isClean ? 'follower' : 'starting');
    this.#endLead();
  }

  #originOfSnapshots(): SnapshotOrigin {
    const replica = this;
    return {
      state: this.#state,
      get committer() {
        return replica.#lead?.committer ?? null;
      },
      get isSound() {
        return replica.isSound;
      },
      get record() {
        return replica.#election.lastRecord;
      },
    };
  }

  #recordOf(epoch: number): LeadershipRecord {
    const { addresses, leaseMs, node } = this.#options;
    return { kind: 'leader', node, epoch, leaseMs, addresses };
  }

  // What others see

  /** The coordinator works on the storage that there is now. */
  #attach(): void {
    this.coordinator.replaceStorage(this.#state.storage);
    this.#follows(true);
  }

  /** A follower changes nothing by itself. */
  #follows(isFollower: boolean): void {
    const { kv } = this.coordinator;
    kv.isFollower = isFollower;
    kv.storage.stamp.source = isFollower ? noVersions : kv.oracle;
    if (isFollower) kv.storage.journal = null;
  }

  #enter(role: Role): void {
    if (this.#role === role) return;
    this.#role = role;
    this.#tell();
  }

  #tell(): void {
    const { leader } = this;
    this.#guard.leader = leader;
    const change = { shard: this.shard, role: this.#role, epoch: this.#election.epoch, leader };
    for (const listener of this.#listeners) listener(change);
  }
}

function lostOnTheWay(): KvError {
  return new KvError('UNDETERMINED', 'the lead was lost before it was handed over');
}

const noVersions = {
  next(): number {
    throw new KvError('REFUSED', 'a replica that does not lead writes nothing');
  },
};
