/**
 * A disk in memory that forgets like a real one.
 *
 *     writeSync ----> what readers see        (page cache)
 *     datasync  ----> what survives crash()   (disk)
 *
 * A crash decides per 512-byte sector how many of the writes since the last sync arrived, independently, so
 * that later bytes may be there while earlier ones are not; the last write to a sector may be torn within
 * it: see simulated-file.ts, for other ways as well. Names (created, renamed, unlinked) of a directory survive up to a random moment after its last sync,
 * in order, as with a journal. A failed `datasync` behaves like Linux: what it should have written is lost at
 * the next crash unless written again, and the next `datasync` succeeds.
 *
 * Not simulated: reordered names, firmware that lies about a sync, rot other than `flipBit`.
 */
import { dirname } from 'node:path';
import { KvError, type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import type { Disk, DiskFile, DiskLock, OpenMode } from '../disk.js';
import { type PowerLoss, SimulatedFile } from './simulated-file.js';

export type DiskOperation =
  | 'open'
  | 'write'
  | 'read'
  | 'datasync'
  | 'truncate'
  | 'rename'
  | 'unlink'
  | 'list'
  | 'syncDirectory';

export type DiskFault = 'ENOSPC' | 'EIO';

interface PlannedFault {
  readonly operation: DiskOperation;
  readonly code: DiskFault;
  readonly pathPart: string;
  skip: number;
}

export class SimulatedDisk implements Disk {
  readonly #random: Random;
  /** Names now, and changes of names since the directory was synced. */
  #names = new Map<string, SimulatedFile>();
  #durableNames = new Map<string, SimulatedFile>();
  #nameChanges: { directory: string; path: string; inode: SimulatedFile | null }[][] = [];
  #directories = new Set<string>(['/']);
  #locks = new Set<string>();
  #faults: PlannedFault[] = [];
  #freeBytes = Number.POSITIVE_INFINITY;
  /** Rises with each crash: what was opened before is dead. */
  #life = 0;
  #operationCount = 0;
  #openFileCount = 0;
  #powerOffAt = Number.POSITIVE_INFINITY;
  #announcePowerOff: () => void = () => {};

  constructor(seed = 1) {
    this.#random = new SeededRandom(seed);
  }

  /** Operations so far. */
  get operationCount(): number {
    return this.#operationCount;
  }

  /** Files that are open now. */
  get openFileCount(): number {
    return this.#openFileCount;
  }

  /**
   * Cuts the power right before operation number `count` from now (1: the next one): from then on
   * synchronous operations throw and others never resolve, until `crash` starts the machine again.
   * Resolves when it happens.
   */
  powerOffAfter(count: number): Promise<void> {
    this.#powerOffAt = this.#operationCount + count;
    return new Promise((resolve) => {
      this.#announcePowerOff = resolve;
    });
  }

  /**
   * Power cut and restart: unsynced data is dropped, torn or kept by chance, open files and locks are gone. `loss` says
   * which way files lose it; null for each file another one.
   */
  crash(loss: PowerLoss | null = 'sectors'): void {
    this.#life++;
    this.#openFileCount = 0;
    this.#powerOffAt = Number.POSITIVE_INFINITY;
    this.#faults = [];
    this.#locks.clear();
    const arrived = randomBelow(this.#random, this.#nameChanges.length + 1);
    for (const changes of this.#nameChanges.slice(0, arrived)) this.#settleNames(changes);
    this.#nameChanges = [];
    this.#names = new Map(this.#durableNames);
    for (const inode of new Set(this.#names.values())) inode.crash(this.#random, loss);
  }

  /** The process dies, the machine goes on: open files and locks are gone, every written byte is there. */
  kill(): void {
    this.#life++;
    this.#openFileCount = 0;
    this.#powerOffAt = Number.POSITIVE_INFINITY;
    this.#locks.clear();
  }

  /** Lets an operation fail once, after `skip` that succeed; of files whose path contains `pathPart`. */
  failNext(
    operation: DiskOperation,
    code: DiskFault,
    options: { skip?: number; pathPart?: string } = {},
  ): void {
    this.#faults.push({ operation, code, skip: options.skip ?? 0, pathPart: options.pathPart ?? '' });
  }

  /** Room for files to grow; writes beyond it are done in part and fail with ENOSPC. */
  setFreeBytes(count: number): void {
    this.#freeBytes = count;
  }

  /** Turns one bit of what is stored, as rot does. */
  flipBit(path: string, at: number, bit = 0): void {
    const inode = this.#inode(path);
    if (at >= inode.size) throw new KvError('INVALID', `${path} has no byte ${at}`);
    inode.flipBit(at, bit);
  }

  /** Whether anything of files or names with `pathPart` in their path is not on the disk. */
  hasUnsynced(pathPart: string): boolean {
    const isPart = (path: string): boolean => path.includes(pathPart);
    if (this.#nameChanges.some((changes) => changes.some(({ path }) => isPart(path)))) return true;
    for (const [path, inode] of this.#names) if (isPart(path) && inode.pending.length > 0) return true;
    return false;
  }

  /** The content of a file as readers see it. */
  contentOf(path: string): Uint8Array {
    const inode = this.#inode(path);
    return inode.bytes.slice(0, inode.size);
  }

  open(path: string, mode: OpenMode): DiskFile {
    this.#step('open', path);
    let inode = this.#names.get(path);
    if (inode === undefined) {
      if (mode === 'read') throw diskError('ENOENT', 'open', path);
      if (!this.#directories.has(dirname(path))) throw diskError('ENOENT', 'open', path);
      inode = new SimulatedFile();
      this.#changeNames([{ directory: dirname(path), path, inode }]);
    } else if (mode === 'replace' && inode.size > 0) {
      this.#freeBytes += inode.size;
      inode.change(0, null, 0);
    }
    return this.#fileOver(path, inode);
  }

  rename(source: string, target: string): void {
    this.#step('rename', source);
    const inode = this.#inode(source);
    this.#changeNames([
      { directory: dirname(source), path: source, inode: null },
      { directory: dirname(target), path: target, inode },
    ]);
  }

  async exists(path: string): Promise<boolean> {
    return this.#names.has(path) || this.#directories.has(path);
  }

  /** There are no links. */
  async follow(path: string): Promise<string> {
    return path.replace(/(?<=.)\/+$/, '');
  }

  async isMountPoint(): Promise<boolean> {
    return false;
  }

  async unlink(path: string): Promise<void> {
    await this.#wait('unlink', path);
    this.#unlink(path);
  }

  unlinkSync(path: string): void {
    this.#step('unlink', path);
    this.#unlink(path);
  }

  #unlink(path: string): void {
    this.#freeBytes += this.#inode(path).size;
    this.#changeNames([{ directory: dirname(path), path, inode: null }]);
  }

  async list(directory: string): Promise<string[]> {
    await this.#wait('list', directory);
    const prefix = directory === '/' ? '/' : `${directory}/`;
    const names: string[] = [];
    for (const path of this.#names.keys())
      if (dirname(path) === directory) names.push(path.slice(prefix.length));
    return names;
  }

  async makeDirectory(path: string): Promise<void> {
    for (let at = path; !this.#directories.has(at); at = dirname(at)) this.#directories.add(at);
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#wait('syncDirectory', path);
    this.#settleDirectory(path);
  }

  syncDirectorySync(path: string): void {
    this.#step('syncDirectory', path);
    this.#settleDirectory(path);
  }

  #settleDirectory(path: string): void {
    const isHere = (changes: { directory: string }[]) => changes.some(({ directory }) => directory === path);
    for (const changes of this.#nameChanges) if (isHere(changes)) this.#settleNames(changes);
    this.#nameChanges = this.#nameChanges.filter((changes) => !isHere(changes));
  }

  async lock(directory: string): Promise<DiskLock> {
    if (this.#locks.has(directory))
      throw new KvError('LOCKED', `${directory} is in use by process ${process.pid}`);
    this.#locks.add(directory);
    const life = this.#life;
    return {
      release: async () => {
        if (life === this.#life) this.#locks.delete(directory);
      },
    };
  }

  #fileOver(path: string, inode: SimulatedFile): DiskFile {
    const life = this.#life;
    let isOpen = true;
    this.#openFileCount++;
    const check = () => {
      if (!isOpen || life !== this.#life) throw diskError('EBADF', 'use', path);
    };
    const write = (bytes: Uint8Array, at: number) => {
      const size = Math.max(inode.size, at + bytes.length);
      const missing = size - inode.size - this.#freeBytes;
      if (missing <= 0) {
        this.#freeBytes -= size - inode.size;
        inode.change(at, bytes, size);
        return;
      }
      const fitting = Math.max(0, bytes.length - missing);
      if (fitting > 0) write(bytes.subarray(0, fitting), at);
      throw diskError('ENOSPC', 'write', path);
    };
    return {
      path,
      size: () => {
        check();
        return inode.size;
      },
      writeSync: (bytes, at) => {
        check();
        this.#step('write', path);
        write(bytes, at);
      },
      write: async (bytes, at) => {
        check();
        await this.#wait('write', path);
        write(bytes, at);
      },
      read: async (target, at) => {
        check();
        await this.#wait('read', path);
        const part = inode.bytes.subarray(Math.min(at, inode.size), Math.min(inode.size, at + target.length));
        target.set(part);
        return part.length;
      },
      datasync: async () => {
        check();
        const before = [...inode.pending];
        try {
          await this.#wait('datasync', path);
        } catch (error) {
          inode.abandon(before);
          throw error;
        }
        check();
        inode.settle(before.filter((change) => inode.pending.includes(change)).length);
      },
      datasyncSync: () => {
        check();
        try {
          this.#step('datasync', path);
        } catch (error) {
          if ((error as KvError).cause !== powerOff) inode.abandon(inode.pending);
          throw error;
        }
        inode.settle(inode.pending.length);
      },
      truncate: async (size) => {
        check();
        await this.#wait('truncate', path);
        this.#freeBytes -= size - inode.size;
        inode.change(0, null, size);
      },
      // There is one user.
      takePermissions: check,
      close: async () => {
        if (isOpen && life === this.#life) this.#openFileCount--;
        isOpen = false;
      },
    };
  }

  /** Counts an operation, and lets it fail when that is planned. */
  #step(operation: DiskOperation, path: string): void {
    this.#operationCount++;
    if (this.#operationCount >= this.#powerOffAt) {
      this.#announcePowerOff();
      throw new KvError('DISK', 'the power is off', { cause: powerOff });
    }
    for (const fault of this.#faults) {
      if (fault.operation !== operation || !path.includes(fault.pathPart) || fault.skip-- > 0) continue;
      this.#faults.splice(this.#faults.indexOf(fault), 1);
      throw diskError(fault.code, operation, path);
    }
  }

  /** As `#step`, for operations that take time: others run meanwhile, and a power cut never returns. */
  async #wait(operation: DiskOperation, path: string): Promise<void> {
    const life = this.#life;
    try {
      this.#step(operation, path);
    } catch (error) {
      if ((error as KvError).cause === powerOff) await never;
      throw error;
    }
    for (let turns = randomBelow(this.#random, 8); turns > 0; turns--) await null;
    if (life !== this.#life || this.#operationCount >= this.#powerOffAt) await never;
  }

  #changeNames(changes: { directory: string; path: string; inode: SimulatedFile | null }[]): void {
    for (const { path, inode } of changes) {
      if (inode === null) this.#names.delete(path);
      else this.#names.set(path, inode);
    }
    this.#nameChanges.push(changes);
  }

  #settleNames(changes: { path: string; inode: SimulatedFile | null }[]): void {
    for (const { path, inode } of changes) {
      if (inode === null) this.#durableNames.delete(path);
      else this.#durableNames.set(path, inode);
    }
  }

  #inode(path: string): SimulatedFile {
    const inode = this.#names.get(path);
    if (inode === undefined) throw diskError('ENOENT', 'find', path);
    return inode;
  }
}

const powerOff = new Error('power off');
const never = new Promise<never>(() => {});

function diskError(code: string, operation: string, path: string): KvError {
  return new KvError('DISK', `can't ${operation} ${path}: ${code}`, {
    cause: Object.assign(new Error(code), { code }),
  });
}
