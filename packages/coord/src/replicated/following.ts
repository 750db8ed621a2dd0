/**
 * What a replica does while it does not lead: applies what is committed, and waits for more, until it is time to
 * campaign.
 *
 *     state   ... p          log   ... p | p+1 .. known to be committed | what is not known yet
 *                                         '---- applied ---->'           '-- waited for --'
 *
 * Where the log does not reach back to the state any more, that is taken from another node.
 */
import { type Env, KvError, pause } from '@holdfast/common';
import type { Log } from '@holdfast/log';
import type { Election } from './election.js';
import { followPauseMs, retryDelayMs } from './limits.js';
import type { ReplicaState } from './replica-state.js';

export interface FollowingOptions {
  readonly env: Env;
  readonly log: Log;
  /** This node. */
  readonly node: string;
  readonly state: ReplicaState;
  readonly election: Election;
  /** The election knows of another leader than before. */
  readonly onLeader: () => void;
  /** All that is known to be committed is applied. */
  readonly onCaughtUp: () => void;
  /** The state is about to be taken from another node: nobody may see it. */
  readonly onFetch: () => void;
  /** There is another storage, whether that worked or not. */
  readonly onFetched: () => void;
}

export class Following {
  readonly #options: FollowingOptions;
  /** Ends what is waited for. */
  #waiting = new AbortController();
  #isStopped = false;
  /** Nothing was applied yet. */
  #isFresh = true;
  /** When an entry was last applied. */
  #appliedMs = Number.NEGATIVE_INFINITY;

  constructor(options: FollowingOptions) {
    this.#options = options;
  }

  /** From now on nothing is applied or waited for. */
  stop(): void {
    this.#isStopped = true;
    this.#waiting.abort();
  }

  /** Applies what others append, until it is time to campaign, or it is stopped. Throws KvError. */
  async untilDue(): Promise<void> {
    const { election, node, onCaughtUp } = this.#options;
    for (;;) {
      await this.catchUp();
      // A life of this node before this one led last: it does not any more.
      if (this.#isFresh && election.leader?.node === node) election.hurry();
      this.#isFresh = false;
      onCaughtUp();
      if (this.#isStopped || election.leftMs === 0) return;
      await this.#wait(election.leftMs);
      await this.#pause();
    }
  }

  /** Applies what is known to be committed. Throws KvError. */
  async catchUp(): Promise<void> {
    const { election, env, log, onLeader, state } = this.#options;
    while (log.committedPosition > state.position && !this.#isStopped) {
      try {
        for await (const entry of log.read(state.position + 1)) {
          await this.#untilTaken();
          if (this.#isStopped) return;
          await state.apply(entry);
          this.#appliedMs = env.clock.monotonic();
          if (election.see(entry.epoch, entry.batch)) onLeader();
          if (this.#isStopped) return;
        }
      } catch (error) {
        if (!(error instanceof KvError) || error.code !== 'INVALID') throw error;
        await this.#fetch();
      }
    }
  }

  /** While the disk takes nothing, and memory has enough of what it should have, nothing is applied, and nobody led from here. */
  async #untilTaken(): Promise<void> {
    const { env, state } = this.#options;
    while (state.storage.isStuck && !this.#isStopped) await pause(env.timers, retryDelayMs);
  }

  /** Until there is more to apply, at most so long. */
  async #wait(ms: number): Promise<void> {
    const { env, log, state } = this.#options;
    const waiting = new AbortController();
    this.#waiting = waiting;
    const { position } = state;
    const timer = env.timers.setTimeout(() => waiting.abort(), ms);
    try {
      const reached = await log.waitBeyond(position, waiting.signal);
      // A log that has ended lets nobody wait.
      if (reached <= position && !waiting.signal.aborted) await pause(env.timers, retryDelayMs);
    } finally {
      env.timers.clearTimeout(timer);
    }
  }

  /** Lets entries gather, when the last ones were only just applied. */
  async #pause(): Promise<void> {
    const { env } = this.#options;
    const leftMs = this.#appliedMs + followPauseMs - env.clock.monotonic();
    if (leftMs <= 0 || this.#isStopped) return;
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
    const { election, onFetch, onFetched, state } = this.#options;
    onFetch();
    try {
      await state.fetch();
    } finally {
      onFetched();
    }
    const { lastRecord } = state;
    // Whoever appended what is in the snapshot may count on a lease since, however long this replica heard nothing.
    if (lastRecord === null) election.defer();
    else election.note(lastRecord, lastRecord.epoch);
  }
}
