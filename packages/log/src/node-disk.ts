/**
 * The machine's disk through Node. The only file that imports `node:fs`.
 *
 * Reads, syncs and closes go through the thread pool as callbacks wrapped once, not through
 * `fs/promises`, whose handles cost more per call.
 */
import fs from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { KvError, reasonOf } from '@holdfast/common';
import type { Disk, DiskFile, DiskLock, OpenMode } from './disk.js';
import { lockDirectory } from './node-lock.js';

const openFlags: Record<OpenMode, number> = {
  read: fs.constants.O_RDONLY,
  write: fs.constants.O_RDWR | fs.constants.O_CREAT,
  replace: fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_TRUNC,
};

/** Data, and who may read it, belong to the account of the server. */
const fileMode = 0o600;
const directoryMode = 0o700;

/** Linux writes and reads at most 0x7ffff000 bytes a call; a round number below it. */
const transferBytesMax = 1024 * 1024 * 1024;

/** Runs a blocking operation; its failure as a KvError. */
function attempt<T>(operation: string, path: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw diskError(operation, path, cause);
  }
}

/** Runs an operation of the thread pool; its failure as a KvError. */
function request<T>(
  operation: string,
  path: string,
  run: (done: (cause: Error | null, value?: T) => void) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    run((cause, value) => {
      if (cause === null || cause === undefined) resolve(value as T);
      else reject(diskError(operation, path, cause));
    });
  });
}

function diskError(operation: string, path: string, cause: unknown): KvError {
  return new KvError('DISK', `can't ${operation} ${path}: ${reasonOf(cause)}`, { cause });
}

/** The system's, of an error of ours. */
function codeOf(error: unknown): string | undefined {
  return ((error as KvError).cause as NodeJS.ErrnoException).code;
}

/** Of this process, as Linux says; a directory that is mounted elsewhere in its own file system is seen here alone. */
function mountPoints(): string[] {
  try {
    const lines = fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    // 36 35 98:0 /root /mount\040point options ...
    return lines.map((line) =>
      (line.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      ),
    );
  } catch {
    return [];
  }
}

class NodeFile implements DiskFile {
  readonly path: string;
  readonly #descriptor: number;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
  }

  size(): number {
    return attempt('stat', this.path, () => fs.fstatSync(this.#descriptor).size);
  }

  writeSync(bytes: Uint8Array, at: number): void {
    let done = 0;
    try {
      while (done < bytes.length) {
        const length = Math.min(bytes.length - done, transferBytesMax);
        done += fs.writeSync(this.#descriptor, bytes, done, length, at + done);
      }
    } catch (cause) {
      throw diskError('write', this.path, cause);
    }
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      const length = Math.min(bytes.length - done, transferBytesMax);
      const offset = done;
      done += await request<number>('write', this.path, (callback) =>
        fs.write(this.#descriptor, bytes, offset, length, at + offset, callback),
      );
    }
  }

  async read(target: Uint8Array, at: number): Promise<number> {
    let done = 0;
    while (done < target.length) {
      const offset = done;
      const length = Math.min(target.length - done, transferBytesMax);
      const count = await request<number>('read', this.path, (callback) =>
        fs.read(this.#descriptor, target, offset, length, at + offset, callback),
      );
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  datasync(): Promise<void> {
    return request('sync', this.path, (callback) => fs.fdatasync(this.#descriptor, callback));
  }

  datasyncSync(): void {
    attempt('sync', this.path, () => fs.fdatasyncSync(this.#descriptor));
  }

  truncate(size: number): Promise<void> {
    return request('truncate', this.path, (callback) => fs.ftruncate(this.#descriptor, size, callback));
  }

  takePermissions(path: string): void {
    const mode = attempt('stat', path, () => fs.statSync(path, { throwIfNoEntry: false }))?.mode ?? fileMode;
    attempt('chmod', this.path, () => fs.fchmodSync(this.#descriptor, mode & 0o777));
  }

  close(): Promise<void> {
    return request('close', this.path, (callback) => fs.close(this.#descriptor, callback));
  }
}

export class NodeDisk implements Disk {
  open(path: string, mode: OpenMode): DiskFile {
    return new NodeFile(
      path,
      attempt('open', path, () => fs.openSync(path, openFlags[mode], fileMode)),
    );
  }

  rename(source: string, target: string): void {
    attempt('rename', source, () => fs.renameSync(source, target));
  }

  async exists(path: string): Promise<boolean> {
    try {
      await request('stat', path, (callback) => fs.stat(path, callback));
      return true;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return false;
      throw error;
    }
  }

  async follow(path: string): Promise<string> {
    try {
      return await request<string>('follow', path, (callback) => fs.realpath.native(path, callback));
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
    }
    // It is not there, or a link to what is not.
    const absolute = resolve(path);
    const parent = await this.follow(dirname(absolute));
    const place = join(parent, basename(absolute));
    const target = await this.#linkAt(place);
    return target === null ? place : this.follow(resolve(parent, target));
  }

  async isMountPoint(path: string): Promise<boolean> {
    if (!(await this.exists(path))) return false;
    const devices = [path, dirname(path)].map((each) => attempt('stat', each, () => fs.statSync(each).dev));
    return devices[0] !== devices[1] || mountPoints().includes(path);
  }

  unlink(path: string): Promise<void> {
    return request('unlink', path, (callback) => fs.unlink(path, callback));
  }

  unlinkSync(path: string): void {
    attempt('unlink', path, () => fs.unlinkSync(path));
  }

  list(directory: string): Promise<string[]> {
    return request('list', directory, (callback) => fs.readdir(directory, callback));
  }

  async makeDirectory(path: string): Promise<void> {
    if (await this.exists(path)) return;
    const parent = dirname(path);
    await this.makeDirectory(parent);
    await request('make', path, (callback) =>
      fs.mkdir(path, directoryMode, (cause) => callback(cause?.code === 'EEXIST' ? null : cause)),
    );
    await this.syncDirectory(parent);
  }

  async syncDirectory(path: string): Promise<void> {
    const descriptor = await request<number>('open', path, (callback) => fs.open(path, 'r', callback));
    try {
      await request('sync', path, (callback) => fs.fsync(descriptor, callback));
    } finally {
      await request('close', path, (callback) => fs.close(descriptor, callback));
    }
  }

  syncDirectorySync(path: string): void {
    attempt('sync', path, () => {
      const descriptor = fs.openSync(path, 'r');
      try {
        fs.fsyncSync(descriptor);
      } finally {
        fs.closeSync(descriptor);
      }
    });
  }

  /** What a symbolic link says; null when there is none. */
  async #linkAt(path: string): Promise<string | null> {
    try {
      return await request<string>('follow', path, (callback) => fs.readlink(path, callback));
    } catch (error) {
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EINVAL') return null;
      throw error;
    }
  }

  async lock(directory: string): Promise<DiskLock> {
    const descriptor = attempt('open', directory, () => fs.openSync(directory, 'r'));
    // A socket's path has room for 107 bytes only. Through the descriptor every directory is near, and stays the same one
    // when it gets another name: at its old one there may be another, with a lock of its own.
    const near = process.platform === 'linux' ? `/proc/self/fd/${descriptor}` : directory;
    const close = () => fs.closeSync(descriptor);
    try {
      return await lockDirectory({
        path: directory,
        near,
        names: () => fs.readdirSync(near),
        link: (source, target) => fs.linkSync(join(near, source), join(near, target)),
        unlink: (name) => fs.rmSync(join(near, name), { force: true }),
        close,
      });
    } catch (error) {
      close();
      throw error instanceof KvError ? error : diskError('lock', directory, error);
    }
  }
}
