/**
 * The file operations that durable parts are built from, so that a test can stand in for the disk and
 * tear, fill or break it. Used by the log, high-water marks, snapshots and locks.
 *
 * What is durable when: written bytes belong to the operating system at once (they survive the death of
 * the process, not of the machine); they are on the disk once `datasync` resolved. A name (created,
 * renamed, unlinked) is on the disk once `syncDirectory` of its directory resolved.
 *
 * Synchronous methods are those that only touch the page cache (a write of 16 KiB takes about 8 us);
 * what waits for the device goes through the thread pool. Failures are KvErrors with code DISK whose
 * cause is the system's error. After a failed `datasync` the pages count as clean although they never
 * arrived: a second `datasync` that succeeds proves nothing, only writing the bytes again does.
 */

/**
 * - `read`: an existing file, for reading.
 * - `write`: for reading and writing, created when missing, content kept.
 * - `replace`: as `write`, but emptied.
 */
export type OpenMode = 'read' | 'write' | 'replace';

export interface DiskFile {
  readonly path: string;
  size(): number;
  /** Hands `bytes` to the operating system at offset `at`, all of them. When it throws, a part may be written. */
  writeSync(bytes: Uint8Array, at: number): void;
  /** As `writeSync`, in the thread pool. `bytes` must stay untouched until it resolves. */
  write(bytes: Uint8Array, at: number): Promise<void>;
  /** Fills `target` from offset `at`; resolves with the number of bytes, fewer only at the end of the file. */
  read(target: Uint8Array, at: number): Promise<number>;
  /** Resolves when every write that was done before the call, and the size, is on the disk. */
  datasync(): Promise<void>;
  /** As `datasync`, blocking: for rare paths that must not interleave with anything. */
  datasyncSync(): void;
  truncate(size: number): Promise<void>;
  /** Whoever may use the file at `path`, if there is one, may use this one. Blocking. */
  takePermissions(path: string): void;
  close(): Promise<void>;
}

/** Held until released or until the process is dead. */
export interface DiskLock {
  release(): Promise<void>;
}

export interface Disk {
  open(path: string, mode: OpenMode): DiskFile;
  /** Atomic: `target`, if there, is replaced. Blocking, but only on the page cache. */
  rename(source: string, target: string): void;
  exists(path: string): Promise<boolean>;
  /** What a path leads to through symbolic links, whether that is there or not; without slashes at its end. */
  follow(path: string): Promise<string>;
  /** Whether something is mounted at a path that `follow` gave: a directory that nothing else can get the name of. */
  isMountPoint(path: string): Promise<boolean>;
  unlink(path: string): Promise<void>;
  /** As `unlink`, blocking. */
  unlinkSync(path: string): void;
  /** Names of the files in a directory, in no order. */
  list(directory: string): Promise<string[]>;
  /** Makes a directory and those above it, durably. Not an error when it exists. */
  makeDirectory(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /** As `syncDirectory`, blocking. */
  syncDirectorySync(path: string): void;
  /**
   * Takes a directory for this process. Throws KvError LOCKED, naming the process id, while another
   * process, or another part of this one, holds it; the lock of a dead process is taken over.
   */
  lock(directory: string): Promise<DiskLock>;
}
