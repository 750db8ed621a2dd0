/**
 * Looks for differences for a while: random sequences from a seed, many at a time in one write. One that fails is tried
 * again for itself, and made as short as it gets.
 */
import { comparableCommands, payloadsOf } from './comparable-commands.js';
import { describe, explain } from './explanation.js';
import { newerTokens } from './known-differences.js';
import { type RandomSequence, SequenceGenerator } from './sequence.js';
import type { Replies, ServerPair } from './server-pair.js';
import { afresh, type Finding, Trial, tryAlone } from './trial.js';

export interface SearchOptions {
  /** Of the first sequence; those that follow have the seeds that follow. */
  readonly seed: number;
  readonly seconds: number;
  /** At most so many, however much time is left. */
  readonly sequencesMax?: number;
  /** It ends after so many different ones. */
  readonly findingsMax: number;
  /** Of so many sequences one has a restart in it; only for servers that keep their state. */
  readonly restartEvery?: number;
  readonly log?: (line: string) => void;
}

export interface SearchResult {
  readonly sequenceCount: number;
  readonly requestCount: number;
  readonly restartCount: number;
  /** One text for each different finding. */
  readonly findings: readonly string[];
}

/** Sequences that are sent at once: a write costs the servers more than a request. */
const batchLength = 16;
/** On a machine that does other things as well. */
const batchTimeoutMs = 60_000;
/** Batches on their way: the servers work on one while the replies to the other are compared. */
const batchesMax = 2;

interface Batch {
  readonly trials: readonly Trial[];
  /** What is tried for itself, after the batch. */
  readonly alone: readonly RandomSequence[];
  /** Null when they did not come. */
  readonly replies: Promise<Replies | null>;
}

/** A sequence to be tried for itself, and what was wrong with it among others. */
interface Suspect {
  readonly sequence: RandomSequence;
  readonly finding: Finding | null;
}

const noReplies: Finding = {
  request: [],
  theirs: 'replies',
  ours: 'no reply in time',
  signature: 'broken: a batch that begins with this sequence is not answered',
};

export class DifferentialSearch {
  readonly #pair: ServerPair;
  readonly #options: SearchOptions;
  readonly #found = new Map<string, string>();
  readonly #untilMs: number;
  #sequences!: SequenceGenerator;
  #sequenceCount = 0;
  #requestCount = 0;
  #restartCount = 0;

  constructor(pair: ServerPair, options: SearchOptions) {
    this.#pair = pair;
    this.#options = options;
    this.#untilMs = performance.now() + options.seconds * 1000;
  }

  async run(): Promise<SearchResult> {
    const commands = await comparableCommands(this.#pair);
    const payloads = await payloadsOf(this.#pair);
    const options = { withoutTokens: newerTokens, payloads, restartEvery: this.#options.restartEvery };
    this.#sequences = new SequenceGenerator(commands, options);
    const onTheirWay: Batch[] = [];
    while (!this.#isOver || onTheirWay.length > 0) {
      while (onTheirWay.length < batchesMax && !this.#isOver) onTheirWay.push(this.#send());
      let suspects = await suspectsOf(onTheirWay.shift()!);
      if (suspects.length === 0) continue;
      for (const batch of onTheirWay.splice(0)) suspects = suspects.concat(await suspectsOf(batch));
      await this.#pair.reconnect();
      for (const suspect of suspects) await this.#try(suspect);
    }
    return {
      sequenceCount: this.#sequenceCount,
      requestCount: this.#requestCount,
      restartCount: this.#restartCount,
      findings: [...this.#found.values()],
    };
  }

  get #isOver(): boolean {
    const { sequencesMax = Number.POSITIVE_INFINITY, findingsMax } = this.#options;
    return (
      performance.now() > this.#untilMs ||
      this.#sequenceCount >= sequencesMax ||
      this.#found.size >= findingsMax
    );
  }

  /** Sends the next sequences but for those with a restart, which are tried for themselves. */
  #send(): Batch {
    const { seed, sequencesMax = Number.POSITIVE_INFINITY } = this.#options;
    const batch = { trials: [] as Trial[], alone: [] as RandomSequence[] };
    while (batch.trials.length < batchLength && this.#sequenceCount < sequencesMax) {
      const sequence = this.#sequences.of(seed + this.#sequenceCount++);
      this.#requestCount += sequence.requests.length;
      if (sequence.restartAt === null) batch.trials.push(new Trial(sequence));
      else batch.alone.push(sequence);
    }
    const requests = [...afresh, ...batch.trials.flatMap((trial) => trial.requests)];
    return { ...batch, replies: this.#pair.ask(requests, batchTimeoutMs).catch(() => null) };
  }

  async #try({ sequence, finding: amongOthers }: Suspect): Promise<void> {
    if (sequence.restartAt !== null) this.#restartCount++;
    const finding = await tryAlone(this.#pair, sequence);
    const { signature } = finding ?? amongOthers ?? { signature: undefined };
    if (signature === undefined || this.#found.has(signature)) return;
    this.#options.log?.(`... ${signature}`);
    const text =
      finding !== null
        ? await explain(this.#pair, sequence, finding)
        : `${describe(sequence, amongOthers!)}\n    and not when the sequence is tried for itself`;
    this.#found.set(signature, text);
    this.#options.log?.(text);
  }
}

async function suspectsOf({ trials, alone, replies: pending }: Batch): Promise<Suspect[]> {
  const suspects: Suspect[] = alone.map((sequence) => ({ sequence, finding: null }));
  const replies = await pending;
  if (replies === null)
    return [
      ...trials.map(({ sequence }, i) => ({ sequence, finding: i === 0 ? noReplies : null })),
      ...suspects,
    ];
  let at = afresh.length;
  for (const trial of trials) {
    const finding = trial.judge(replies, at);
    if (finding !== null) suspects.push({ sequence: trial.sequence, finding });
    at += trial.requests.length;
  }
  return suspects;
}
