/**
 * When keys were accessed, or how often: what the policies LRU and LFU choose by, and what OBJECT IDLETIME and FREQ
 * tell. The dict of a database keeps one word for each key; here is what it means:
 *
 *     lru    | accessed 1 | known 1 | seconds 24             |
 *     lfu    | accessed 1 | known 1 | minutes 16 | counter 8 |
 *
 * The seconds are Redis' LRU clock, which comes round after 194 days. The counter is logarithmic: an access raises
 * it with a chance that falls as it grows, and each `lfu-decay-time` minutes without one lower it. A word of 0 is of a
 * key that was not accessed since it was written last: its version says when that was.
 *
 * `accessed` is for the storage, which takes it away: see `Dict.sweep`. Words are kept only while somebody asks for them:
 * an LFU policy, an LRU policy with a limit of memory, a bound on what is resident, or a command that is about access times. They take 4 bytes for each slot of the index, and each lookup a few nanoseconds.
 */
// @hot-path
import type { Clock, Random } from '@holdfast/common';
import { type Dict, type Storage, wasAccessed } from '@holdfast/storage';
import { oracleEpochMs, timestampsPerMs } from '@holdfast/tso';
import type { Config } from './config.js';

const isKnown = 1 << 24;
const secondsMask = (1 << 24) - 1;
const minutesMask = (1 << 16) - 1;
const counterMax = 255;
/** A new key begins with so many, lest it is the first to go. */
const counterInitial = 5;

export class UsageClock {
  /** Words are kept. */
  isOn = false;
  /** Words are those of LFU. */
  countsAccesses = false;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #config: Config;
  /** A command asked for access times. */
  #isAsked = false;
  #storage: Storage;
  #logFactor = 10;
  #decayMinutes = 1;
  #nowMs = 0;
  /** The words of an access in this turn: of LRU, and of LFU without its counter. */
  #secondsWord = 0;
  #minutesWord = 0;

  /** `clock` tells the time of the turn. */
  constructor(config: Config, clock: Clock, random: Random, storage: Storage) {
    this.#config = config;
    this.#clock = clock;
    this.#random = random;
    this.#storage = storage;
    config.onChange('lfu-log-factor', () => {
      this.#logFactor = config.number('lfu-log-factor');
    });
    config.onChange('lfu-decay-time', () => {
      this.#decayMinutes = config.number('lfu-decay-time');
    });
    config.onChange('maxmemory-policy', () => this.#follow());
    config.onChange('maxmemory', () => this.#follow());
    config.onChange('cache-bytes', () => this.#follow());
  }

  /** Somebody wants access times: from now on they are kept, whatever the policy. */
  ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#follow();
  }

  replaceStorage(storage: Storage): void {
    this.#storage = storage;
    storage.trackAccess(this.isOn);
  }

  /** A turn begins. */
  tick(nowMs: number): void {
    this.#nowMs = nowMs;
    this.#secondsWord = wasAccessed | isKnown | (Math.floor(nowMs / 1000) & secondsMask);
    this.#minutesWord = wasAccessed | isKnown | ((Math.floor(nowMs / 60_000) & minutesMask) << 8);
  }

  /**
   * The key that the dict's `find` just returned is accessed. `version` is its own. Only while `isOn`. The first access since it is
   * in memory leaves no mark for the storage: it is what the key was loaded for. Of reads by Zipf (0.98) over ten times of what
   * memory holds 77.8% then find their key, instead of 75.6%, and of 1.4 keys that the storage looks at one goes, instead of one
   * of 2.4 (simulated: a million keys).
   */
  touch(dict: Dict, version: number): void {
    const { access } = dict;
    const word = this.countsAccesses
      ? this.#minutesWord | this.#raised(this.frequency(access, version))
      : this.#secondsWord;
    dict.access = access === 0 ? word & ~wasAccessed : word;
  }

  /** Milliseconds since the key was accessed, in whole seconds; while frequencies are kept, since it was written. */
  idleMs(access: number, version: number): number {
    if (access === 0 || this.countsAccesses) {
      return Math.max(0, Math.floor((this.#nowMs - writtenMs(version)) / 1000)) * 1000;
    }
    return ((this.#secondsWord - access) & secondsMask) * 1000;
  }

  /** As DEBUG OBJECT shows it: the LRU clock at the last access, or minutes and counter of LFU. */
  clockOf(access: number, version: number): number {
    if (access !== 0) return access & secondsMask;
    return Math.floor(writtenMs(version) / 1000) & secondsMask;
  }

  /** How often the key is accessed, on Redis' logarithmic scale from 0 to 255, as of now. */
  frequency(access: number, version: number): number {
    let counter = counterInitial;
    let minutes = 0;
    if (access === 0) {
      minutes = Math.max(0, Math.floor((this.#nowMs - writtenMs(version)) / 60_000));
    } else {
      counter = access & counterMax;
      minutes = ((this.#minutesWord >>> 8) - (access >>> 8)) & minutesMask;
    }
    if (this.#decayMinutes === 0) return counter;
    return Math.max(0, counter - Math.floor(minutes / this.#decayMinutes));
  }

  /** Sets what is known of the key that `find` just returned (RESTORE): idle for so long. */
  setIdle(dict: Dict, seconds: number): void {
    if (!this.countsAccesses) dict.access = isKnown | ((this.#secondsWord - seconds) & secondsMask);
  }

  /** As `setIdle`: accessed so often. */
  setFrequency(dict: Dict, frequency: number): void {
    if (this.countsAccesses) dict.access = this.#minutesWord | Math.min(counterMax, frequency);
  }

  #raised(counter: number): number {
    if (counter >= counterMax) return counterMax;
    const base = Math.max(0, counter - counterInitial);
    const chance = 1 / (base * this.#logFactor + 1);
    return this.#random.uint32() < chance * 0x100000000 ? counter + 1 : counter;
  }

  #follow(): void {
    const policy = this.#config.text('maxmemory-policy');
    const countsAccesses = policy.endsWith('-lfu');
    const isLimited = this.#config.number('maxmemory') > 0;
    const isBounded = this.#config.number('cache-bytes') > 0;
    const isOn = countsAccesses || this.#isAsked || isBounded || (isLimited && policy.endsWith('-lru'));
    // Words of the other kind would be read as nonsense.
    if (countsAccesses !== this.countsAccesses) this.#storage.trackAccess(false);
    this.countsAccesses = countsAccesses;
    this.isOn = isOn;
    this.#storage.trackAccess(isOn);
    this.tick(this.#clock.now());
  }
}

function writtenMs(version: number): number {
  return oracleEpochMs + Math.floor(version / timestampsPerMs);
}
