/**
 * What the scans share that go on at one server at the same time: the memory for the keys that their passes keep, and the
 * turns of the event loop.
 *
 *     scans at a time         1       2       4     ...    256 and more
 *     keys kept by the last   65,536  32,768  16,384        256
 *
 * One scan has a step in each turn, whoever waits longest, so that others wait for one step and not for as many as there
 * are scans. A thousand scans that nobody reads keep no more keys than ten.
 */
import type { Clock } from '@holdfast/common';
import type { Turns } from './turns.js';

/** Keys kept in one pass of the only scan, their bytes, and how few they become. */
const keysMax = 65536;
const keysMin = 256;
const bytesMax: number = 16 * 1024 * 1024;

export class ScanRoom {
  readonly clock: Clock;
  readonly #turns: Turns;
  #scans = 0;
  /** Scans that wait for their next step, in order. */
  #waiting: (() => void)[] = [];
  #isServing = false;

  constructor(turns: Turns, clock: Clock) {
    this.#turns = turns;
    this.clock = clock;
  }

  /** A scan begins: in a turn of its own when others go on. `leave` is to be called when it is over. */
  async enter(): Promise<void> {
    this.#scans++;
    if (this.#scans > 1) await this.next();
  }

  leave(): void {
    this.#scans--;
  }

  /** How many keys a pass that begins now may keep. */
  get keysMax(): number {
    return Math.max(keysMin, Math.floor(keysMax / Math.max(1, this.#scans)));
  }

  /** And how many bytes of keys. */
  get bytesMax(): number {
    return Math.floor((bytesMax / keysMax) * this.keysMax);
  }

  /** Resolves in a later turn, in which no other scan has a step. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (!this.#isServing) void this.#serve();
    });
  }

  async #serve(): Promise<void> {
    this.#isServing = true;
    while (this.#waiting.length > 0) {
      const round = this.#waiting;
      this.#waiting = [];
      for (const resolve of round) {
        await this.#turns.next();
        resolve();
      }
    }
    this.#isServing = false;
  }
}
