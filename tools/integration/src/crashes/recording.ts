/**
 * What a process did to the files of its directory, from the record of its system calls: so that the directory can be
 * rebuilt as a power cut at any moment might have left it.
 *
 * Writes since the last sync of a file arrive in part, torn, or not at all, and names (created, renamed, unlinked) up to
 * a random moment after the last sync of their directory: as `SimulatedDisk` has it, which does not take a sync of a
 * new file for one of its name, although ext4 does. A sync covers what was done before it began, and counts when it
 * returned before the cut. What was in the directory before the process began is on the disk, and a directory is
 * there once it was made.
 */
import { mkdir, open, readdir, readFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { DiskFile } from '@holdfast/log';
import { SimulatedDisk } from '@holdfast/log/testing';
import type { CallArgument, SystemCall } from './system-calls.js';

/** Something that was done; `begin` and `end` as of the call. */
export interface Step {
  readonly kind: 'open' | 'write' | 'resize' | 'sync' | 'rename' | 'unlink' | 'make-directory';
  readonly path: string;
  readonly begin: number;
  readonly end: number;
  readonly timeMs: number;
  /** Of an open file: what `open` made, and the others use. */
  readonly file: OpenedFile | null;
  /** Of a rename. */
  readonly target: string;
  readonly bytes: Buffer;
  /** Of a write, in the file: -1 at its end. The size for `resize`. */
  readonly at: number;
}

class OpenedFile {
  readonly path: string;
  readonly isWritten: boolean;
  readonly isEmptied: boolean;
  readonly isAppended: boolean;
  readonly isNew: boolean;
  position = 0;

  constructor(path: string, flags: string) {
    this.path = path;
    this.isWritten = /O_WRONLY|O_RDWR/.test(flags);
    this.isEmptied = flags.includes('O_TRUNC');
    this.isAppended = flags.includes('O_APPEND');
    this.isNew = flags.includes('O_CREAT');
  }
}

/** What is done in ways that `Recording` knows nothing of must not be done to a file of the directory. */
const unknownCalls = /^(dup\d?|pwritev2?|sendfile|copy_file_range|fallocate|sync_file_range)$/;
const syncs = /^f(data)?sync$/;
const noBytes = Buffer.alloc(0);

/** The content of files, by path. */
export type FileTree = ReadonlyMap<string, Buffer>;

/** Everything in a directory but what is no file: the sockets of locks. */
export async function readTree(directory: string): Promise<FileTree> {
  const files = new Map<string, Buffer>();
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(path, await readFile(path));
  }
  return files;
}

export interface Cut {
  /** The power fails before this line of the record. */
  readonly line: number;
  /** What was acknowledged by then, and needed nothing later, was so before the cut. */
  readonly timeMs: number;
}

export class Recording {
  readonly steps: readonly Step[];
  readonly #directory: string;
  readonly #before: FileTree;
  readonly #times: readonly { readonly line: number; readonly timeMs: number }[];

  /** `before`: what was in the directory when the process began. */
  constructor(calls: readonly SystemCall[], directory: string, before: FileTree) {
    this.#directory = directory;
    this.#before = before;
    this.#times = calls.map(({ begin, timeMs }) => ({ line: begin, timeMs }));
    this.steps = new StepReader(directory).read(calls);
  }

  /** A cut before the call that began in `line`, or before the first one after that. */
  cutAt(line: number): Cut {
    const next = this.#times.find((call) => call.line >= line);
    return next ?? { line: Number.POSITIVE_INFINITY, timeMs: Number.POSITIVE_INFINITY };
  }

  /** What was about to be done. */
  describe({ line }: Cut): string {
    const next = this.steps.find(({ begin }) => begin >= line);
    return next === undefined ? 'the end' : `${next.kind} of ${next.path} (line ${line})`;
  }

  /**
   * Writes what the cut leaves of the directory to `target`. Returns since when, in ms since 1970, everything that had
   * been written to `watched` by then was on the disk.
   */
  async leave(cut: Cut, seed: number, target: string, watched: string): Promise<number> {
    const disk = new SimulatedDisk(seed);
    const directories = new Set([this.#directory]);
    await this.#begin(disk, directories);
    const watchedPath = join(this.#directory, watched);
    const files = new Map<OpenedFile, DiskFile>();
    let syncedMs = 0;
    for (const step of this.steps) {
      const isDone =
        step.kind === 'sync' || step.kind === 'open' ? step.end < cut.line : step.begin < cut.line;
      if (!isDone) continue;
      await take(step, disk, files, directories);
      if (step.kind === 'sync' && step.path.startsWith(watchedPath) && !disk.hasUnsynced(watchedPath))
        syncedMs = step.timeMs;
    }
    disk.crash(null);
    for (const directory of directories)
      await writeOut(disk, directory, join(target, directory.slice(this.#directory.length)));
    return syncedMs;
  }

  async #begin(disk: SimulatedDisk, directories: Set<string>): Promise<void> {
    await disk.makeDirectory(this.#directory);
    for (const [path, bytes] of this.#before) {
      await disk.makeDirectory(dirname(path));
      directories.add(dirname(path));
      const file = disk.open(path, 'replace');
      file.writeSync(bytes, 0);
      file.datasyncSync();
    }
    for (const directory of directories) await disk.syncDirectory(directory);
  }
}

async function take(
  { at, bytes, file, kind, path, target }: Step,
  disk: SimulatedDisk,
  files: Map<OpenedFile, DiskFile>,
  directories: Set<string>,
): Promise<void> {
  const opened = file === null ? undefined : files.get(file);
  if (kind === 'open') {
    if (!file!.isNew && !(await disk.exists(path))) throw new Error(`${path} was not there, and was opened`);
    // What was empty before is known by this only.
    directories.add(dirname(path));
    await disk.makeDirectory(dirname(path));
    files.set(file!, disk.open(path, file!.isEmptied ? 'replace' : 'write'));
  } else if (kind === 'write') opened!.writeSync(bytes, at < 0 ? opened!.size() : at);
  else if (kind === 'resize') await (opened ?? disk.open(path, 'write')).truncate(at);
  else if (kind === 'make-directory') {
    directories.add(path);
    await disk.makeDirectory(path);
  } else if (kind === 'sync') {
    // What was opened to be read is a directory.
    if (file!.isWritten) opened!.datasyncSync();
    else await disk.syncDirectory(path);
  } else if (!(await disk.exists(path))) {
    // A socket: no file.
  } else if (kind === 'rename') disk.rename(path, target);
  else await disk.unlink(path);
}

const pageBytes = 64 * 1024;

/** Leaves holes where there are zeros only: most of a log that was prepared. */
async function writeOut(disk: SimulatedDisk, source: string, target: string): Promise<void> {
  await mkdir(target, { recursive: true });
  const zeros = Buffer.alloc(pageBytes);
  for (const path of await disk.list(source)) {
    const bytes = disk.contentOf(join(source, path));
    const file = await open(join(target, path), 'w');
    await file.truncate(bytes.length);
    for (let at = 0; at < bytes.length; at += pageBytes) {
      const page = bytes.subarray(at, at + pageBytes);
      if (!zeros.subarray(0, page.length).equals(page)) await file.write(page, 0, page.length, at);
    }
    await file.close();
  }
}

/** Finds out which file each call is about. */
class StepReader {
  readonly #directory: string;
  readonly #open = new Map<string, OpenedFile>();
  readonly #steps: Step[] = [];

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** In the order in which they took effect: a file is open, under its number, when the call has returned. */
  read(calls: readonly SystemCall[]): readonly Step[] {
    const whenOf = ({ begin, end, name }: SystemCall): number => (/^(open|creat)/.test(name) ? end : begin);
    const ordered = [...calls].sort((a, b) => whenOf(a) - whenOf(b));
    for (const call of ordered) if (!(call.result < 0) || syncs.test(call.name)) this.#take(call);
    return this.#steps;
  }

  #take(call: SystemCall): void {
    const { args, name, result } = call;
    const file = this.#open.get(String(args[0])) ?? null;
    if (name === 'open' || name === 'openat')
      this.#opened(call, args[name === 'open' ? 0 : 1], args[name === 'open' ? 1 : 2]);
    else if (name === 'mkdir' || name === 'mkdirat')
      this.#named(call, 'make-directory', args[name === 'mkdir' ? 0 : 1]);
    else if (name === 'unlink' || name === 'unlinkat')
      this.#named(call, 'unlink', args[name === 'unlink' ? 0 : 1]);
    else if (name === 'rename') this.#named(call, 'rename', args[0], args[1]);
    else if (name === 'renameat' || name === 'renameat2') this.#named(call, 'rename', args[1], args[3]);
    else if (name === 'truncate') this.#named(call, 'resize', args[0], noBytes, Number(args[1]));
    else if (file === null) return;
    else if (unknownCalls.test(name) || result < 0) this.#refuse(call);
    else if (name === 'close') this.#open.delete(String(args[0]));
    else if (name === 'lseek') file.position = result;
    else if (syncs.test(name)) this.#add(call, 'sync', file.path, { file });
    else if (name === 'ftruncate') this.#add(call, 'resize', file.path, { file, at: Number(args[1]) });
    else this.#written(call, file);
  }

  #written(call: SystemCall, file: OpenedFile): void {
    const { args, name, result } = call;
    const given = args[1] instanceof Buffer ? args[1] : Buffer.concat(args[1] as readonly Buffer[]);
    const bytes = Number.isNaN(result) ? given : given.subarray(0, result);
    const isPlaced = name === 'pwrite64';
    const at = isPlaced ? Number(args[3]) : file.isAppended ? -1 : file.position;
    if (!isPlaced) file.position += bytes.length;
    this.#add(call, 'write', file.path, { file, bytes, at });
  }

  #opened(call: SystemCall, name: CallArgument, flags: CallArgument): void {
    const path = this.#pathOf(name);
    if (path === null || Number.isNaN(call.result)) return;
    const file = new OpenedFile(path, String(flags));
    this.#open.set(String(call.result), file);
    if (file.isWritten) this.#add(call, 'open', path, { file });
  }

  #named(
    call: SystemCall,
    kind: Step['kind'],
    name: CallArgument,
    target: CallArgument = noBytes,
    at = 0,
  ): void {
    const path = this.#pathOf(name);
    if (path === null) return;
    this.#add(call, kind, path, { target: this.#pathOf(target) ?? '', at });
  }

  #add({ begin, end, timeMs }: SystemCall, kind: Step['kind'], path: string, more: Partial<Step>): void {
    this.#steps.push({
      kind,
      path,
      begin,
      end,
      timeMs,
      file: null,
      target: '',
      bytes: noBytes,
      at: 0,
      ...more,
    });
  }

  /** Null when it is not in the directory. */
  #pathOf(name: CallArgument): string | null {
    const path = resolve(String(name));
    return path === this.#directory || path.startsWith(`${this.#directory}/`) ? path : null;
  }

  #refuse({ args, name }: SystemCall): never {
    throw new Error(`${name} of ${this.#open.get(String(args[0]))?.path ?? '?'}: its effect is not known`);
  }
}
