/**
 * Clients of one gateway keep what they read, as they are told by CLIENT TRACKING; others write, through another gateway and
 * straight at the nodes. How long a value is kept after a newer one was acknowledged is measured at every look.
 */
import { type Random, randomBelow } from '@holdfast/common';
import { SeededRandom } from '@holdfast/common/testing';
import type { WireReply } from '@holdfast/protocol/testing';
import { pause } from '../server.js';
import { WireClient } from '../wire-client.js';

interface Place {
  readonly host: string;
  readonly port: number;
}

export interface KeptValuesOptions {
  readonly seed: number;
  /** Of CLIENT TRACKING ON, for each of the readers; those with READONLY read from any replica. */
  readonly readers: readonly string[];
  /** The gateway of the readers, and where each of the writers writes: at the one of these that takes it. Asked for at each connection. */
  readonly readAt: () => number;
  readonly writeAt: readonly (readonly (() => Place)[])[];
}

const keys = Array.from({ length: 24 }, (_, i) => `kept:${i}`);
/** Kept values are looked at this often, in ms. */
const lookMs = 5;
const writePauseMs = 8;

/** Writes with numbers that rise: which of them were acknowledged, and when. */
class Written {
  #next = 0;
  /** By key: the greatest number that was acknowledged, and those before it with the time of the next one. */
  readonly #acknowledged = new Map<string, { number: number; atMs: number }[]>();

  next(): number {
    return ++this.#next;
  }

  acknowledge(key: string, number: number): void {
    let all = this.#acknowledged.get(key);
    if (all === undefined) this.#acknowledged.set(key, (all = []));
    all.push({ number, atMs: performance.now() });
    if (all.length > 2000) all.splice(0, 1000);
  }

  /** For how long `number` has been outdated, in ms; 0 when it is not. */
  outdatedMs(key: string, number: number): number {
    const all = this.#acknowledged.get(key) ?? [];
    let i = all.length;
    while (i > 0 && all[i - 1].number > number) i--;
    return i === all.length ? 0 : performance.now() - all[i].atMs;
  }
}

/** Keeps what it reads until it is told. */
class Keeper {
  readonly kept = new Map<string, number>();
  /** Where it reads. */
  readonly source: 'leader' | 'replica';
  readonly #options: string;
  readonly #client: WireClient;
  /** The keys of requests that are not answered, in order; empty for others. */
  readonly #asked: string[] = [];
  invalidations = 0;

  static async connect(options: string, port: number): Promise<Keeper> {
    let keeper: Keeper | null = null;
    const client = await WireClient.connect({ host: '127.0.0.1', port }, (message) => keeper!.#hear(message));
    keeper = new Keeper(options, client);
    return keeper;
  }

  private constructor(options: string, client: WireClient) {
    this.#options = options;
    this.#client = client;
    const words = options.split(' ').filter((word) => word !== '');
    this.#send('', 'HELLO', '3');
    this.source = words.includes('READONLY') ? 'replica' : 'leader';
    if (this.source === 'replica') this.#send('', 'READONLY');
    this.#send('', 'CLIENT', 'TRACKING', 'ON', ...words.filter((word) => word !== 'READONLY'));
  }

  get isClosed(): boolean {
    return this.#client.isClosed;
  }

  get waiting(): number {
    return this.#asked.length;
  }

  read(key: string): void {
    if (this.#options === 'OPTIN') this.#send('', 'CLIENT', 'CACHING', 'YES');
    this.#send(key, 'GET', key);
  }

  close(): void {
    this.kept.clear();
    this.#client.close();
  }

  #send(key: string, ...words: string[]): void {
    this.#asked.push(key);
    const request = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    this.#client.write(Buffer.from(`*${words.length}\r\n${request.join('')}`));
  }

  #hear(message: WireReply): void {
    if (message.type === '>') {
      this.invalidations++;
      const names = message.items![1].items;
      if (names === null) this.kept.clear();
      else for (const { text } of names) this.kept.delete(text!);
      return;
    }
    const key = this.#asked.shift()!;
    if (key !== '' && message.type === '$' && message.text !== null) this.kept.set(key, Number(message.text));
  }
}

/** A connection to where values are written, anew when it is gone. */
class WritingPlace {
  readonly #place: () => Place;
  #client: WireClient | null = null;

  constructor(place: () => Place) {
    this.#place = place;
  }

  /** Whether it is done, is up to somebody else, or may be either. */
  async write(key: string, number: number): Promise<'done' | 'elsewhere' | 'unknown'> {
    if (this.#client?.isClosed) this.#client = null;
    this.#client ??= await WireClient.connect(this.#place()).catch(() => null);
    if (this.#client === null) return 'elsewhere';
    const reply = await this.#client.call('SET', key, String(number)).catch(() => null);
    if (reply === null) return 'unknown';
    if (reply.type === '+') return 'done';
    return /^(MOVED|CLUSTERDOWN)/.test(reply.text ?? '') ? 'elsewhere' : 'unknown';
  }

  close(): void {
    this.#client?.close();
  }
}

export class KeptValues {
  /** How long a value was kept after a newer one was acknowledged, at most, in ms: of readers from leaders, and from any replica. */
  readonly longest = { leader: 0, replica: 0 };
  /** Since it was last asked. */
  #recent = { leader: 0, replica: 0 };
  writes = 0;
  reads = 0;
  hits = 0;
  readonly #options: KeptValuesOptions;
  readonly #written = new Written();
  readonly #keepers = new Set<Keeper>();
  #invalidationsBefore = 0;
  #isOver = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: KeptValuesOptions) {
    this.#options = options;
  }

  start(): void {
    const { readers, seed, writeAt } = this.#options;
    const random = (i: number): Random => new SeededRandom(seed * 100 + i);
    // One writer to a key: what it has acknowledged is in the order of its numbers.
    const shares = writeAt.map((_, i) => keys.filter((_key, j) => j % writeAt.length === i));
    this.#running = Promise.all([
      ...readers.map((options, i) => this.#read(options, random(i))),
      ...shares.map((share, i) => this.#write(i, share, random(50 + i))),
      this.#look(),
    ]);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  /** The longest since the call before, in ms. */
  takeRecent(): { leader: number; replica: number } {
    const recent = this.#recent;
    this.#recent = { leader: 0, replica: 0 };
    return recent;
  }

  summary(): string {
    const { hits, invalidations, longest, reads, writes } = this;
    const counts = `${writes} writes, ${reads} reads, ${hits} of kept values, ${invalidations} invalidations`;
    return `${counts}; outdated for at most ${longest.leader.toFixed()} ms, from a replica ${longest.replica.toFixed()} ms`;
  }

  /** Of all readers, those that are gone too. */
  get invalidations(): number {
    let sum = this.#invalidationsBefore;
    for (const keeper of this.#keepers) sum += keeper.invalidations;
    return sum;
  }

  async #read(options: string, random: Random): Promise<void> {
    while (!this.#isOver) {
      const keeper = await Keeper.connect(options, this.#options.readAt()).catch(() => null);
      if (keeper === null) {
        await pause(50);
        continue;
      }
      this.#keepers.add(keeper);
      while (!this.#isOver && !keeper.isClosed) {
        const key = keys[randomBelow(random, keys.length)];
        if (keeper.kept.has(key)) this.hits++;
        else if (keeper.waiting < 32) {
          this.reads++;
          keeper.read(key);
        }
        if (randomBelow(random, 4) === 0) await pause(1);
      }
      this.#keepers.delete(keeper);
      this.#invalidationsBefore += keeper.invalidations;
      keeper.close();
    }
  }

  async #write(writer: number, share: readonly string[], random: Random): Promise<void> {
    const places = this.#options.writeAt[writer].map((place) => new WritingPlace(place));
    while (!this.#isOver) {
      const key = share[randomBelow(random, share.length)];
      const number = this.#written.next();
      for (const place of places) {
        const said = await place.write(key, number);
        if (said === 'elsewhere') continue;
        if (said === 'done') {
          this.writes++;
          this.#written.acknowledge(key, number);
        }
        break;
      }
      await pause(randomBelow(random, writePauseMs * 2));
    }
    for (const place of places) place.close();
  }

  async #look(): Promise<void> {
    while (!this.#isOver) {
      await pause(lookMs);
      for (const { kept, source } of this.#keepers)
        for (const [key, number] of kept) {
          const ms = this.#written.outdatedMs(key, number);
          for (const figures of [this.longest, this.#recent]) if (ms > figures[source]) figures[source] = ms;
        }
    }
  }
}
