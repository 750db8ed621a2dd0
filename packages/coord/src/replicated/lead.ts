/**
 * One lead of a replica, from the entry that made it the leader until it is lost or given away.
 *
 *     begins --- versions are at hand ---> admits commands --- held back ---> handed over, or suspended
 *                                              ^-------------- let go --------'
 *
 * Commands about data wait while they are not admitted, and while they are held back.
 */
import { type Env, KvError, type LeaderHint, type NodeAddresses, pause } from '@holdfast/common';
import type { Log, Position } from '@holdfast/log';
import { type Storage, systemDatabase } from '@holdfast/storage';
import type { KeptHistory } from '../history/kept-history.js';
import type { LocalCoordinator } from '../local-coordinator.js';
import type { Moment } from './lead-lease.js';
import type { LeadershipRecord } from './leadership.js';
import { retryDelayMs, writeBytesMaxOf } from './limits.js';
import { anyRoom, type LogRoom } from './log-room.js';
import type { OracleFront } from './oracle-front.js';
import { LeaderGuard } from './replica-guard.js';
import { type LossReason, ReplicatedCommitter } from './replicated-committer.js';

/** What a lead is made of; tests put in others. */
export interface LeadParts {
  readonly Committer?: typeof ReplicatedCommitter;
  readonly Guard?: typeof LeaderGuard;
}

export interface LeadOptions {
  readonly env: Env;
  readonly log: Log;
  readonly coordinator: LocalCoordinator;
  readonly front: OracleFront;
  /** The state at `position`. */
  readonly storage: Storage;
  /** Of the entry that made it the leader. */
  readonly position: Position;
  readonly record: LeadershipRecord;
  /** When the append of that entry began. */
  readonly began: Moment;
  readonly addresses: NodeAddresses;
  readonly history?: KeptHistory;
  /** What is written has versions from now on, and commands are let in. */
  readonly onAdmit: () => void;
  /** Called once, not within another call, unless it is ended before. */
  readonly onLost: (reason: LossReason) => void;
  /** Something failed and is tried again. */
  readonly onError: (error: unknown) => void;
  readonly parts?: LeadParts;
  /** Any when not given. */
  readonly room?: LogRoom;
}

export class Lead {
  readonly leader: LeaderHint;
  readonly committer: ReplicatedCommitter;
  readonly #options: LeadOptions;
  readonly #guard: LeaderGuard;
  #isOver = false;
  #isHeldBack = false;
  /** Commands are let in. */
  #admitted: Promise<void> = Promise.resolve();

  constructor(options: LeadOptions) {
    const { addresses, began, env, front, history, log, onLost, parts, position, record, storage } = options;
    const { room = anyRoom } = options;
    this.#options = options;
    this.leader = { node: record.node, addresses, epoch: record.epoch };
    const Committer = parts?.Committer ?? ReplicatedCommitter;
    this.committer = new Committer({
      storage,
      env,
      log,
      record,
      position,
      began,
      nextVersion: () => front.oracle.next(1),
      ...(history && { history }),
      onLost,
      room,
    });
    const Guard = parts?.Guard ?? LeaderGuard;
    const { committer, leader } = this;
    this.#guard = new Guard({ front, committer, leader, writeBytesMax: writeBytesMaxOf(log), room });
  }

  /** Commands come here from now on, and wait until there are versions for what they write. */
  begin(): void {
    this.#admitted = this.#admit();
    this.#guard.hold(this.#admitted);
    const { coordinator } = this.#options;
    coordinator.commitThrough(this.committer, this.#guard);
  }

  /** Nothing is appended any more, and what was not committed never counts. */
  end(): void {
    this.#isOver = true;
    this.committer.stop();
  }

  /**
   * The position up to which the log has all that was written up to a version that was given away before, by an entry
   * that nobody else can have written before. Throws KvError UNAVAILABLE, UNDETERMINED when the lead is lost.
   */
  async confirmed(version: number): Promise<Position> {
    await this.#admitted;
    await this.#options.front.raise(version);
    this.#throwWhenOver();
    return this.committer.confirmed();
  }

  /**
   * Commands wait, everything is committed, and the log says who is next. Resolves once it does. Throws KvError
   * INVALID when it is handed over or suspended already, UNDETERMINED when the lead is lost on the way.
   */
  async handOver(to: string): Promise<void> {
    const letGo = await this.#holdBack();
    try {
      await this.committer.drained();
      if (!(await this.committer.conclude({ kind: 'handover', to }))) throw lostOnTheWay();
    } finally {
      letGo();
    }
  }

  /**
   * Commands wait from now on. Resolves once everything that was executed is committed, with what lets them go on.
   * Throws as `handOver`.
   */
  async suspend(): Promise<() => void> {
    const { committer } = this;
    const letGo = await this.#holdBack();
    const goOn = (): void => {
      if (!this.#isOver) {
        this.#options.coordinator.kv.isFollower = false;
        committer.goOn();
      }
      letGo();
    };
    try {
      do await committer.settled();
      while (committer.isHeld);
      await committer.rest();
      this.#throwWhenOver();
    } catch (error) {
      goOn();
      throw error;
    }
    return goOn;
  }

  async #admit(): Promise<void> {
    const { coordinator, env, front, onAdmit, onError, storage } = this.#options;
    while (!this.#isOver) {
      try {
        await storage.prepareScan(systemDatabase, 0, Number.POSITIVE_INFINITY);
        await front.raise(storage.stamp.last);
        break;
      } catch (error) {
        onError(error);
        await pause(env.timers, retryDelayMs);
      }
    }
    if (this.#isOver) return;
    const { functions } = coordinator.kv.scripting;
    functions.invalidate();
    try {
      functions.prepare();
    } catch (error) {
      // Loading a library has a time limit, too. Whoever calls a function tries again, and is told.
      onError(error);
    }
    onAdmit();
    this.#guard.letGo();
  }

  /** Keeps commands about data from being executed: those that come wait until they are let go. */
  async #holdBack(): Promise<() => void> {
    await this.#admitted;
    this.#throwWhenOver();
    if (this.#isHeldBack) throw new KvError('INVALID', 'the lead is being handed over already, or suspended');
    this.#isHeldBack = true;
    this.#options.coordinator.kv.isFollower = true;
    let letGo!: () => void;
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    this.#guard.hold(held);
    return () => {
      this.#isHeldBack = false;
      this.#guard.letGo();
      letGo();
    };
  }

  #throwWhenOver(): void {
    if (this.#isOver) throw lostOnTheWay();
  }
}

export function lostOnTheWay(): KvError {
  return new KvError('UNDETERMINED', 'the lead was lost before it was handed over');
}
