/** What a server counts of one command: calls, failures, and how long it took. */
// @hot-path

const stepsBits = 4;
const steps = 1 << stepsBits;
/** Up to 2^30 microseconds, 18 minutes; longer ones count as that. */
const doublings = 30;
const longestUsec = 2 ** doublings - 1;

/** Bucket 0-15: exactly so many microseconds; then 16 buckets for each doubling. */
function bucketOf(usec: number): number {
  if (usec < steps) return usec;
  const doubling = 31 - Math.clz32(usec);
  return ((doubling - stepsBits + 1) << stepsBits) + ((usec >>> (doubling - stepsBits)) & (steps - 1));
}

/** The longest time that falls into a bucket. */
function longestOf(bucket: number): number {
  if (bucket < steps) return bucket;
  const shift = (bucket >>> stepsBits) - 1;
  return (((bucket & (steps - 1)) + steps + 1) << shift) - 1;
}

/**
 * How long those calls took that were timed: count, sum, and a histogram whose buckets are a sixteenth of
 * their power of two, so that a percentile is right within 6%.
 */
export class CommandTimes {
  count = 0;
  /** Sum, in microseconds. */
  usec = 0;
  /** Made with the first call that is timed: most commands are never used. */
  #buckets: Uint32Array | null = null;

  record(ms: number, fillsHistogram: boolean): void {
    const exact = ms * 1000;
    this.count++;
    this.usec += exact;
    if (!fillsHistogram) return;
    this.#buckets ??= new Uint32Array((doublings - stepsBits + 1) * steps);
    this.#buckets[bucketOf(exact < longestUsec ? Math.floor(exact) : longestUsec)]++;
  }

  clear(): void {
    this.count = 0;
    this.usec = 0;
    this.#buckets = null;
  }

  /** Whether there is a histogram to be asked: the three below. */
  get hasHistogram(): boolean {
    return this.#buckets !== null;
  }

  /** Calls in the histogram. */
  get histogramCount(): number {
    let count = 0;
    for (const each of this.#buckets ?? []) count += each;
    return count;
  }

  /** The time, in microseconds, that `percent` of the timed calls did not exceed. */
  percentile(percent: number): number {
    const wanted = Math.max(1, Math.ceil((percent / 100) * this.histogramCount));
    let seen = 0;
    for (const [bucket, count] of this.#buckets?.entries() ?? []) {
      seen += count;
      if (seen >= wanted) return longestOf(bucket);
    }
    return 0;
  }

  /** How many calls took at most 1, 2, 4, 8 ... microseconds: pairs, up to the one that has them all. */
  cumulative(): [usec: number, count: number][] {
    const pairs: [number, number][] = [];
    const buckets = this.#buckets ?? [];
    const total = this.histogramCount;
    let seen = 0;
    let bucket = 0;
    for (let limit = 1; seen < total; limit *= 2) {
      for (; bucket < buckets.length && longestOf(bucket) <= limit; bucket++) seen += buckets[bucket];
      if (seen > 0) pairs.push([limit, seen]);
    }
    return pairs;
  }
}

export class CommandFigures {
  /** How often it ran, and how often with an error. */
  calls = 0;
  failedCalls = 0;
  /** How often it was refused before it ran. */
  rejectedCalls = 0;
  readonly times = new CommandTimes();

  clear(): void {
    this.calls = 0;
    this.failedCalls = 0;
    this.rejectedCalls = 0;
    this.times.clear();
  }
}
