/**
 * Mistakes that are made on purpose, to see whether the simulation notices. Each breaks one rule that keeps an
 * acknowledged write from being lost, a read from being old, or a cluster from standing still.
 */
import {
  Election,
  LeaderGuard,
  type OracleFront,
  RemoteFront,
  type RemoteFrontOptions,
  type ReplicaParts,
  ReplicaState,
  ReplicatedCommitter,
  type ReplicatedCommitterOptions,
  type ShardRegister,
  type SnapshotSource,
} from '@holdfast/coord';
import type { Log } from '@holdfast/log';

export const mistakes = [
  /** Replies leave when the command was executed. */
  'ack before commit',
  /** A leader answers as if its lease never ended. */
  'ignored lease',
  /** A follower campaigns although the lease of the leader is not over. */
  'impatient election',
  /** A read leaves before anything says that its node still leads. */
  'unconfirmed read',
  /** A leader that loses the lead keeps what was not committed. */
  'kept what was lost',
  /** What a read of the log does not show is believed to be lost. */
  'stale tail trusted',
  /** A follower applies what it gets, whatever is missing before. */
  'gap skipped',
  /** A snapshot whose end did not come is taken for whole. */
  'broken snapshot taken',
  /** The log is trimmed whatever the replicas still need. */
  'trimmed too far',
  /** Versions are used that were fetched before the write came. */
  'old timestamps',
  /** Readers of the history are shown what is not committed. */
  'history before commit',
] as const;

export type Mistake = (typeof mistakes)[number];

class HastyCommitter extends ReplicatedCommitter {
  override get committedVersion(): number {
    return Number.POSITIVE_INFINITY;
  }
}

class SelfAssuredCommitter extends ReplicatedCommitter {
  override get hasLease(): boolean {
    return true;
  }
}

class ForgivingCommitter extends ReplicatedCommitter {
  override get isClean(): boolean {
    return true;
  }
}

class TalkativeCommitter extends ReplicatedCommitter {
  readonly #told: ReplicatedCommitterOptions;

  constructor(options: ReplicatedCommitterOptions) {
    super(options);
    this.#told = options;
  }

  override settle(): void {
    const { history, storage } = this.#told;
    const { journal } = storage;
    if (journal !== null && journal.length > 0)
      history?.replicated?.committed(journal.bytes.subarray(0, journal.length), this.position + 1);
    super.settle();
  }
}

/** Most leases of the simulation are shorter than this and a third. */
const impatienceMs = 200;

class ImpatientElection extends Election {
  override get leftMs(): number {
    return Math.max(0, super.leftMs - impatienceMs);
  }
}

class CredulousGuard extends LeaderGuard {
  override executed(): void {}
}

class CarelessState extends ReplicaState {
  protected override checkNext(): void {}
}

class StingyFront extends RemoteFront {
  override prepare(_arrival: number, count: number): Promise<void> | null {
    return super.prepare(0, count);
  }

  override arrive(): number {
    return 0;
  }

  override async raise(): Promise<void> {
    await super.prepare(0, 1);
  }
}

/** What replicas are made of that make this mistake. Others are made by the log: see `LogClient`. */
export function brokenParts(mistake: Mistake): ReplicaParts {
  switch (mistake) {
    case 'ack before commit':
      return { Committer: HastyCommitter };
    case 'ignored lease':
      return { Committer: SelfAssuredCommitter };
    case 'kept what was lost':
      return { Committer: ForgivingCommitter };
    case 'impatient election':
      return { Election: ImpatientElection };
    case 'unconfirmed read':
      return { Guard: CredulousGuard };
    case 'gap skipped':
      return { State: CarelessState };
    case 'history before commit':
      return { Committer: TalkativeCommitter };
    default:
      return {};
  }
}

export function frontOf(mistake: Mistake | null, options: RemoteFrontOptions): OracleFront {
  return mistake === 'old timestamps' ? new StingyFront(options) : new RemoteFront(options);
}

export function sourceOf(mistake: Mistake | null, source: SnapshotSource): SnapshotSource {
  if (mistake !== 'broken snapshot taken') return source;
  return {
    async fetch(shard, after) {
      const { batches, from } = await source.fetch(shard, after);
      return { from, batches: untilDamage(batches), to: () => from };
    },
  };
}

export function registerOf(
  mistake: Mistake | null,
  register: ShardRegister,
  logs: ReadonlyMap<string, Log>,
): ShardRegister {
  if (mistake !== 'trimmed too far') return register;
  return {
    report: (shard, node, position) => register.report(shard, node, position),
    async positions(shard) {
      const positions = await register.positions(shard);
      const { committedPosition } = logs.get(shard)!;
      return new Map(Array.from(positions.keys(), (node) => [node, committedPosition - 1]));
    },
  };
}

async function* untilDamage(batches: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* batches;
  } catch {
    // As if that was all.
  }
}
