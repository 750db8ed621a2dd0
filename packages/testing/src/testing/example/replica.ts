/**
 * A replica of a few registers over a shared log: one of them leads, the others follow and take over.
 *
 * - A write is an append that must follow what the leader has applied; so a leader that is not any more can't write.
 * - The leader has a lease, counted by its clock from before the append that took or renewed it; it answers
 *   reads while the lease runs. Others wait longer than that, by their clocks, since they saw the last such entry.
 * - An append without an answer is resolved before anything else is answered: a fence is appended at its place.
 *   Either the fence is there, then the write never will be, or the write was.
 * - A gap in what the log announces is filled by reading.
 *
 * Each rule can be broken on purpose, to see whether anybody notices.
 */
import { KvError } from '@holdfast/common';
import { callChannel } from '../../simulation/channels.js';
import type { NodeLife } from '../../simulation/node-life.js';
import { append, appended, type Entry, type NewEntry, readFrom } from './shared-log.js';

export type Mistake = 'ack before commit' | 'ignored lease' | 'stale tail' | 'skipped gap';

export type Request =
  | { readonly op: 'get'; readonly key: string }
  | { readonly op: 'set'; readonly key: string; readonly value: string };

/** `failed`: certainly not done. */
export type Reply = { readonly value: string | null } | { readonly failed: string };

export const ask = callChannel<Request, Reply>('ask');

export const leaseMs = 600;
/** More than clocks may differ in rate. */
const takeoverMs = leaseMs * 1.25;
const callMs = 150;

interface QueuedWrite {
  readonly write: { readonly key: string; readonly value: string };
  readonly answer: (reply: Reply) => void;
}

export class Replica {
  readonly #life: NodeLife;
  readonly #mistake: Mistake | null;
  readonly #values = new Map<string, string>();
  readonly #queue: QueuedWrite[] = [];
  #applied = 0;
  #epoch = 0;
  #isLeader = false;
  /** Reads may be answered until then. */
  #leaseEndMs = 0;
  /** Nobody may take over until then. */
  #takeoverMs: number;
  #lastId = 0;

  constructor(life: NodeLife, mistake: Mistake | null) {
    this.#life = life;
    this.#mistake = mistake;
    this.#takeoverMs = this.#nowMs + takeoverMs;
  }

  async run(): Promise<void> {
    this.#life.network.onMessage(appended, (entry) => this.#announced(entry));
    this.#life.network.serve(ask, (request) => this.#ask(request));
    for (;;) {
      await this.#life.sleep(this.#isLeader ? 5 : 50 + (this.#life.env.random.uint32() % 100));
      if (this.#isLeader) await this.#lead();
      else await this.#follow();
    }
  }

  get #nowMs(): number {
    return this.#life.env.clock.monotonic();
  }

  #ask(request: Request): Reply | Promise<Reply> {
    if (!this.#isLeader) return { failed: 'not the leader' };
    if (request.op === 'set') {
      if (this.#mistake === 'ack before commit') {
        this.#queue.push({ write: request, answer: () => {} });
        return { value: null };
      }
      return new Promise((answer) => this.#queue.push({ write: request, answer }));
    }
    if (this.#mistake !== 'ignored lease' && this.#nowMs >= this.#leaseEndMs)
      return { failed: 'the lease is over' };
    return { value: this.#values.get(request.key) ?? null };
  }

  /** One step as the leader: a write, or a renewal. */
  async #lead(): Promise<void> {
    const next = this.#queue.shift();
    if (next !== undefined) {
      const isDone = await this.#append(this.#entry(next.write, false));
      next.answer(isDone ? { value: null } : { failed: 'not written' });
      if (!isDone) this.#stepDown();
    } else if (this.#nowMs > this.#leaseEndMs - leaseMs / 2) {
      await this.#takeLease();
    }
  }

  /** One step as a follower: catches up, and takes over when nobody has led for long enough. */
  async #follow(): Promise<void> {
    await this.#catchUp();
    if (this.#nowMs < this.#takeoverMs) return;
    this.#epoch++;
    this.#life.log(`wants to lead in epoch ${this.#epoch}`);
    await this.#takeLease();
  }

  async #takeLease(): Promise<void> {
    const startMs = this.#nowMs;
    if (await this.#append(this.#entry(null, true))) {
      this.#isLeader = true;
      this.#leaseEndMs = startMs + leaseMs;
    } else {
      this.#stepDown();
    }
  }

  #stepDown(): void {
    this.#isLeader = false;
    for (const { answer } of this.#queue.splice(0)) answer({ failed: 'not the leader any more' });
  }

  #entry(write: NewEntry['write'], isLease: boolean): NewEntry {
    const id = `${this.#life.name}.${this.#life.number}.${++this.#lastId}`;
    return { epoch: this.#epoch, writer: this.#life.name, id, write, isLease };
  }

  /** Appends after what is applied, and applies it. False: it is not in the log and never will be. */
  async #append(entry: NewEntry): Promise<boolean> {
    const after = this.#applied;
    try {
      const { isAppended } = await this.#life.network.call(
        'log',
        append,
        { entry, after },
        { timeoutMs: callMs },
      );
      if (isAppended) this.#apply({ ...entry, position: after + 1 });
      return isAppended;
    } catch (error) {
      if ((error as KvError).code === 'UNAVAILABLE') return false;
      return this.#resolve(entry, after);
    }
  }

  /** Finds out what became of an append, for as long as it takes. */
  async #resolve(entry: NewEntry, after: number): Promise<boolean> {
    this.#life.log(`does not know whether ${entry.id} is at ${after + 1}`);
    for (;;) {
      const options = { timeoutMs: callMs };
      try {
        if (this.#mistake === 'stale tail') {
          const [found] = await this.#life.network.call('mirror', readFrom, after + 1, options);
          return found !== undefined && this.#isMine(found, entry);
        }
        const fence = { ...entry, id: `${entry.id}.fence`, write: null, isLease: false };
        await this.#life.network.call('log', append, { entry: fence, after }, options);
        const [found] = await this.#life.network.call('log', readFrom, after + 1, options);
        return this.#isMine(found, entry);
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        await this.#life.sleep(20);
      }
    }
  }

  #isMine(found: Entry, entry: NewEntry): boolean {
    if (found.id !== entry.id) return false;
    this.#apply(found);
    return true;
  }

  #announced(entry: Entry): void {
    // The leader applies its own appends, in order.
    if (this.#isLeader) return;
    if (entry.position === this.#applied + 1 || this.#mistake === 'skipped gap') this.#apply(entry);
    else void this.#catchUp();
  }

  async #catchUp(): Promise<void> {
    try {
      const from = this.#applied + 1;
      const entries = await this.#life.network.call('log', readFrom, from, { timeoutMs: callMs });
      for (const entry of entries) this.#apply(entry);
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
    }
  }

  #apply(entry: Entry): void {
    if (entry.position <= this.#applied) return;
    this.#applied = entry.position;
    this.#epoch = Math.max(this.#epoch, entry.epoch);
    if (entry.write !== null) this.#values.set(entry.write.key, entry.write.value);
    if (entry.isLease) this.#takeoverMs = this.#nowMs + takeoverMs;
  }
}
