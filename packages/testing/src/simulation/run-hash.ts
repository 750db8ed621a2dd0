/** Tells two runs apart: a hash over their events, cheap enough to be there always. */
import type { SimulationEvent } from './event-queue.js';

const time = new Float64Array(1);
const words = new Int32Array(time.buffer);

export class RunHash {
  #low = 0x811c9dc5;
  #high = 0x9dc5811c;

  add({ atMs, order, owner }: SimulationEvent): void {
    time[0] = atMs;
    this.#fold(words[0], order);
    this.#fold(words[1], owner === null ? 0 : owner.name.charCodeAt(0));
  }

  get text(): string {
    return [this.#high, this.#low].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  #fold(one: number, other: number): void {
    this.#low = Math.imul(this.#low ^ one, 0x01000193) + (this.#high >>> 7);
    this.#high = Math.imul(this.#high ^ other, 0x01000193) + (this.#low >>> 11);
  }
}
