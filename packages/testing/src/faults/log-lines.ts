/** The last lines of what a process said, and those who wait for one. */
import type { Readable } from 'node:stream';

export type LogStream = 'stdout' | 'stderr';

export interface LogLine {
  readonly stream: LogStream;
  readonly text: string;
}

interface Waiter {
  readonly condition: (line: LogLine) => boolean;
  readonly resolve: (line: LogLine) => void;
}

export class LogLines {
  readonly #linesMax: number;
  #kept: LogLine[] = [];
  #waiters: Waiter[] = [];

  constructor(linesMax: number) {
    this.#linesMax = linesMax;
  }

  get kept(): readonly LogLine[] {
    return this.#kept;
  }

  /** The next line that `condition` holds for; never, when cancelled. */
  next(condition: (line: LogLine) => boolean): { line: Promise<LogLine>; cancel(): void } {
    let waiter: Waiter | undefined;
    const line = new Promise<LogLine>((resolve) => {
      waiter = { condition, resolve };
      this.#waiters.push(waiter);
    });
    return {
      line,
      cancel: () => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
      },
    };
  }

  /** Adds what comes from `source`; its last line too if no newline ends it. */
  follow(source: Readable, stream: LogStream): void {
    let rest = '';
    source.setEncoding('utf8');
    source.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.add(stream, line);
    });
    source.on('end', () => {
      if (rest !== '') this.add(stream, rest);
    });
  }

  add(stream: LogStream, text: string): void {
    const line = { stream, text };
    this.#kept.push(line);
    if (this.#kept.length > 2 * this.#linesMax) this.#kept = this.#kept.slice(-this.#linesMax);
    const met = this.#waiters.filter(({ condition }) => condition(line));
    this.#waiters = this.#waiters.filter((waiter) => !met.includes(waiter));
    for (const { resolve } of met) resolve(line);
  }
}
