/** What is known of the elements of collections that are in memory in part, without a look at the disk. */
// @hot-path
import { byteStringOf } from '@holdfast/common';
import type { Collection } from '../collection.js';
import type { ElementNames, PartialElements } from '../partial-elements.js';
import { elementKeyOverhead, writeElementKey } from './disk-keys.js';
import type { Layout } from './layouts/index.js';

/** Who names more elements, or longer names in all, has the whole collection loaded. */
const elementsMax = 512;
const elementBytesMax = 256 * 1024;

export class KnownElements {
  readonly #layouts: readonly Layout[];

  constructor(layouts: readonly Layout[]) {
    this.#layouts = layouts;
  }

  /** Whether all that are named are there, or known to be absent. */
  hasAll(collection: Collection, elements: ElementNames): boolean {
    if (elements.count > 0 && this.needsWhole(collection, elements)) return false;
    for (let i = 0; i < elements.count; i++) if (!this.has(collection, elements, i)) return false;
    return true;
  }

  has(collection: Collection, elements: ElementNames, i: number): boolean {
    const { bytes } = elements;
    const [start, length] = [elements.start(i), elements.length(i)];
    if (this.#layouts[collection.type].holds(collection, bytes, start, length)) return true;
    return (collection.partial as PartialElements).absent.has(byteStringOf(bytes, start, length));
  }

  /** Whether reading one by one would not do. */
  needsWhole({ partial }: Collection, elements: ElementNames): boolean {
    if (partial?.mustBeWhole || elements.count > elementsMax) return true;
    let bytes = 0;
    for (let i = 0; i < elements.count; i++) bytes += elements.length(i);
    return bytes > elementBytesMax;
  }
}

/** What the disk calls an element. */
export function elementRecordKey(
  { incarnation }: PartialElements,
  elements: ElementNames,
  i: number,
): Buffer {
  const length = elements.length(i);
  const key = Buffer.allocUnsafe(elementKeyOverhead + length);
  writeElementKey(key, incarnation, elements.bytes, elements.start(i), length);
  return key;
}
