/**
 * The RDB file that SAVE and BGSAVE leave in the directory for Redis: all data as of one moment, written beside its name
 * (`dbfilename`) and given it when it is whole and on the disk. This server reads its own snapshots, never this file.
 */
import { KvError } from '@holdfast/common';
import type { RedisFile } from '@holdfast/coord';
import type { RedisDownstream } from '@holdfast/downstream';
import { AtomicFile, type Disk } from '@holdfast/log';
import { rdbVersions } from '@holdfast/storage';

/** The copy waits while so many bytes are not written yet. */
const aheadBytesMax = 4 * 1024 * 1024;
/** FLUSHALL and SWAPDB end a copy, which then begins anew: not for ever. */
const attempts = 5;
/** Hashes with fields that expire can't be said in the first one, which more releases of Redis read. */
const versions = [rdbVersions.redis70, rdbVersions.redis74];

export interface DirectoryRedisFileOptions {
  readonly disk: Disk;
  readonly directory: string;
  /** Its name in the directory. */
  readonly name: () => string;
  readonly downstream: RedisDownstream;
}

export class DirectoryRedisFile implements RedisFile {
  readonly #options: DirectoryRedisFileOptions;

  constructor(options: DirectoryRedisFileOptions) {
    this.#options = options;
  }

  async write(settled: () => Promise<void>): Promise<void> {
    // It may be given another name meanwhile.
    const path = this.#path;
    let version = 0;
    for (let attempt = 1; ; attempt++) {
      try {
        await settled();
        await this.#writeOnce(path, versions[version]);
        return;
      } catch (error) {
        const code = error instanceof KvError ? error.code : '';
        if (code === 'INVALID' && version + 1 < versions.length) version++;
        else if (code !== 'UNAVAILABLE' || attempt >= attempts) throw error;
      }
    }
  }

  /** What a former process was writing when it was killed: nobody needs it, and it takes room. */
  removeUnfinished(): Promise<void> {
    return AtomicFile.removeUnfinished(this.#options.disk, this.#path);
  }

  get #path(): string {
    const { directory, name } = this.#options;
    return `${directory}/${name()}`;
  }

  #writeOnce(path: string, version: number): Promise<void> {
    const { disk, downstream } = this.#options;
    return AtomicFile.write(disk, path, async (file) => {
      let waitingBytes = 0;
      const add = (piece: Buffer): void => {
        waitingBytes += piece.length;
        const written = (): void => {
          waitingBytes -= piece.length;
        };
        file.write(piece).then(written, written);
      };
      await downstream.copy(version, add, () => waitingBytes > aheadBytesMax);
    });
  }
}
