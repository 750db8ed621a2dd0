/** The arguments of a request that name elements, where a command declares them: see `CommandDeclaration.elements`. */
// @hot-path
import { emptyBytes, type Request } from '@holdfast/common';
import type { Command } from '@holdfast/engine';
import type { ElementNames } from '@holdfast/storage';

export class NamedElements implements ElementNames {
  bytes: Uint8Array = emptyBytes;
  count = 0;
  #request!: Request;
  #first = 0;
  #step = 0;

  /** Those of a request whose key is argument `key`; valid until the request is. */
  of({ elements }: Command, request: Request, key: number): this {
    this.#request = request;
    this.bytes = request.bytes;
    this.count = 0;
    if (elements === undefined || elements === 'none') return this;
    const { first, step } = elements;
    this.#step = step;
    this.#first = first < 0 ? request.count + first : first;
    // Upwards to the last argument, or downwards to the one behind the key.
    const steps = step > 0 ? (request.count - 1 - this.#first) / step : (this.#first - key - 1) / -step;
    this.count = Math.max(0, Math.floor(steps) + 1);
    return this;
  }

  start(i: number): number {
    return this.#request.start(this.#first + i * this.#step);
  }

  length(i: number): number {
    return this.#request.length(this.#first + i * this.#step);
  }
}
