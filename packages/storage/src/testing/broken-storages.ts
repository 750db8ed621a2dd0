/**
 * Storages that are wrong in one way each. The conformance suite must fail every one of them: that is how we
 * know that it looks.
 */
import { SeededRandom } from '@holdfast/common/testing';
import { KeyNames } from '../key-names.js';
import { createLayouts } from '../level/layouts/index.js';
import { MutationSkimmer } from '../level/mutation-skimmer.js';
import { MemoryStorage } from '../memory-storage.js';
import { MutationWriter, mutationKinds } from '../mutation.js';
import type { StoragePlace } from './storage-conformance.js';

class Broken extends MemoryStorage {
  constructor() {
    super(new SeededRandom(1));
  }

  /** The batch without the records of one kind. */
  protected without(batch: Uint8Array, kind: number): Uint8Array {
    const skimmer = new MutationSkimmer(batch, createLayouts(), this.database(0));
    const { reader } = skimmer;
    const writer = new MutationWriter(batch.length);
    for (let start = 0; skimmer.next(); start = reader.at) {
      if (reader.kind !== kind) writer.copy(batch, start, reader.at);
    }
    return writer.bytes.subarray(0, writer.length);
  }
}

class ForgetsExpiry extends Broken {
  override apply(batch: Uint8Array, position: number): void {
    super.apply(batch, position);
    for (let index = 0; index < 16; index++) {
      const { dict } = this.database(index);
      dict.forEach((ref) => {
        if (dict.expiry(ref) !== 0) dict.setExpiry(ref, 0);
      });
    }
  }
}

class ForgetsVersions extends Broken {
  override apply(batch: Uint8Array, position: number): void {
    super.apply(batch, position);
    const { dict } = this.database(0);
    dict.forEach((ref) => {
      dict.setStamp(ref, 1);
    });
  }
}

/** Takes every batch for newer than what is there. */
class AppliesStale extends Broken {
  override apply(batch: Uint8Array, position: number): void {
    for (let index = 0; index < 16; index++) {
      const { dict } = this.database(index);
      dict.forEach((ref) => {
        dict.setStamp(ref, -dict.stamp(ref));
      });
    }
    super.apply(batch, position);
    for (let index = 0; index < 16; index++) {
      const { dict } = this.database(index);
      dict.forEach((ref) => {
        dict.setStamp(ref, Math.abs(dict.stamp(ref)));
      });
    }
  }
}

class LosesSwaps extends Broken {
  override swap(): void {}
}

class SwapsWithoutJournal extends Broken {
  override swap(a: number, b: number): void {
    const { journal } = this;
    this.journal = null;
    super.swap(a, b);
    this.journal = journal;
  }
}

class IgnoresRenames extends Broken {
  override apply(batch: Uint8Array, position: number): void {
    super.apply(this.without(batch, mutationKinds.renameKey), position);
  }
}

class ScanMissesKeys extends Broken {
  override scanPage(database: number, cursor: number, count: number, visit: (ref: number) => void): number {
    let visited = 0;
    return super.scanPage(database, cursor, count, (ref) => {
      if (++visited % 50 !== 0) visit(ref);
    });
  }
}

class ScanEndsEarly extends Broken {
  override scanPage(database: number, cursor: number, count: number, visit: (ref: number) => void): number {
    const next = super.scanPage(database, cursor, count, visit);
    return next > 0xf0000000 ? 0 : next;
  }
}

class ScanLosesPlace extends Broken {
  override isScanned(
    database: number,
    cursor: number,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): boolean {
    return super.isScanned(database, cursor - 1e8, bytes, start, length);
  }
}

/** Names some keys as being elsewhere that are in memory. */
class NamesTwice extends Broken {
  override coldNames(database: number): KeyNames {
    const { arena, dict } = this.database(database);
    const names = new KeyNames();
    dict.forEach((ref) => {
      names.add(arena.chunk(ref), dict.keyStart(ref), dict.keyLength(ref), 0);
    });
    return names;
  }
}

class SnapshotMissesLast extends Broken {
  override async *snapshot(): AsyncGenerator<Uint8Array> {
    let held: Uint8Array | null = null;
    for await (const batch of super.snapshot()) {
      if (held !== null) yield held;
      held = batch;
    }
  }
}

class SnapshotRenamesLightly extends Broken {
  override async *snapshot(): AsyncGenerator<Uint8Array> {
    for await (const batch of super.snapshot()) {
      this.context.snapshots = 0;
      yield batch;
    }
  }
}

class SnapshotIgnoresRenames extends Broken {
  override async *snapshot(): AsyncGenerator<Uint8Array> {
    for await (const batch of super.snapshot()) {
      yield batch;
      this.context.renamed.length = 0;
    }
  }
}

class SnapshotIgnoresSwaps extends Broken {
  override async *snapshot(): AsyncGenerator<Uint8Array> {
    for await (const batch of super.snapshot()) {
      const { swaps } = this;
      yield batch;
      this.swaps = swaps;
    }
  }
}

class MiscountsKeys extends Broken {
  override keyCount(database: number): number {
    return database === 0 ? super.keyCount(database) : 0;
  }
}

class NeverReleases extends Broken {
  override releaseSome(): boolean {
    return true;
  }
}

class ForgetsLastVersion extends Broken {
  override apply(batch: Uint8Array, position: number): void {
    const { last } = this.stamp;
    super.apply(batch, position);
    this.stamp.last = last;
  }
}

const brokenStorages = {
  'forgets expiries when it applies': ForgetsExpiry,
  'forgets versions when it applies': ForgetsVersions,
  'applies stale records': AppliesStale,
  'loses swaps': LosesSwaps,
  'does not journal swaps': SwapsWithoutJournal,
  'ignores renames when it applies': IgnoresRenames,
  'misses keys in a scan': ScanMissesKeys,
  'ends a scan too early': ScanEndsEarly,
  'does not know where a scan has been': ScanLosesPlace,
  'names keys twice': NamesTwice,
  'leaves the end of a snapshot out': SnapshotMissesLast,
  'journals renames lightly during a snapshot': SnapshotRenamesLightly,
  'does not look again at what was renamed during a snapshot': SnapshotIgnoresRenames,
  'does not notice swaps during a snapshot': SnapshotIgnoresSwaps,
  'miscounts keys': MiscountsKeys,
  'never gives memory back': NeverReleases,
  'forgets the last version when it applies': ForgetsLastVersion,
} as const;

/** Each with a fresh storage on every call of `makePlace`. */
export const brokenStoragePlaces: readonly { name: string; makePlace(): StoragePlace }[] = Object.entries(
  brokenStorages,
).map(([name, BrokenStorage]) => ({
  name,
  makePlace: () => ({ open: async () => new BrokenStorage() }),
}));
