/** The logs that a virtual log has opened, by segment: each once, until it is dropped or all are closed. */
import { KvError } from '@holdfast/common';
import type { Segment } from './chain.js';
import type { Log, Position } from './log.js';

/** Makes, opens and removes the logs that a virtual log is made of, by their kind and name. */
export interface Segments {
  /**
   * Makes a log with `after` before its first position, and `epoch` as the lowest that it takes; opens it when
   * somebody has made it already.
   */
  create(segment: Segment): Promise<Log>;
  /** Throws KvError INVALID when it is not there, or can't be had here, such as a file of another machine. */
  open(segment: Segment): Promise<Log>;
  /** Removes what is left of it. Removing what is gone is no error; INVALID when it can't be had here. */
  drop(segment: Segment): Promise<void>;
}

interface Opened {
  readonly kind: string;
  readonly log: Promise<Log>;
}

export class OpenSegments {
  readonly #segments: Segments;
  readonly #logs = new Map<string, Opened>();
  /** By name: how many read it now. */
  readonly #readers = new Map<string, number>();
  #isClosed = false;

  constructor(segments: Segments) {
    this.#segments = segments;
  }

  get(segment: Segment): Promise<Log> {
    return this.#keep(segment, () => this.#segments.open(segment));
  }

  create(segment: Segment): Promise<Log> {
    return this.#keep(segment, () => this.#segments.create(segment));
  }

  /** A segment that ends at `end`, which its log may not have heard of yet. */
  async sealed(segment: Segment, end: Position): Promise<Log> {
    const log = await this.get(segment);
    if (log.committedPosition < end) await log.tail();
    return log;
  }

  /** While `readers` of them read, segments are not dropped. */
  retain(segments: readonly Segment[], readers: 1 | -1): void {
    for (const { name } of segments) {
      const count = (this.#readers.get(name) ?? 0) + readers;
      if (count === 0) this.#readers.delete(name);
      else this.#readers.set(name, count);
    }
  }

  /** Closes those of a kind: they are opened anew when they are needed. */
  async closeKind(kind: string): Promise<void> {
    const those = [...this.#logs].filter(([, opened]) => opened.kind === kind);
    for (const [name] of those) this.#logs.delete(name);
    for (const [, { log }] of those) await log.then((opened) => opened.close()).catch(() => {});
  }

  /** Removes a segment, unless it is being read: whether it did. */
  async drop(segment: Segment): Promise<boolean> {
    const { name } = segment;
    if (this.#readers.has(name)) return false;
    const log = await this.#logs.get(name)?.log.catch(() => undefined);
    this.#logs.delete(name);
    await log?.close();
    await this.#segments.drop(segment);
    return true;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const opened = await Promise.allSettled([...this.#logs.values()].map(({ log }) => log));
    for (const log of opened) if (log.status === 'fulfilled') await log.value.close();
  }

  #keep({ kind, name }: Segment, open: () => Promise<Log>): Promise<Log> {
    const known = this.#logs.get(name);
    if (known !== undefined) return known.log;
    if (this.#isClosed) return Promise.reject(new KvError('CLOSED', 'the log is closed'));
    const opened = { kind, log: open() };
    this.#logs.set(name, opened);
    // What could not be opened is tried again.
    opened.log.catch(() => {
      if (this.#logs.get(name) === opened) this.#logs.delete(name);
    });
    return opened.log;
  }
}

/** Whether a segment can't be had in this process. */
export function isElsewhere(error: unknown): boolean {
  return error instanceof KvError && error.code === 'INVALID';
}
