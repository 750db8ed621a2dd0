/** The directory of a local server: one server's at a time, and of one kind of storage for good. */
import { KvError } from '@holdfast/common';
import { type Disk, type DiskLock, readSmallFile, writeSmallFile } from '@holdfast/log';

export class DataDirectory {
  readonly path: string;
  readonly disk: Disk;
  readonly #storage: string;
  #lock: DiskLock | null = null;

  constructor(disk: Disk, path: string, storage: string) {
    this.disk = disk;
    this.path = path;
    this.#storage = storage;
  }

  get isClaimed(): boolean {
    return this.#lock !== null;
  }

  /** Makes it this server's own. Throws KvError LOCKED, INVALID, DISK. */
  async claim(): Promise<void> {
    const { disk, path } = this;
    await checkRestored(disk, path);
    await disk.makeDirectory(path);
    const lock = await disk.lock(path);
    try {
      await checkFormat(disk, path, this.#storage);
    } catch (error) {
      await lock.release();
      throw error;
    }
    this.#lock = lock;
  }

  /**
   * Makes it this server's own, where it is not yet, to keep data there without a log: what the log of another run has is
   * not to be covered, nor left out. Throws as `claim`.
   */
  async claimWithoutLog(): Promise<void> {
    if (this.isClaimed) return;
    await this.claim();
    if (!(await this.hasLog())) return;
    await this.release();
    throw new KvError(
      'INVALID',
      `${this.path} has the log of another run: start with --log file, or elsewhere`,
    );
  }

  async hasLog(): Promise<boolean> {
    return (await this.disk.exists(`${this.path}/log`)) || (await this.hasChain());
  }

  /** Whether the log is made of several. */
  hasChain(): Promise<boolean> {
    return this.disk.exists(`${this.path}/chain`);
  }

  /** Whether a server without a log left something there by SAVE. */
  async hasSaved(): Promise<boolean> {
    return (await this.disk.exists(`${this.path}/snapshots`)) && !(await this.hasLog());
  }

  /** What is to be said where memory storage without a log, which claims nothing, passes over the data of others. */
  async passedOver(): Promise<string | null> {
    const log = (await this.hasLog()) ? '--log file' : null;
    const level = (await this.disk.exists(`${this.path}/level`)) ? '--storage level' : null;
    const settings = [level, log].filter((each) => each !== null);
    if (settings.length === 0) return null;
    return `${this.path} has data of a server with ${settings.join(' ')}: this one begins without it, and saves nothing there`;
  }

  async release(): Promise<void> {
    const lock = this.#lock;
    this.#lock = null;
    await lock?.release();
  }
}

/** In a directory that a restore fills where it stays: as long as it has not finished. */
export const unfinishedName = 'restoring';

/**
 * A restore that fills an empty directory where it stays, and was killed, leaves it without all that it should have. One that
 * was to replace the directory, and was killed before it put the other one in place, leaves none: to begin
 * empty there would look like a loss. So it would where something made an empty one since then: what a restore puts in place
 * is never empty, nor is what a server has begun in. Throws KvError INVALID.
 */
export async function checkRestored(disk: Disk, directory: string): Promise<void> {
  const path = await disk.follow(directory);
  if (await disk.exists(`${path}/${unfinishedName}`))
    throw new KvError(
      'INVALID',
      `${path} is what kvctl restore has not finished: run it again, or empty the directory`,
    );
  const replaced = `${path}.replaced`;
  if (!(await disk.exists(replaced))) return;
  const isThere = await disk.exists(path);
  if (isThere && (await disk.list(path)).length > 0) return;
  const [state, back] = isThere
    ? ['empty', `remove ${path} and rename ${replaced} back`]
    : ['missing', `rename ${replaced} back`];
  throw new KvError(
    'INVALID',
    `${path} is ${state}, and ${replaced} is there: kvctl restore --replace was not finished. Run it again, or ${back}`,
  );
}

async function checkFormat(disk: Disk, directory: string, storage: string): Promise<void> {
  const path = `${directory}/format`;
  const content = await readSmallFile(disk, path);
  const expected = `holdfast 1 ${storage}\n`;
  if (content === null) {
    await writeSmallFile(disk, path, Buffer.from(expected));
    return;
  }
  const found = Buffer.from(content).toString('utf8');
  if (found === expected) return;
  const [name, version, kind] = found.trim().split(' ');
  if (name === 'holdfast' && version === '1') {
    throw new KvError(
      'INVALID',
      `${directory} holds data of --storage ${kind}, not ${storage}: choose that, or another directory`,
    );
  }
  throw new KvError(
    'INVALID',
    `${directory} was written by a newer version (${found.trim()}): use that version`,
  );
}
