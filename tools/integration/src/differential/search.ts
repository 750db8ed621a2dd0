/** Looks for differences for a while: random sequences from a seed, each failing one made as short as it gets. */
import type { Random } from '@holdfast/common';
import { randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import { LocalServer } from '@holdfast/coord/testing';
import type { Command } from '@holdfast/engine';
import { preparation } from './argument-values.js';
import { newerTokens } from './known-differences.js';
import { expiresSoon, lineOf, type RandomRequest, waitsLong } from './request.js';
import { type RandomSequence, SequenceGenerator } from './sequence.js';
import type { ServerPair } from './server-pair.js';
import { shrink } from './shrink.js';
import { type Finding, Trial } from './trial.js';

export interface SearchOptions {
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

const attemptsMax = 500;
const attemptsWithRestartMax = 60;
/** When replies don't come each attempt takes its time. */
const attemptsWithoutRepliesMax = 20;

/** Types and their like; the rest is about connections and the process, and is tested by itself. */
const groups =
  /^(string|bitmap|hyperloglog|generic|hash|list|set|sorted-set|geo|stream|transactions|pubsub|server|connection)$/;
/** Of those: what waits, listens, ends, depends on the clock, or whose bytes are a server's own. */
const excluded =
  /^(select|(p|s)?(un)?subscribe|multi|exec|discard|time|lolwut|info|command.*|config.*|debug.*|memory.*|slowlog.*|latency.*|role|replicaof|slaveof|p?sync|replconf|migrate|save|bgsave|bgrewriteaof|lastsave|shutdown|monitor|module.*|acl.*|quit|reset|auth|hello|client.*|wait|waitaof|restore-asking|pfselftest|pfdebug|kv\..*|.*\|help|object\|freq)$/;

async function comparableCommands(pair: ServerPair): Promise<Command[]> {
  const all = new LocalServer().kv.registry.commands.flatMap((command) =>
    command.subcommands.size > 0 ? [...command.subcommands.values()] : [command],
  );
  const own = all.filter(({ group, fullName }) => groups.test(group) && !excluded.test(fullName));
  const [[known]] = await pair.ask(2, [['COMMAND', 'INFO', ...own.map(({ fullName }) => fullName)]]);
  return own.filter((_command, i) => known.items?.[i].items != null);
}

/** What DUMP of the reference gives for the keys that there are at first. */
async function payloadsOf(pair: ServerPair): Promise<string[]> {
  await pair.ask(2, [['FLUSHALL'], ...preparation]);
  const keys = [...new Set(preparation.filter(([name]) => name !== 'XGROUP').map(([, key]) => key))];
  const [theirs] = await pair.ask(
    2,
    keys.map((key) => ['DUMP', key]),
  );
  return theirs.map(({ text }) => text!);
}

export class DifferentialSearch {
  readonly #pair: ServerPair;
  readonly #options: SearchOptions;
  readonly #random: Random;
  readonly #found = new Map<string, string>();
  #sequenceCount = 0;
  #requestCount = 0;
  #restartCount = 0;

  constructor(pair: ServerPair, options: SearchOptions) {
    this.#pair = pair;
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
  }

  async run(): Promise<SearchResult> {
    const commands = await comparableCommands(this.#pair);
    const payloads = await payloadsOf(this.#pair);
    const options = { withoutTokens: newerTokens, payloads };
    const sequences = new SequenceGenerator(commands, this.#random, options);
    const { seconds, sequencesMax = Number.POSITIVE_INFINITY, findingsMax } = this.#options;
    const untilMs = performance.now() + seconds * 1000;
    const isOver = (): boolean => performance.now() > untilMs || this.#sequenceCount >= sequencesMax;
    while (!isOver() && this.#found.size < findingsMax) await this.#try(sequences.next());
    return {
      sequenceCount: this.#sequenceCount,
      requestCount: this.#requestCount,
      restartCount: this.#restartCount,
      findings: [...this.#found.values()],
    };
  }

  async #try(sequence: RandomSequence): Promise<void> {
    const { restartEvery = 0 } = this.#options;
    const { length } = sequence.requests;
    const hasRestart = restartEvery > 0 && randomBelow(this.#random, restartEvery) === 0;
    const restartAt = hasRestart ? randomBelow(this.#random, length + 1) : null;
    this.#sequenceCount++;
    this.#requestCount += length;
    if (hasRestart) this.#restartCount++;
    const finding = await new Trial(this.#pair, sequence).run(restartAt);
    if (finding === null || this.#found.has(finding.signature)) return;
    this.#options.log?.(`... ${finding.signature}`);
    const text = await this.#explain(sequence, restartAt, finding);
    this.#found.set(finding.signature, text);
    this.#options.log?.(text);
  }

  async #explain(sequence: RandomSequence, restartAt: number | null, finding: Finding): Promise<string> {
    // The restart is one more item of the list, which may be left out too.
    const items: Item[] = [...sequence.requests];
    if (restartAt !== null) items.splice(restartAt, 0, restart);
    let last = finding;
    const fails = async (candidate: readonly Item[]): Promise<boolean> => {
      const again = await this.#replay(candidate, sequence.dialect);
      if (again?.signature !== finding.signature) return false;
      last = again;
      return true;
    };
    const isBroken = finding.signature.startsWith('broken');
    const max = isBroken
      ? attemptsWithoutRepliesMax
      : restartAt === null
        ? attemptsMax
        : attemptsWithRestartMax;
    const shortest = await shrink<Item>(items, { fails, simpler: simplerItems, attemptsMax: max });
    const lines = shortest.map(
      (item) => `  ${item === restart ? '(killed and started again)' : lineOf(item)}`,
    );
    return [
      `${finding.signature} (RESP${sequence.dialect}, sequence ${this.#sequenceCount} of seed ${this.#options.seed})`,
      ...lines,
      ...(finding.signature.startsWith('state') ? [`  ${lineOf(last.request)}`] : []),
      `    redis    ${shortened(last.theirs)}`,
      `    holdfast ${shortened(last.ours)}`,
    ].join('\n');
  }

  async #replay(items: readonly Item[], dialect: 2 | 3): Promise<Finding | null> {
    const at = items.indexOf(restart);
    const requests = items.filter((item) => item !== restart);
    return new Trial(this.#pair, { dialect, requests }).run(at < 0 ? null : at);
  }
}

const restart: unique symbol = Symbol('restart');
type Item = RandomRequest | typeof restart;

function simplerItems(item: Item): readonly Item[] {
  if (item === restart) return [];
  return simplerRequests(item).filter((request) => !waitsLong(request) && !expiresSoon(request));
}

/** Fewer words, shorter words, usual words. */
function simplerRequests(request: RandomRequest): RandomRequest[] {
  const forms: RandomRequest[] = [];
  for (let at = request.length - 1; at > 0; at--) {
    if (request.length > 8) forms.push(request.toSpliced(at, 8));
    for (const count of [2, 1]) forms.push(request.toSpliced(at, count));
  }
  for (let at = request.length - 1; at > 0; at--) {
    const word = request[at];
    if (word.length > 4) forms.push(request.with(at, word.slice(0, word.length / 2)));
    for (const simple of ['a', '1', '0'])
      if (word !== simple && !/^[a01]$/.test(word)) forms.push(request.with(at, simple));
  }
  return forms;
}

function shortened(text: string): string {
  return text.length <= 600 ? text : `${text.slice(0, 600)}...`;
}
