/**
 * A directory that does not exist yet, or is empty: filled beside, and put in place as a whole, so that it holds
 * everything or nothing.
 */
import { rename, rm, rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Env, ErrorReply, KvError } from '@holdfast/common';
import { Caller, type LocalStack, openLocalStack, Turns } from '@holdfast/coord';
import type { Disk } from '@holdfast/log';
import type { Step } from './step.js';
import type { Target } from './target.js';

export type StorageKind = 'memory' | 'level';

export interface DirectoryTargetOptions {
  readonly env: Env;
  readonly disk: Disk;
  readonly path: string;
  readonly storage: StorageKind;
  /** Called when all is written, right before it is put in place: what it throws ends that. */
  readonly onWhole: () => void;
}

export class DirectoryTarget implements Target {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #building: string;
  readonly #stack: LocalStack;
  readonly #caller: Caller;
  readonly #onWhole: () => void;
  #closing: Promise<void> | null = null;

  /** Throws KvError INVALID when something is there already. */
  static async open(options: DirectoryTargetOptions): Promise<DirectoryTarget> {
    const { disk, env, path, storage } = options;
    const directory = await placeOf(disk, path);
    await checkEmpty(disk, directory);
    const building = `${directory}.importing`;
    // What an import before this one did not finish.
    await rm(building, { recursive: true, force: true });
    await disk.makeDirectory(dirname(building));
    const stack = await openLocalStack({ env, disk, storage, log: 'none', fsync: 'no', directory: building });
    return new DirectoryTarget(options, directory, building, stack);
  }

  private constructor(
    { disk, env, onWhole }: DirectoryTargetOptions,
    directory: string,
    building: string,
    stack: LocalStack,
  ) {
    this.#disk = disk;
    this.#onWhole = onWhole;
    this.#directory = directory;
    this.#building = building;
    this.#stack = stack;
    const turns = new Turns(stack.coordinator, env.timers);
    const connection = { protocol: 'import', address: '', localAddress: '', isForwarded: true };
    this.#caller = Caller.open(stack.coordinator, turns, connection)!;
  }

  async run({ args, database }: Step): Promise<void> {
    const { session } = this.#caller;
    if (database >= 0 && session.database !== database) await this.#run(['SELECT', String(database)]);
    await this.#run(args);
  }

  async finish(): Promise<void> {
    await this.#stack.persistence!.take();
    await this.#close();
    this.#onWhole();
    await putInPlace(this.#disk, this.#building, this.#directory);
  }

  async abandon(): Promise<void> {
    await this.#close().catch(() => {});
    await rm(this.#building, { recursive: true, force: true });
  }

  #close(): Promise<void> {
    if (this.#closing === null) {
      this.#caller.close();
      this.#closing = this.#stack.close();
    }
    return this.#closing;
  }

  async #run(args: Step['args']): Promise<void> {
    const { value } = await this.#caller.run(args);
    const error = value instanceof ErrorReply ? value : errorIn(value);
    if (error !== null) throw new KvError('INVALID', `${describe(args)} is not taken here: ${error.message}`);
  }
}

/**
 * The directory that a path leads to, whether it is there or not. What is built beside it has to get its name in the end:
 * throws KvError INVALID when it never can.
 */
async function placeOf(disk: Disk, path: string): Promise<string> {
  const directory = await disk.follow(path);
  if (await disk.isMountPoint(directory))
    throw new KvError(
      'INVALID',
      `${path} is the root of a file system, which stays: choose a directory in it`,
    );
  return directory;
}

/** Throws KvError INVALID when there is a directory that holds anything. */
async function checkEmpty(disk: Disk, directory: string): Promise<void> {
  if ((await disk.exists(directory)) && (await disk.list(directory)).length > 0) throw notEmpty(directory);
}

export function notEmpty(directory: string): KvError {
  return new KvError('INVALID', `${directory} is not empty: choose a directory that is not there yet`);
}

/**
 * Gives what was built beside its name. Nothing else has that, or a directory that is empty: building takes its time, and a
 * server may have begun there meanwhile. Throws KvError INVALID.
 */
export async function putInPlace(disk: Disk, building: string, directory: string): Promise<void> {
  try {
    await rmdir(directory).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    await rename(building, directory);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw new KvError('DISK', message, { cause });
    throw new KvError('INVALID', `${directory} is not empty any more: nothing in it was changed`, { cause });
  }
  await disk.syncDirectory(dirname(directory));
}

/** Of the replies of a transaction. */
function errorIn(value: unknown): ErrorReply | null {
  return Array.isArray(value) ? (value.find((each) => each instanceof ErrorReply) ?? null) : null;
}

export function describe(args: Step['args']): string {
  return args
    .slice(0, 2)
    .map((arg) => (typeof arg === 'string' ? arg : Buffer.from(arg.subarray(0, 64)).toString('latin1')))
    .join(' ');
}
