/**
 * From where on a log is a history without gaps: kept beside it, in DIR/history.
 *
 *     log      [ 1 ........ 41 | 42 ........ 97 | 98 ....
 *     starts     begin          started         started       each: position, the version that ended there, the one after
 *
 * The first line is where the history begins: `after` is the oldest version to go on from. Each start of the server adds
 * one, with a version of its own. A version between the two of a line was given to a write that a power cut took, before
 * `fsync` had brought it to the disk: who has seen that write can't go on.
 *
 *     "POSITION BEFORE AFTER\n" ... and the crc32 of these lines in hex "\n"
 *
 * A file that is damaged, or that does not fit the log, is no history: it begins anew. Not there while none is kept.
 */
import { dirname } from 'node:path';
import { checksum, KvError } from '@holdfast/common';
import { type Disk, type Position, readSmallFile, writeSmallFile } from '@holdfast/log';
import { startsMax } from './limits.js';

export interface Start {
  /** The last entry of the log before it. */
  readonly position: Position;
  readonly before: number;
  readonly after: number;
}

export class HistoryStarts {
  readonly #disk: Disk;
  readonly #path: string;
  #lines: readonly Start[] = [];
  #isForgotten = false;
  #last: Promise<void> = Promise.resolve();

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#path = `${directory}/history`;
  }

  /** Where it begins. */
  get first(): Start {
    return this.#lines[0];
  }

  /** Whether a version was given to a write that is not in the log any more. */
  isLost(version: number): boolean {
    return this.#lines.some(({ after, before }, i) => i > 0 && version > before && version < after);
  }

  /** What was there before does not count: at once, and on the disk when it resolves. */
  begin(position: Position, version: number): Promise<void> {
    this.#lines = [{ position, before: version, after: version }];
    return this.#store(this.#lines);
  }

  /** Goes on with a log that has entries from `head` to `tail`, or begins anew. */
  async resume(head: Position, tail: Position, before: number, after: number): Promise<void> {
    const lines = await this.#load();
    const last = lines.at(-1);
    if (last === undefined || lines[0].position + 1 < head || last.position > tail)
      return this.begin(tail, after);
    const line = { position: tail, before: Math.max(before, last.after), after };
    return this.#store([...lines, line].slice(-startsMax));
  }

  /**
   * Entries up to `position`, whose last version this is, are dropped. Where the disk does not take that, for want of the
   * room that dropping them makes, it counts all the same: a start that finds it missing begins anew.
   */
  async drop(position: Position, version: number): Promise<void> {
    const later = this.#lines.filter((line) => line.position >= position);
    const lines = [{ position, before: version, after: version }, ...later];
    await this.#store(lines).catch((error: unknown) => {
      if (!(error instanceof KvError) || error.code !== 'DISK') throw error;
      this.#lines = lines;
    });
  }

  /** Nothing is kept from now on: whoever is about to write to it comes too late. */
  forget(): Promise<void> {
    this.#isForgotten = true;
    return this.#inTurn(async () => {
      if (!(await this.#disk.exists(this.#path))) return;
      await this.#disk.unlink(this.#path);
      await this.#disk.syncDirectory(dirname(this.#path));
    });
  }

  async #load(): Promise<Start[]> {
    return (await readStarts(this.#disk, this.#path)) ?? [];
  }

  #store(lines: readonly Start[]): Promise<void> {
    const text = lines.map(({ after, before, position }) => `${position} ${before} ${after}`);
    const content = Buffer.from(`${text.join('\n')}\n${sumOf(text)}\n`);
    return this.#inTurn(async () => {
      if (this.#isForgotten) return;
      await writeSmallFile(this.#disk, this.#path, content);
      this.#lines = lines;
    });
  }

  #inTurn(body: () => Promise<void>): Promise<void> {
    const done = this.#last.then(body);
    this.#last = done.catch(() => {});
    return done;
  }
}

/** Null when the file is damaged; none when it is not there. */
export async function readStarts(disk: Disk, path: string): Promise<Start[] | null> {
  const content = await readSmallFile(disk, path);
  if (content === null) return [];
  const lines = Buffer.from(content).toString('latin1').trimEnd().split('\n');
  const sum = lines.pop();
  if (sum !== sumOf(lines)) return null;
  return lines.map((line) => {
    const [position, before, after] = line.split(' ').map(Number);
    return { position, before, after };
  });
}

function sumOf(lines: readonly string[]): string {
  const bytes = Buffer.from(lines.join('\n'), 'latin1');
  return checksum(bytes, 0, bytes.length, 0).toString(16).padStart(8, '0');
}
