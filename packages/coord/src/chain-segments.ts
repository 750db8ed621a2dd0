/**
 * The logs that the chain of a server is made of:
 *
 *     DIR/chain          the register of the chain; not there while the log was never anywhere else
 *     DIR/log/           its first segment in files, which was there before the chain
 *     DIR/log-NAME/      a later one
 *     (elsewhere)        those that are shared with other nodes
 */
import { KvError } from '@holdfast/common';
import type { Disk, FileLog, Log, Position, Segment, Segments } from '@holdfast/log';

/** Kinds of segments. */
export const inFiles = 'file';
export const shared = 'etcd';

/** The name of the segment that was there before the chain. */
export const firstName = 'log';

export interface FileSegmentOptions {
  readonly directory: string;
  readonly startAfter: Position;
  readonly startEpoch: number;
  readonly create: boolean;
  /** False while somebody waits for it. */
  readonly isFilled: boolean;
}

export interface ChainSegmentsOptions {
  readonly disk: Disk;
  /** DIR. */
  readonly path: string;
  readonly openFiles: (options: FileSegmentOptions) => Promise<FileLog>;
  /** Segments that other nodes have, too; null when it is not known where. Throws KvError UNAVAILABLE. */
  readonly shared: () => Promise<Segments | null>;
  /** The log of DIR/log, if it is open already. */
  readonly opened: FileLog | null;
}

/** Where a segment in files is, below DIR. */
export function segmentDirectory(path: string, name: string): string {
  return name === firstName ? `${path}/log` : `${path}/log-${name}`;
}

export class ChainSegments implements Segments {
  readonly #options: ChainSegmentsOptions;
  #opened: FileLog | null;

  constructor(options: ChainSegmentsOptions) {
    this.#options = options;
    this.#opened = options.opened;
  }

  async create(segment: Segment): Promise<Log> {
    if (segment.kind === inFiles) return this.#openFiles(segment, true);
    return (await this.#shared(segment)).create(segment);
  }

  async open(segment: Segment): Promise<Log> {
    if (segment.kind === inFiles) return this.#openFiles(segment, false);
    return (await this.#shared(segment)).open(segment);
  }

  async drop(segment: Segment): Promise<void> {
    if (segment.kind !== inFiles) return (await this.#shared(segment)).drop(segment);
    const { disk } = this.#options;
    const directory = this.#directoryOf(segment);
    if (!(await disk.exists(directory))) return;
    for (const name of await disk.list(directory)) await disk.unlink(`${directory}/${name}`);
  }

  async #openFiles(segment: Segment, create: boolean): Promise<Log> {
    const opened = segment.name === firstName ? this.#opened : null;
    this.#opened = null;
    if (opened !== null) return opened;
    const { after, epoch } = segment;
    return this.#options.openFiles({
      directory: this.#directoryOf(segment),
      startAfter: after,
      startEpoch: epoch,
      create,
      isFilled: !create,
    });
  }

  #directoryOf({ name }: Segment): string {
    return segmentDirectory(this.#options.path, name);
  }

  async #shared(segment: Segment): Promise<Segments> {
    const segments = await this.#options.shared();
    if (segments !== null) return segments;
    // Not INVALID, which would say that it is the log of another machine.
    throw new KvError(
      'UNAVAILABLE',
      `a part of the log (${segment.name}) is in etcd: start the server with --etcd`,
    );
  }
}
