/** Puts a page together, up to its limit. */
import type { BatchWrite } from '@holdfast/storage';
import type { Commit, HistoryPage, ReadLimit } from './history.js';

export class PageBuilder {
  readonly #commits: Commit[] = [];
  readonly #limit: ReadLimit;
  #bytes = 0;
  /** The version of the last commit. */
  last: number;

  constructor(after: number, limit: ReadLimit) {
    this.#limit = limit;
    this.last = after;
  }

  /** Whether there is room for one more; for the first there always is. */
  takes({ end, start }: BatchWrite): boolean {
    const { length } = this.#commits;
    const { bytesMax, commitsMax } = this.#limit;
    return length === 0 || (length < commitsMax && this.#bytes + end - start <= bytesMax);
  }

  add({ version }: BatchWrite, mutations: Uint8Array): void {
    this.#commits.push({ version, mutations });
    this.#bytes += mutations.length;
    this.last = version;
  }

  upTo(version: number): HistoryPage {
    return { commits: this.#commits, version };
  }
}
