/**
 * Readers of what was written lately, who go on at whatever replica there is, and what they have seen together. The rules:
 *
 * - Where two pages overlap, of whatever replicas, they have the same commits.
 * - A write that was acknowledged is in the pages that reach over its version.
 */
import { checksum, KvError, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import type { HistoryPage, ReadLimit, ShardHost } from '@holdfast/coord';

/** What was seen without a gap: behind one version, up to another. */
interface Span {
  readonly after: number;
  readonly upTo: number;
}

/** What is known of the writes of one shard. */
class Past {
  readonly #shard: string;
  /** The records of each commit, as a checksum. */
  readonly #commits = new Map<number, number>();
  #spans: Span[] = [];

  constructor(shard: string) {
    this.#shard = shard;
  }

  /** Throws when it does not fit what was seen before. */
  add(after: number, { commits, version: upTo }: HistoryPage): void {
    let last = after;
    for (const { mutations, version } of commits) {
      if (version <= last || version > upTo) throw this.#wrong(`version ${version} comes behind ${last}`);
      last = version;
      const sum = checksum(mutations, 0, mutations.length, 0);
      if ((this.#commits.get(version) ?? sum) !== sum) throw this.#wrong(`version ${version} is another one`);
    }
    const given = new Set(commits.map(({ version }) => version));
    for (const span of this.#spans) this.#compare(given, overlap(span, { after, upTo }));
    for (const { mutations, version } of commits)
      this.#commits.set(version, checksum(mutations, 0, mutations.length, 0));
    this.#spans = joined([...this.#spans, { after, upTo }]);
  }

  /** Throws when a write that was acknowledged is missing. */
  checkWritten(version: number, what: string): void {
    const isSeen = this.#spans.some(({ after, upTo }) => after < version && version <= upTo);
    if (isSeen && !this.#commits.has(version)) throw this.#wrong(`${what}, version ${version}, is missing`);
  }

  get count(): number {
    return this.#commits.size;
  }

  #compare(given: ReadonlySet<number>, { after, upTo }: Span): void {
    const isWithin = (version: number): boolean => after < version && version <= upTo;
    for (const version of given)
      if (isWithin(version) && !this.#commits.has(version)) throw this.#wrong(`version ${version} is new`);
    for (const version of this.#commits.keys())
      if (isWithin(version) && !given.has(version)) throw this.#wrong(`version ${version} is gone`);
  }

  #wrong(what: string): Error {
    return new Error(`the history of ${this.#shard}: ${what}`);
  }
}

function overlap(one: Span, other: Span): Span {
  return { after: Math.max(one.after, other.after), upTo: Math.min(one.upTo, other.upTo) };
}

function joined(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const span of [...spans].sort((one, other) => one.after - other.after)) {
    const last = result.at(-1);
    if (last === undefined || span.after > last.upTo) result.push(span);
    else result[result.length - 1] = { after: last.after, upTo: Math.max(last.upTo, span.upTo) };
  }
  return result;
}

/** One reader for each shard, and what they have seen. */
export class Pasts {
  readonly #random: SeededRandom;
  readonly #pasts = new Map<string, Past>();
  /** By shard: the version that its reader has. */
  readonly #reached = new Map<string, number>();

  constructor(seed: number, shards: readonly string[]) {
    this.#random = new SeededRandom(seed);
    for (const shard of shards) this.#pasts.set(shard, new Past(shard));
  }

  /** Each reader goes on a little, at one of these. Throws when a rule is broken. */
  async read(hosts: readonly ShardHost[]): Promise<void> {
    for (const [shard, past] of this.#pasts) {
      const host = hosts[randomBelow(this.#random, hosts.length)];
      const history = host.replica(shard)?.history ?? null;
      if (history === null) continue;
      const after = this.#reached.get(shard) ?? history.oldest;
      const limit: ReadLimit = { commitsMax: 1 + randomBelow(this.#random, 30), bytesMax: 10_000 };
      try {
        const page = await history.read(after, limit);
        past.add(after, page);
        this.#reached.set(shard, page.version);
      } catch (error) {
        if (!(error instanceof KvError)) throw error;
        if (error.code === 'COMPACTED') this.#reached.set(shard, error.version);
        else if (error.code !== 'UNAVAILABLE') throw error;
      }
    }
  }

  /** A write was acknowledged. Throws when a page that reaches over it does not have it. */
  checkWritten(shard: string, version: number, what: string): void {
    this.#pasts.get(shard)!.checkWritten(version, what);
  }

  /** How many commits were seen. */
  get count(): number {
    let count = 0;
    for (const past of this.#pasts.values()) count += past.count;
    return count;
  }
}
