/**
 * Messages of a gateway in the order in which they came: each is opened once versions are at hand for what it writes. Where
 * none can be had, or not soon, it is opened as well: what needs none goes on, the rest says so.
 */
// @hot-path
import type { Timer } from '@holdfast/common';
import { writesIn } from './decoder.js';
import type { NodeExporter } from './exporter.js';
import { versionsWaitMsMax } from './limits.js';

interface Arrived {
  readonly message: Buffer;
  readonly arrival: number;
  readonly writes: number;
}

export class Arrivals {
  readonly #exporter: NodeExporter;
  readonly #open: (message: Buffer, arrival: number) => void;
  /** Those that came before versions were at hand for what the first of them writes. */
  #waiting: Arrived[] = [];

  constructor(exporter: NodeExporter, open: (message: Buffer, arrival: number) => void) {
    this.#exporter = exporter;
    this.#open = open;
  }

  add(message: Buffer): void {
    const { timestamps } = this.#exporter;
    const writes = writesIn(message);
    const arrival = writes === 0 ? 0 : timestamps.arrive();
    const ready = arrival === 0 ? null : timestamps.ready(arrival, writes);
    if (this.#waiting.length > 0) {
      this.#waiting.push({ message, arrival, writes });
    } else if (ready === null) {
      this.#open(message, arrival);
    } else {
      this.#waiting.push({ message, arrival, writes });
      this.#openWhen(ready);
    }
  }

  #openWhen(ready: Promise<void>): void {
    const { timers } = this.#exporter;
    const [first] = this.#waiting;
    let timer: Timer | null = timers.setTimeout(() => {
      timer = null;
      this.#openAll();
    }, versionsWaitMsMax);
    const ends = (): boolean => {
      if (timer !== null) timers.clearTimeout(timer);
      return this.#waiting[0] === first;
    };
    ready.then(
      () => ends() && this.#openReady(),
      () => ends() && this.#openAll(),
    );
  }

  #openAll(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { message, arrival } of waiting) this.#open(message, arrival);
  }

  #openReady(): void {
    const { timestamps } = this.#exporter;
    let opened = 0;
    let ready: Promise<void> | null = null;
    for (const { message, arrival, writes } of this.#waiting) {
      ready = arrival === 0 ? null : timestamps.ready(arrival, writes);
      if (ready !== null) break;
      opened++;
      this.#open(message, arrival);
    }
    this.#waiting.splice(0, opened);
    if (ready !== null) this.#openWhen(ready);
  }
}
