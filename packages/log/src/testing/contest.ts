/**
 * Several writers who take a log from each other while it fails, and what they were told of every append. At
 * the end the log must hold exactly what was called committed, each at its position.
 */
import assert from 'node:assert/strict';
import { type Random, randomBelow } from '@holdfast/common';
import type { AppendOutcome, Committed, Log, LogEntry, Refused } from '../log.js';

export interface ContestOptions {
  readonly random: Random;
  readonly pause: (ms: number) => Promise<unknown>;
  /** When the writers begin no more appends. */
  readonly isOver: () => boolean;
  /** For the messages of failures. */
  readonly title: string;
}

export class Contest {
  readonly #options: ContestOptions;
  /** Position by the name of an append; -1 for refused. */
  readonly #told = new Map<string, number>();
  #unknownCount = 0;

  constructor(options: ContestOptions) {
    this.#options = options;
  }

  get committedCount(): number {
    return [...this.#told.values()].filter((position) => position > 0).length;
  }

  /** Appends that were unknown first. */
  get unknownCount(): number {
    return this.#unknownCount;
  }

  /** Takes over, appends until somebody else did, and again. */
  async write(name: string, log: Log): Promise<void> {
    const { isOver, pause, random } = this.#options;
    for (let count = 0; !isOver(); ) {
      const state = await this.persist(() => log.state());
      let tail = state.tail;
      for (let isWriter = true; isWriter && !isOver(); tail = log.committedPosition) {
        const names = Array.from({ length: 1 + randomBelow(random, 4) }, () => `${name}:${count++}`);
        isWriter = await this.#append(log, names, tail, state.epoch + 1);
        await pause(randomBelow(random, 5));
      }
      await pause(randomBelow(random, 200));
    }
  }

  /** Asks until there is an answer. */
  async persist<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch {
        await this.#options.pause(50);
      }
    }
  }

  /** Asserts that the log holds what was committed, and nothing else. */
  assertKept(entries: readonly LogEntry[]): void {
    const { title } = this.#options;
    const found = entries.map(({ batch, position }) => [Buffer.from(batch).toString(), position] as const);
    const committed = [...this.#told].filter(([, position]) => position > 0);
    assert.equal(
      new Set(found.map(([name]) => name)).size,
      found.length,
      `an entry is there twice: ${title}`,
    );
    assert.deepEqual(
      found,
      committed.sort((a, b) => a[1] - b[1]),
      title,
    );
  }

  /** Whether the writer may go on. */
  async #append(log: Log, names: readonly string[], tail: number, epoch: number): Promise<boolean> {
    const outcomes: AppendOutcome[] = await Promise.all(
      names.map((name, i) => log.append(Buffer.from(name), tail + i, epoch)),
    );
    const unknown = names.filter((_, i) => outcomes[i].kind === 'unknown');
    const resolved = unknown.length > 0 ? await this.persist(() => log.resolve()) : [];
    assert.equal(resolved.length, unknown.length, this.#options.title);
    this.#unknownCount += unknown.length;
    const settled = outcomes.map((outcome) => (outcome.kind === 'unknown' ? resolved.shift()! : outcome));
    settled.forEach((outcome, i) => {
      this.#told.set(names[i], outcome.kind === 'committed' ? outcome.position : -1);
    });
    return settled.every(mayGoOn);
  }
}

/** What was lost on its way says nothing against the writer. */
function mayGoOn(outcome: Committed | Refused): boolean {
  return outcome.kind === 'committed' || outcome.reason === 'unavailable' || outcome.reason === 'disk';
}
