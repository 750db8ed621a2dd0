/**
 * A file system with little room, to see what a server does when the disk is full: a tmpfs, mounted in a
 * directory of its own. Needs root on Linux; ask `SmallDisk.isAvailable`, and skip the test if not.
 *
 *     const disk = SmallDisk.mount(8 * 1024 * 1024);
 *     ... start the server with its data in disk.path ...
 *     disk.fill();       // nothing more can be written
 *     disk.free();       // the room is there again
 *     disk.unmount();
 *
 * It is unmounted when this process exits. What a killed process left behind is unmounted by the next `mount`.
 */
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { KvError } from '@holdfast/common';

const namePrefix = 'small-disk-';
const ballastName = '.ballast';

export class SmallDisk {
  /** An empty directory at first. */
  readonly path: string;
  readonly #unmountAtExit = (): void => this.unmount();
  #isMounted = true;

  private constructor(path: string) {
    this.path = path;
    process.once('exit', this.#unmountAtExit);
  }

  /** Whether this process may mount one. */
  static isAvailable(): boolean {
    try {
      SmallDisk.mount(1024 * 1024).unmount();
      return true;
    } catch {
      return false;
    }
  }

  /** Throws KvError DENIED when this process may not mount. */
  static mount(bytes: number): SmallDisk {
    unmountAbandoned();
    const path = mkdtempSync(join(tmpdir(), `${namePrefix}${process.pid}-`));
    try {
      run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path]);
    } catch (error) {
      rmdirSync(path);
      throw error;
    }
    return new SmallDisk(path);
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Takes all room but `leaveBytes`, rounded down to whole pages. */
  fill(leaveBytes = 0): void {
    const file = openSync(join(this.path, ballastName), 'a');
    try {
      for (let left = this.freeBytes - leaveBytes; left > 0; ) {
        const written = writeSync(file, new Uint8Array(Math.min(left, 1024 * 1024)));
        left -= written;
      }
    } catch (error) {
      // Somebody else took the rest.
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(file);
    }
  }

  /** Gives back what `fill` took. */
  free(): void {
    rmSync(join(this.path, ballastName), { force: true });
  }

  /** Makes the disk larger, or smaller, but not than what is on it. */
  resize(bytes: number): void {
    run('mount', ['-o', `remount,size=${bytes}`, this.path]);
  }

  /** Everything on it is gone. Unmounting twice is no error. */
  unmount(): void {
    if (!this.#isMounted) return;
    this.#isMounted = false;
    process.off('exit', this.#unmountAtExit);
    unmount(this.path);
  }
}

/** Unmounts what belongs to processes that are no more. */
function unmountAbandoned(): void {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(namePrefix)) continue;
    const pid = Number.parseInt(name.slice(namePrefix.length), 10);
    if (Number.isInteger(pid) && !isAlive(pid)) unmount(join(tmpdir(), name));
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function unmount(path: string): void {
  // Lazily: a file on it that is still open must not keep it.
  spawnSync('umount', ['-l', path]);
  // A server that outlived its test may have begun its directory again, below where the disk was.
  rmSync(path, { recursive: true, force: true });
}

function run(program: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new KvError('DENIED', `can't ${program}: ${stderr || error?.message}`);
}
