/**
 * Logs that are wrong in one way each. The conformance suite must fail every one of them: that is how we
 * know that it looks.
 */
import { SimulatedEnv } from '@holdfast/common/testing';
import type { AppendOutcome, Committed, Log, LogEntry, LogState, Position, Refused } from '../log.js';
import type { LogStore } from './log-conformance.js';
import { MemoryLog, MemoryLogStore } from './memory-log.js';
import type { DisruptableLogStore } from './shared-log-conformance.js';
import { SimulatedLog } from './simulated-log.js';
import { type AppendRequest, SimulatedLogServer } from './simulated-log-server.js';
import { SimulatedNetwork } from './simulated-network.js';

/** A log that passes everything on to a correct one; broken ones change a method. */
class PassingLog implements Log {
  protected readonly store: MemoryLogStore;
  protected readonly log: MemoryLog;

  constructor(store: MemoryLogStore) {
    this.store = store;
    this.log = new MemoryLog(store);
  }

  get batchBytesMax(): number {
    return this.log.batchBytesMax;
  }

  get committedPosition(): Position {
    return this.log.committedPosition;
  }

  append(batch: Uint8Array, after: Position, epoch: number): Promise<AppendOutcome> {
    return this.log.append(batch, after, epoch);
  }

  read(from: Position): AsyncIterable<LogEntry> {
    return this.log.read(from);
  }

  resolve(): Promise<(Committed | Refused)[]> {
    return this.log.resolve();
  }

  state(): Promise<LogState> {
    return this.log.state();
  }

  waitBeyond(position: Position, signal?: AbortSignal): Promise<Position> {
    return this.log.waitBeyond(position, signal);
  }

  tail(): Promise<Position> {
    return this.log.tail();
  }

  head(): Promise<Position> {
    return this.log.head();
  }

  seal(): Promise<Position> {
    return this.log.seal();
  }

  trim(before: Position): Promise<void> {
    return this.log.trim(before);
  }

  close(): Promise<void> {
    return this.log.close();
  }
}

class IgnoresAfter extends PassingLog {
  override append(batch: Uint8Array, _after: Position, epoch: number): Promise<AppendOutcome> {
    return this.log.append(batch, this.log.committedPosition, epoch);
  }
}

class IgnoresEpoch extends PassingLog {
  override append(batch: Uint8Array, after: Position, epoch: number): Promise<AppendOutcome> {
    this.store.epoch = 0;
    return this.log.append(batch, after, epoch);
  }
}

class ForgetsEpoch extends PassingLog {
  override async close(): Promise<void> {
    await this.log.close();
    this.store.epoch = 0;
  }
}

class LosesLastEntry extends PassingLog {
  override async close(): Promise<void> {
    await this.log.close();
    this.store.entries.pop();
  }
}

class SkipsEntry extends PassingLog {
  override async *read(from: Position): AsyncGenerator<LogEntry> {
    for await (const entry of this.log.read(from)) if (entry.position % 7 !== 3) yield entry;
  }
}

class ReadsPastTheTailOfTheCall extends PassingLog {
  override async *read(from: Position): AsyncGenerator<LogEntry> {
    yield* this.log.read(from);
  }
}

class KeepsCallersBuffer extends PassingLog {
  override async append(batch: Uint8Array, after: Position, epoch: number): Promise<AppendOutcome> {
    const outcome = await this.log.append(batch, after, epoch);
    const { entries } = this.store;
    if (outcome.kind === 'committed') entries[entries.length - 1] = { position: after + 1, epoch, batch };
    return outcome;
  }
}

class LendsItsBuffer extends PassingLog {
  override async *read(from: Position): AsyncGenerator<LogEntry> {
    const last = this.log.committedPosition;
    for await (const { position } of this.log.read(from)) {
      if (position <= last) yield this.store.entries[position - this.store.head];
    }
  }
}

class AppendsAfterSeal extends PassingLog {
  override async seal(): Promise<Position> {
    return this.log.tail();
  }
}

class ForgetsSeal extends PassingLog {
  override async close(): Promise<void> {
    await this.log.close();
    this.store.sealed = false;
  }
}

class TrimsOneTooMany extends PassingLog {
  override trim(before: Position): Promise<void> {
    return this.log.trim(before + 1);
  }
}

class StartsOverAfterTrim extends PassingLog {
  override async trim(before: Position): Promise<void> {
    await this.log.trim(before);
    if (this.store.entries.length === 0) this.store.head = 1;
  }
}

class ResolvesOutOfOrder extends PassingLog {
  override async append(batch: Uint8Array, after: Position, epoch: number): Promise<AppendOutcome> {
    const outcome = this.log.appendSync(batch, after, epoch);
    for (let turns = outcome.kind === 'committed' ? 20 - (after % 20) : 0; turns > 0; turns--) await null;
    return outcome;
  }
}

class ForgetsToClose extends PassingLog {
  override async close(): Promise<void> {}
}

class TakesAnyLength extends PassingLog {
  override append(batch: Uint8Array, after: Position, epoch: number): Promise<AppendOutcome> {
    return this.log.append(batch.length > this.batchBytesMax ? new Uint8Array(1) : batch, after, epoch);
  }
}

class KeepsItsEpochToItself extends PassingLog {
  override async state(): Promise<LogState> {
    return { ...(await this.log.state()), epoch: 0 };
  }
}

class WakesTooEarly extends PassingLog {
  override waitBeyond(position: Position, signal?: AbortSignal): Promise<Position> {
    return this.log.waitBeyond(position - 1, signal);
  }
}

class NeverWakes extends PassingLog {
  override waitBeyond(): Promise<Position> {
    return new Promise(() => {});
  }
}

class WaitsOnWhenSealed extends PassingLog {
  override async waitBeyond(position: Position, signal?: AbortSignal): Promise<Position> {
    for (;;) {
      const committed = await this.log.waitBeyond(position, signal);
      if (committed > position || signal?.aborted) return committed;
      await new Promise(setImmediate);
    }
  }
}

const brokenLogs = {
  'ignores `after`': IgnoresAfter,
  'ignores the epoch': IgnoresEpoch,
  'forgets the epoch when it is closed': ForgetsEpoch,
  'loses the last entry when it is closed': LosesLastEntry,
  'skips an entry when it is read': SkipsEntry,
  'reads past the tail of the call': ReadsPastTheTailOfTheCall,
  "keeps the caller's buffer": KeepsCallersBuffer,
  'lends its own buffer to readers': LendsItsBuffer,
  'appends after a seal': AppendsAfterSeal,
  'forgets the seal when it is closed': ForgetsSeal,
  'trims one entry too many': TrimsOneTooMany,
  'starts over after a trim': StartsOverAfterTrim,
  'resolves out of order': ResolvesOutOfOrder,
  'works after it was closed': ForgetsToClose,
  'takes batches of any length': TakesAnyLength,
  'keeps its epoch to itself': KeepsItsEpochToItself,
  'wakes too early': WakesTooEarly,
  'never wakes': NeverWakes,
  'waits on when it is sealed': WaitsOnWhenSealed,
} as const;

/** Each with a fresh store on every call of `makeStore`. */
export const brokenLogStores: readonly { name: string; makeStore(): LogStore }[] = Object.entries(
  brokenLogs,
).map(([name, BrokenLog]) => ({
  name,
  makeStore: () => {
    const store = new MemoryLogStore();
    return { open: async () => new BrokenLog(store) };
  },
}));

class TakesUnknownForRefused extends SimulatedLog {
  override async append(batch: Uint8Array, after: Position, epoch: number): Promise<AppendOutcome> {
    const outcome = await super.append(batch, after, epoch);
    return outcome.kind === 'unknown' ? { kind: 'refused', reason: 'unavailable', tail: after } : outcome;
  }
}

class TriesAgain extends SimulatedLog {
  override async append(batch: Uint8Array, after: Position, epoch: number): Promise<AppendOutcome> {
    const outcome = await super.append(batch, after, epoch);
    if (outcome.kind !== 'unknown') return outcome;
    return this.server.append({ batches: [batch], after, epoch, writer: 1e6 + after, sequence: 1 });
  }
}

class ResolvesByTheTail extends SimulatedLog {
  protected override async settle({ after, batches }: AppendRequest): Promise<Committed | Refused> {
    const tail = await this.tail();
    return tail > after
      ? { kind: 'committed', position: after + batches.length }
      : { kind: 'refused', reason: 'unavailable', tail };
  }
}

class ResolvesWithoutFence extends SimulatedLog {
  protected override async settle(request: AppendRequest): Promise<Committed | Refused> {
    const outcome = await super.settle(request);
    this.server.fences.clear();
    return outcome;
  }
}

class DeafToOthers extends SimulatedLog {
  override waitBeyond(position: Position, signal?: AbortSignal): Promise<Position> {
    this.server.unregister(this);
    return super.waitBeyond(position, signal);
  }
}

const brokenSharedLogs = {
  'takes unknown for refused': TakesUnknownForRefused,
  'tries again what is unknown': TriesAgain,
  'resolves by the tail alone': ResolvesByTheTail,
  'resolves without a fence': ResolvesWithoutFence,
  'is deaf to what others append': DeafToOthers,
} as const;

/** The same for the suites of shared and of disrupted logs. */
export const brokenSharedLogStores: readonly { name: string; makeStore(): DisruptableLogStore }[] =
  Object.entries(brokenSharedLogs).map(([name, BrokenLog]) => ({
    name,
    makeStore: () => simulatedLogStore((server) => new BrokenLog(server)),
  }));

/** A place for simulated logs, whose clock stands still. */
export function simulatedLogStore(
  connect = (server: SimulatedLogServer) => new SimulatedLog(server),
): DisruptableLogStore {
  const server = new SimulatedLogServer({ network: new SimulatedNetwork(new SimulatedEnv()) });
  return {
    open: async () => connect(server),
    disrupt: (log, disruption) => (log as SimulatedLog).disrupt(disruption),
    deliverLate: async (log) => (log as SimulatedLog).deliverLate(),
  };
}
