/**
 * The RDB file that SAVE and BGSAVE leave in the directory for Redis: all data as of one moment, written beside its name
 * (`dbfilename`) and given it when it is whole and on the disk. This server reads its own snapshots, never this file.
 */
import { KvError } from '@holdfast/common';
import type { RedisFile } from '@holdfast/coord';
import type { RedisDownstream } from '@holdfast/downstream';
import type { Disk, DiskFile } from '@holdfast/log';
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
    const { directory, disk } = this.#options;
    // It may be given another name meanwhile.
    const path = this.#path;
    await this.#writeTo(temporaryOf(path), settled);
    disk.rename(temporaryOf(path), path);
    await disk.syncDirectory(directory);
  }

  /** What a former process was writing when it was killed: nobody needs it, and it takes room. */
  async removeUnfinished(): Promise<void> {
    const { disk } = this.#options;
    const temporary = temporaryOf(this.#path);
    if (await disk.exists(temporary)) await disk.unlink(temporary);
  }

  get #path(): string {
    const { directory, name } = this.#options;
    return `${directory}/${name()}`;
  }

  async #writeTo(path: string, settled: () => Promise<void>): Promise<void> {
    let version = 0;
    for (let attempt = 1; ; attempt++) {
      try {
        await settled();
        await this.#writeOnce(path, versions[version]);
        return;
      } catch (error) {
        const code = error instanceof KvError ? error.code : '';
        if (code === 'INVALID' && version + 1 < versions.length) version++;
        else if (code !== 'UNAVAILABLE' || attempt >= attempts) {
          await this.#options.disk.unlink(path).catch(() => {});
          throw error;
        }
      }
    }
  }

  async #writeOnce(path: string, version: number): Promise<void> {
    const { disk, downstream } = this.#options;
    const file = disk.open(path, 'replace');
    try {
      const pieces = new Pieces(file);
      await downstream.copy(
        version,
        (piece) => pieces.add(piece),
        () => pieces.waitingBytes > aheadBytesMax,
      );
      await pieces.written();
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}

function temporaryOf(path: string): string {
  return `${path}.tmp`;
}

/** What follows what is written already, one piece after the other. */
class Pieces {
  waitingBytes = 0;
  readonly #file: DiskFile;
  #end = 0;
  #writing: Promise<void> = Promise.resolve();

  constructor(file: DiskFile) {
    this.#file = file;
  }

  add(piece: Buffer): void {
    const at = this.#end;
    this.#end += piece.length;
    this.waitingBytes += piece.length;
    this.#writing = this.#writing.then(async () => {
      try {
        await this.#file.write(piece, at);
      } finally {
        this.waitingBytes -= piece.length;
      }
    });
    // Whoever waits for the last one is told of the first that failed.
    this.#writing.catch(() => {});
  }

  written(): Promise<void> {
    return this.#writing;
  }
}
