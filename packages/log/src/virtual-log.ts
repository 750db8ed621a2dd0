/**
 * One log made of several, so that where a log is kept can change while it is written: Balakrishnan et al.,
 * "Virtual Consensus in Delos", OSDI 2020.
 *
 *     positions   1 ........ 41   42 ...... 97   98 ....
 *                [file, sealed]  [etcd, sealed]  [file, active]
 *
 * To reconfigure: name the next segment in the register, seal the active one (its end is fixed then, for
 * everybody), install the next one behind it in the register, go on there. The register moves by
 * compare-and-set, so of two who reconfigure at once one wins and the other follows; and since the next segment
 * is named before anything is sealed, whoever meets a sealed segment can finish the work of one who died.
 *
 * Appends that a seal has cut off wait until the next segment is there, and go there in their order. Their
 * writer notices a pause.
 */
import { type Env, KvError, pause } from '@holdfast/common';
import { type Active, AppendSwitch } from './append-switch.js';
import { activeOf, type Chain, ChainRegister, type Segment } from './chain.js';
import { switchRetryMs } from './limits.js';
import type { AppendOutcome, Committed, Log, LogEntry, LogState, Position, Refused, Staged } from './log.js';
import { isElsewhere, OpenSegments, type Segments } from './open-segments.js';
import type { Register } from './register.js';

export interface VirtualLogOptions {
  readonly env: Env;
  readonly register: Register;
  readonly segments: Segments;
  /** Kind of the first segment of a log that is new. */
  readonly kind: string;
  /** Its name, for a log that was there before its chain: `Segments.create` finds it. A new one when not given. */
  readonly firstName?: string;
}

export class VirtualLog implements Log {
  readonly #env: Env;
  readonly #register: ChainRegister;
  readonly #logs: OpenSegments;
  #chain: Chain;
  #active: Active;
  readonly #appends: AppendSwitch;
  #isClosed = false;
  #following: Promise<void> | null = null;

  /** Throws what the register and the segments throw. */
  static async open(options: VirtualLogOptions): Promise<VirtualLog> {
    const register = new ChainRegister(options.register, options.env.random);
    const logs = new OpenSegments(options.segments);
    try {
      const chain = (await register.find()) ?? (await startChain(register, logs, options));
      const segment = activeOf(chain);
      const active = { segment, log: await logs.get(segment) };
      const virtual = new VirtualLog(options.env, register, logs, chain, active);
      await virtual.#finishOthersWork();
      return virtual;
    } catch (error) {
      await logs.close();
      throw error;
    }
  }

  private constructor(env: Env, register: ChainRegister, logs: OpenSegments, chain: Chain, active: Active) {
    this.#env = env;
    this.#register = register;
    this.#logs = logs;
    this.#chain = chain;
    this.#active = active;
    this.#appends = new AppendSwitch({
      env,
      active: () => this.#active,
      isFinal: () => this.#chain.isSealed,
      follow: () => this.#follow(),
    });
  }

  /** As last read. */
  get chain(): Chain {
    return this.#chain;
  }

  /** The log that takes the appends now: for what only its kind can tell. */
  get activeLog(): Log {
    return this.#active.log;
  }

  get batchBytesMax(): number {
    return this.#active.log.batchBytesMax;
  }

  get committedPosition(): Position {
    return this.#active.log.committedPosition;
  }

  /**
   * Goes on in a new segment of this kind. Resolves, when that or another one is in place, with whether it was
   * this call: when somebody else reconfigures at the same time, one of the two is done and both follow it.
   * Throws KvError INVALID when the log is sealed, and what the segments throw. It may have sealed the active
   * segment then, and appends wait: whoever uses the log tries to finish it, and `reconfigure` to another kind
   * takes its place.
   */
  async reconfigure(kind: string): Promise<boolean> {
    this.#throwWhenClosed();
    const expected = this.#active.segment.name;
    const name = `${this.#chain.revision + 1}-${this.#register.unique()}`;
    const stuck = this.#chain.next?.name;
    await this.#register.change((chain) => {
      if (chain.isSealed) throw new KvError('INVALID', 'the log is sealed: nothing can follow');
      const isFree = chain.next === null || chain.next.name === stuck;
      return isFree && activeOf(chain).name === expected ? { ...chain, next: { name, kind } } : null;
    });
    await this.#follow();
    return this.#chain.segments.some((segment) => segment.name === name);
  }

  async append(batch: Uint8Array, after: Position, epoch: number, staged?: Staged): Promise<AppendOutcome> {
    this.#throwWhenClosed();
    // Before it is copied.
    if (batch.length > this.batchBytesMax) {
      throw new KvError('LIMIT', `a batch of ${batch.length} bytes is longer than ${this.batchBytesMax}`);
    }
    return this.#appends.append(batch, after, epoch, staged);
  }

  /** In the active segment. When that is sealed before the append, the next one stores it anew. */
  stage(batch: Uint8Array, signal: AbortSignal): Promise<Staged> | null {
    const staging = this.#active.log.stage?.(batch, signal) ?? null;
    if (staging === null) return null;
    return staging.catch((error: unknown) => {
      if (!isElsewhere(error)) throw error;
      return { batch };
    });
  }

  /** What another segment has of it goes with that. */
  async unstage(staged: Staged): Promise<void> {
    await this.#active.log.unstage?.(staged);
  }

  appendSync(batch: Uint8Array, after: Position, epoch: number): AppendOutcome | null {
    this.#throwWhenClosed();
    return this.#appends.appendSync(batch, after, epoch);
  }

  async resolve(): Promise<(Committed | Refused)[]> {
    this.#throwWhenClosed();
    return this.#appends.resolve();
  }

  read(from: Position): AsyncIterable<LogEntry> {
    this.#throwWhenClosed();
    return this.#read(from, this.committedPosition, this.#chain.segments);
  }

  async state(): Promise<LogState> {
    this.#throwWhenClosed();
    await this.#adopt(await this.#register.read());
    const { tail, epoch, isSealed } = await this.#activeState();
    return { head: await this.#head(), tail, epoch, isSealed };
  }

  async tail(): Promise<Position> {
    this.#throwWhenClosed();
    return (await this.#activeState()).tail;
  }

  async head(): Promise<Position> {
    return (await this.state()).head;
  }

  async waitBeyond(position: Position, signal?: AbortSignal): Promise<Position> {
    this.#throwWhenClosed();
    for (;;) {
      const { log, segment } = this.#active;
      // A segment that is gone was sealed before.
      const committed = await log.waitBeyond(position, signal).catch(zeroWhenGone);
      if (committed > position || signal?.aborted || this.#chain.isSealed) return this.committedPosition;
      // Sealed: what comes will be in the next segment.
      await this.#follow().catch(() => {});
      if (this.#active.segment === segment && !this.#chain.isSealed) await this.#pause();
      this.#throwWhenClosed();
    }
  }

  async seal(): Promise<Position> {
    this.#throwWhenClosed();
    await this.#appends.idle();
    for (;;) {
      const chain = await this.#register.change((found) =>
        found.isSealed || found.next !== null ? null : { ...found, isSealed: true },
      );
      if (chain.isSealed) {
        await this.#adopt(chain);
        return this.#active.log.seal();
      }
      await this.#follow();
    }
  }

  async trim(before: Position): Promise<void> {
    this.#throwWhenClosed();
    if (trimmedCount(this.#chain, before) > 0) {
      const chain = await this.#register.change((found) => {
        const count = trimmedCount(found, before);
        const dropped = [...found.dropped, ...found.segments.slice(0, count)];
        return count === 0 ? null : { ...found, segments: found.segments.slice(count), dropped };
      });
      await this.#adopt(chain);
      await this.#drop();
    }
    const [first] = this.#chain.segments;
    const log = await this.#logs.get(first).catch(nullWhenElsewhere);
    await log?.trim(before);
  }

  /**
   * What segments of this kind are reached through is another one now: those that are open are closed, and opened anew when
   * they are needed. The active one must be of another kind.
   */
  async reopen(kind: string): Promise<void> {
    this.#throwWhenClosed();
    if (this.#active.segment.kind === kind) throw new KvError('INVALID', `the log is written in ${kind}`);
    await this.#logs.closeKind(kind);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#appends.idle();
    await this.#following?.catch(() => {});
    await this.#logs.close();
  }

  #throwWhenClosed(): void {
    if (this.#isClosed) throw new KvError('CLOSED', 'the log is closed');
  }

  async #finishOthersWork(): Promise<void> {
    const { log } = this.#active;
    if (this.#chain.isSealed) await log.seal();
    else if ((await log.state()).isSealed) await this.#follow();
    await this.#drop();
  }

  /** Goes to the active segment of the chain, and finishes a reconfiguration that was begun. */
  async #follow(): Promise<void> {
    this.#throwWhenClosed();
    this.#following ??= this.#finishReconfiguration().finally(() => {
      this.#following = null;
    });
    await this.#following;
  }

  async #finishReconfiguration(): Promise<void> {
    for (;;) {
      const chain = await this.#register.read();
      await this.#adopt(chain);
      if (chain.next === null) return;
      const { log } = this.#active;
      const after = await log.seal();
      const { epoch } = await log.state();
      const installed = { ...chain.next, after, epoch };
      // Before anybody is told of it: who finds it missing later knows that it was dropped.
      await this.#logs.create(installed);
      await this.#register.change((found) =>
        found.next?.name === installed.name
          ? { ...found, segments: [...found.segments, installed], next: null }
          : null,
      );
    }
  }

  async #adopt(chain: Chain): Promise<void> {
    const segment = activeOf(chain);
    const log = await this.#logs.get(segment);
    // What was read may be older than what another call has read meanwhile.
    if (chain.revision < this.#chain.revision) return;
    this.#chain = chain;
    const { segment: before } = this.#active;
    if (segment.name === before.name) return;
    this.#active = { segment, log };
    this.#appends.hasMoved(before);
  }

  /** Of the active segment; that is another one when the one known was sealed. */
  async #activeState(): Promise<LogState> {
    for (;;) {
      const { segment, log } = this.#active;
      const state = await log.state().catch(nullWhenElsewhere);
      if (state !== null && (!state.isSealed || this.#chain.isSealed)) return state;
      await this.#follow();
      if (this.#active.segment === segment) return state ?? log.state();
    }
  }

  async *#read(
    from: Position,
    last: Position,
    segments: readonly Segment[],
  ): AsyncGenerator<LogEntry, void, void> {
    if (from <= segments[0].after) throw new KvError('INVALID', `position ${from} is no longer in the log`);
    this.#logs.retain(segments, 1);
    try {
      for (const [i, segment] of segments.entries()) {
        const end = segments[i + 1]?.after ?? last;
        if (end < from) continue;
        const log = await this.#logs.sealed(segment, end);
        for await (const entry of log.read(Math.max(from, segment.after + 1))) {
          if (entry.position > end) return;
          yield entry;
        }
      }
    } finally {
      this.#logs.retain(segments, -1);
    }
  }

  /** The first position that can be read here. */
  async #head(): Promise<Position> {
    for (const segment of this.#chain.segments) {
      const log = await this.#logs.get(segment).catch(nullWhenElsewhere);
      if (log !== null) return log.head();
    }
    return this.committedPosition + 1;
  }

  /** Removes segments that were trimmed as a whole; what can't be removed here and now stays listed. */
  async #drop(): Promise<void> {
    const gone = new Set<string>();
    for (const segment of this.#chain.dropped) {
      const isGone = await this.#logs.drop(segment).catch(() => false);
      if (isGone) gone.add(segment.name);
    }
    if (gone.size === 0) return;
    const chain = await this.#register.change((found) => ({
      ...found,
      dropped: found.dropped.filter(({ name }) => !gone.has(name)),
    }));
    await this.#adopt(chain);
  }

  #pause(): Promise<void> {
    return pause(this.#env.timers, switchRetryMs);
  }
}

/** The chain of a new log; that of somebody else who was faster. */
async function startChain(
  register: ChainRegister,
  logs: OpenSegments,
  { firstName, kind }: VirtualLogOptions,
): Promise<Chain> {
  const first = { name: firstName ?? `1-${register.unique()}`, kind, after: 0, epoch: 0 };
  await logs.create(first);
  const chain = await register.open(first);
  if (chain.segments.every(({ name }) => name !== first.name)) await logs.drop(first);
  return chain;
}

/** How many segments have no entry from `before` on, and are not the active one. */
function trimmedCount({ segments }: Chain, before: Position): number {
  return segments.findIndex((_, i) => (segments[i + 1]?.after ?? Number.POSITIVE_INFINITY) >= before);
}

function zeroWhenGone(error: unknown): Position {
  if (isElsewhere(error)) return 0;
  throw error;
}

function nullWhenElsewhere(error: unknown): null {
  if (isElsewhere(error)) return null;
  throw error;
}
