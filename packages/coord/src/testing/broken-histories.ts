/** Histories that are wrong in one way each: the conformance suite must fail every one of them. */

import { KvError } from '@holdfast/common';
import { SimulatedEnv } from '@holdfast/common/testing';
import type { Commit, History, HistoryPage, KeptCommits, ReadLimit } from '../history/history.js';
import { MemoryHistory } from '../history/memory-history.js';
import type { HistoryUnderTest } from './history-conformance.js';

/** Passes everything on to a correct one. */
class PassingHistory implements KeptCommits {
  protected readonly kept = new MemoryHistory(new SimulatedEnv().clock, () => testBounds, 100);

  get oldest(): number {
    return this.kept.oldest;
  }

  get newest(): number {
    return this.kept.newest;
  }

  committed(batch: Uint8Array, position: number, version: number): void {
    this.kept.committed(batch, position, version);
  }

  read(after: number, limit?: ReadLimit): Promise<HistoryPage> {
    return this.kept.read(after, limit);
  }

  waitBeyond(version: number, signal?: AbortSignal): Promise<void> {
    return this.kept.waitBeyond(version, signal);
  }

  end(): void {
    this.kept.end();
  }
}

export const testBounds = { bytes: 16384, seconds: 0 };

export function underTest(kept: KeptCommits): HistoryUnderTest {
  let position = 0;
  return {
    history: kept,
    commit: async (batch, version) => kept.committed(batch, ++position, version),
    trim: async () => {},
    end: () => kept.end(),
  };
}

class Inclusive extends PassingHistory {
  override read(after: number, limit?: ReadLimit): Promise<HistoryPage> {
    return this.kept.read(Math.max(this.oldest, after - 1), limit);
  }
}

class Forgetful extends PassingHistory {
  override async read(after: number, limit?: ReadLimit): Promise<HistoryPage> {
    const page = await this.kept.read(after, limit);
    return page.commits.length < (limit?.commitsMax ?? 9) ? { ...page, version: this.newest } : page;
  }
}

class Silent extends PassingHistory {
  override read(after: number, limit?: ReadLimit): Promise<HistoryPage> {
    return this.kept.read(Math.max(after, this.oldest), limit);
  }
}

class Untyped extends PassingHistory {
  override async read(after: number, limit?: ReadLimit): Promise<HistoryPage> {
    if (after < this.oldest) throw new KvError('INVALID', 'too old');
    return this.kept.read(after, limit);
  }
}

class Anxious extends PassingHistory {
  override async read(after: number, limit?: ReadLimit): Promise<HistoryPage> {
    if (after <= this.oldest && after < this.newest)
      throw new KvError('COMPACTED', '', { version: this.oldest });
    return this.kept.read(after, limit);
  }
}

class Deaf extends PassingHistory {
  override waitBeyond(): Promise<void> {
    return new Promise(() => {});
  }
}

class Hasty extends PassingHistory {
  override async waitBeyond(): Promise<void> {}
}

class Clinging extends PassingHistory {
  override end(): void {}
}

class Sharing extends PassingHistory {
  readonly #buffer = Buffer.alloc(1 << 20);

  override async read(after: number, limit?: ReadLimit): Promise<HistoryPage> {
    const { commits, version } = await this.kept.read(after, limit);
    let at = 0;
    const shared = commits.map(({ mutations, version: of }): Commit => {
      const start = at;
      this.#buffer.set(mutations, start);
      at += mutations.length;
      return { version: of, mutations: this.#buffer.subarray(start, at) };
    });
    return { commits: shared, version };
  }

  override committed(batch: Uint8Array, position: number, version: number): void {
    this.#buffer.fill(0);
    super.committed(batch, position, version);
  }
}

class Splitting extends PassingHistory {
  override async read(after: number, limit?: ReadLimit): Promise<HistoryPage> {
    const { commits, version } = await this.kept.read(after, limit);
    const halves = commits.flatMap((commit): Commit[] => {
      const { length } = commit.mutations;
      if (length < 60) return [commit];
      const [first, second] = [
        commit.mutations.subarray(0, length >> 1),
        commit.mutations.subarray(length >> 1),
      ];
      return [
        { version: commit.version, mutations: first },
        { version: commit.version, mutations: second },
      ];
    });
    return { commits: halves, version };
  }
}

class Greedy extends PassingHistory {
  override read(after: number): Promise<HistoryPage> {
    return this.kept.read(after);
  }
}

const kinds: readonly (readonly [name: string, make: () => History & KeptCommits])[] = [
  ['gives the version that the reader has once more', () => new Inclusive()],
  ['says that a page reaches further than it does', () => new Forgetful()],
  ['goes on with what is left when something is missing', () => new Silent()],
  ['says that it is too late without the word for it', () => new Untyped()],
  ['sends a reader away that is not too late', () => new Anxious()],
  ['wakes nobody', () => new Deaf()],
  ['wakes at once', () => new Hasty()],
  ['leaves those waiting who wait when it ends', () => new Clinging()],
  ['hands out memory that it uses again', () => new Sharing()],
  ['tears a write', () => new Splitting()],
  ['knows no limit', () => new Greedy()],
];

interface BrokenHistory {
  readonly name: string;
  make(): HistoryUnderTest;
}

export const brokenHistories: readonly BrokenHistory[] = [
  ...kinds.map(([name, make]) => ({ name, make: () => underTest(make()) })),
  {
    name: 'says that nothing is there where it is only not there yet',
    make: () => ({ ...underTest(new PassingHistory()), mayBeBehind: true }),
  },
];
