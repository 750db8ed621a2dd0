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
import { KvError, type LeaderHint, pause } from '@holdfast/common';
import type { Position } from '@holdfast/log';
import type { Storage } from '@holdfast/storage';
import type { History } from '../history/history.js';
import type { LocalCoordinator } from '../local-coordinator.js';
import { Candidate, type Victory } from './campaign.js';
import { Election } from './election.js';
import { FollowerCommitter } from './follower-committer.js';
import { Following } from './following.js';
import { Lead, lostOnTheWay } from './lead.js';
import { retryDelayMs } from './limits.js';
import { FollowerGuard } from './replica-guard.js';
import { type OfferOrigin, ReplicaOffers } from './replica-offers.js';
import type { ReplicaOptions } from './replica-options.js';
import type { ReplicaState } from './replica-state.js';
import type { LossReason } from './replicated-committer.js';
import type { Role, RoleChange } from './role.js';

export class Replica {
  readonly shard: string;
  /**
   * For the life of the replica, whatever its role: what can't be done in a role is answered with
   * `Reply.notLeader`.
   */
  readonly coordinator: LocalCoordinator;
  /** What others of its shard can have of it. */
  readonly offers: ReplicaOffers;
  readonly #options: ReplicaOptions;
  readonly #state: ReplicaState;
  readonly #election: Election;
  readonly #guard = new FollowerGuard();
  readonly #committer: FollowerCommitter;
  readonly #following: Following;
  readonly #candidate: Candidate;
  readonly #listeners: ((change: RoleChange) => void)[] = [];
  #role: Role = 'starting';
  /** While it leads. */
  #lead: Lead | null = null;
  /** Ends the lead that is going on. */
  #endLead: () => void = () => {};
  /** The state holds what may never have been: it is to be built again. */
  #isSpoiled = false;
  #isClosed = false;
  readonly #running: Promise<void>;

  /** Goes to work at once. */
  constructor(options: ReplicaOptions) {
    const { coordinator, env, history, leaseMs, node, shard, state } = options;
    this.#options = options;
    this.shard = shard;
    this.coordinator = coordinator;
    this.#state = state;
    state.history = history ?? null;
    const Elections = options.parts?.Election ?? Election;
    const election = new Elections({ env, node, leaseMs });
    this.#election = election;
    this.#committer = new FollowerCommitter(() => state.position);
    this.#following = this.#newFollowing();
    this.#candidate = new Candidate({ ...options, election, catchUp: () => this.#following.catchUp() });
    this.offers = new ReplicaOffers(this.#originOfOffers());
    this.#follows(true);
    // Of who committed before, and everything.
    state.storage.journal = null;
    // What is committed is on the disks of others.
    state.storage.syncLog = null;
    if (options.heldUntil !== undefined) {
      election.hurry();
      this.#guard.hold(options.heldUntil);
    }
    coordinator.commitThrough(this.#committer, this.#guard);
    this.#running = this.#run();
  }

  get role(): Role {
    return this.#role;
  }

  /** Null while nobody is known. */
  get leader(): LeaderHint | null {
    return this.#lead?.leader ?? this.#election.leader;
  }

  /** For how long nobody has led, as far as is known here, in ms: a lead that can't be renewed is lost after its lease. */
  get leaderlessMs(): number {
    return this.#lead === null ? this.#election.silenceMs : 0;
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

  /** See `ReplicaState.fetches`. */
  get fetches(): number {
    return this.#state.fetches;
  }

  /** The last writes, by version, as this replica has them from the log; null when none are kept. */
  get history(): History | null {
    return this.#options.history?.current ?? null;
  }

  onRole(listener: (change: RoleChange) => void): void {
    this.#listeners.push(listener);
  }

  /**
   * Gives the lead to another node: see `Lead.handOver`. Throws KvError INVALID when this replica does not lead, or
   * hands over already, UNDETERMINED when it lost the lead on the way.
   */
  async handOver(to: string): Promise<void> {
    await this.#leading().handOver(to);
  }

  /**
   * Commands about data wait from now on. Resolves once everything that was executed is committed, with what lets
   * them go on. Throws as `handOver`.
   */
  async suspend(): Promise<() => void> {
    return this.#leading().suspend();
  }

  /**
   * Ends while it leads, and tells nobody: whoever calls goes on with the coordinator and the storage. Only while it is
   * suspended, and when no other replica can lead any more.
   */
  async retire(): Promise<void> {
    const lead = this.#lead;
    if (lead === null || !lead.committer.isClean) throw lostOnTheWay();
    this.#isClosed = true;
    this.#end(lead);
    await this.#ended();
  }

  /** Follows and leads no longer. What was executed and can still be committed is; the storage stays open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#lead?.committer.drained().catch(() => {});
    await this.#ended();
  }

  async #ended(): Promise<void> {
    this.#following.stop();
    this.#endLead();
    await this.#running;
    this.coordinator.tracking.lost();
    this.#enter('closed');
  }

  async #run(): Promise<void> {
    const { env, onError } = this.#options;
    while (!this.#isClosed) {
      try {
        if (this.#isSpoiled) await this.#rebuild();
        await this.#following.untilDue();
        if (this.#isClosed) return;
        const victory = await this.#candidate.campaign();
        if (victory !== null && !this.#isClosed) await this.#rule(victory);
      } catch (error) {
        if (this.#isClosed) return;
        onError(error);
        await pause(env.timers, retryDelayMs);
      }
    }
  }

  #newFollowing(): Following {
    return new Following({
      ...this.#options,
      election: this.#election,
      onLeader: () => this.#tell(),
      onCaughtUp: () => {
        this.#guard.isReadable = this.#state.isWhole;
        if (this.#state.isWhole) this.#enter('follower');
      },
      onFetch: () => {
        this.#guard.isReadable = false;
        this.#enter('starting');
      },
      onFetched: () => this.#attach(),
    });
  }

  // Leading

  #leading(): Lead {
    if (this.#lead === null) throw new KvError('INVALID', `this node does not lead shard ${this.shard}`);
    return this.#lead;
  }

  /** Leads until the lead is lost. */
  async #rule(victory: Victory): Promise<void> {
    const lead = this.#begin(victory);
    await new Promise<void>((resolve) => {
      this.#endLead = resolve;
      if (this.#isClosed || this.#lead === null) resolve();
    });
    if (this.#lead !== null) this.#lose('closed');
    if (!lead.committer.isClean) await this.#rebuild();
  }

  #begin({ began, record }: Victory): Lead {
    const { position, storage } = this.#state;
    const lead = new Lead({
      ...this.#options,
      storage,
      position,
      record,
      began,
      onAdmit: () => this.#follows(false),
      onLost: (reason) => this.#lose(reason),
    });
    this.#lead = lead;
    lead.begin();
    this.#enter('leader');
    return lead;
  }

  /** The lead is lost: nothing of it may be seen any more that is not committed. */
  #lose(reason: LossReason): void {
    const lead = this.#lead;
    if (lead === null) return;
    this.#end(lead);
    const { isClean } = lead.committer;
    this.#follows(true);
    this.#guard.isReadable = isClean;
    if (reason !== 'closed') this.#election.defer();
    this.#election.leader = null;
    this.#guard.leader = this.#election.leader;
    this.coordinator.revoke(this.#committer, this.#guard);
    this.#enter(isClean ? 'follower' : 'starting');
    this.#endLead();
  }

  #end(lead: Lead): void {
    lead.end();
    this.#lead = null;
    this.#election.hear();
    this.#state.advance(lead.committer.position, lead.committer.committedBytes);
  }

  /** Until it has worked once, the state is not to be followed with, and even less to lead. */
  async #rebuild(): Promise<void> {
    this.#isSpoiled = true;
    await this.#state.rebuild();
    this.#attach();
    this.#isSpoiled = false;
  }

  #originOfOffers(): OfferOrigin {
    const replica = this;
    const { log, shard } = this.#options;
    return {
      shard,
      log,
      state: this.#state,
      get lead() {
        return replica.#lead;
      },
      get committer() {
        return replica.#lead?.committer ?? null;
      },
      get history() {
        return replica.history;
      },
      get isSound() {
        return replica.isSound;
      },
      get record() {
        return replica.#election.lastRecord;
      },
    };
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

const noVersions = {
  next(): number {
    throw new KvError('REFUSED', 'a replica that does not lead writes nothing');
  },
};
